import { describeSettings, readCommandLine } from '@hotrod/kit/command-line';
import { readConfig, releaseOf } from '@hotrod/kit/config';
import { createServiceFlags } from '@hotrod/kit/flags';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { serve } from '@hotrod/kit/service';
import { flagEvaluated } from '@hotrod/telemetry/flags';
import { shutdownTelemetry } from '@hotrod/telemetry/shutdown';

import { settings } from './config.ts';
import { createRouteFaults } from './faults.ts';
import { routeRoutes } from './routes.ts';

await runMain('route', async () => {
  readCommandLine('route', {
    help: `The route service of HotROD: how long a driver takes from one place to another.\n\n${describeSettings(settings)}`,
  });
  const config = readConfig(settings, process.env);
  const logger = createLogger('route', config.logLevel);
  const flags = await createServiceFlags('route', config, logger, flagEvaluated);
  const routes = routeRoutes({
    faults: createRouteFaults(flags, Math.random),
    random: Math.random,
    delay: { meanMs: config.calculationDelayMs, deviationMs: config.calculationDelayDeviationMs },
    speedMetersPerSecond: config.speedMetersPerSecond,
  });
  await serve({
    logger,
    listen: config,
    ready: {},
    release: releaseOf(config),
    routes,
    closables: [
      { name: 'flags', close: flags.close },
      { name: 'telemetry', close: shutdownTelemetry },
    ],
  });
});
