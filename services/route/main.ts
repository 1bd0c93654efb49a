import { readConfig } from '@hotrod/kit/config';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { serve } from '@hotrod/kit/service';
import { shutdownTelemetry } from '@hotrod/telemetry/shutdown';

import { settings } from './config.ts';
import { routeRoutes } from './routes.ts';

await runMain('route', async () => {
  const config = readConfig(settings, process.env);
  const logger = createLogger('route', config.logLevel);
  const routes = routeRoutes({
    random: Math.random,
    delay: { meanMs: config.calculationDelayMs, deviationMs: config.calculationDelayDeviationMs },
    speedMetersPerSecond: config.speedMetersPerSecond,
  });
  await serve({
    logger,
    listen: config,
    ready: {},
    routes,
    closables: [{ name: 'telemetry', close: shutdownTelemetry }],
  });
});
