import { fileURLToPath } from 'node:url';

import { readConfig } from '@hotrod/kit/config';
import { createDatabase } from '@hotrod/kit/database';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { serve } from '@hotrod/kit/service';
import { shutdownTelemetry } from '@hotrod/telemetry/shutdown';

import { settings } from './config.ts';
import { createCustomersDatabase } from './database.ts';
import { customerRoutes } from './routes.ts';

await runMain('customer', async () => {
  const config = readConfig(settings, process.env);
  const logger = createLogger('customer', config.logLevel);
  const database = createDatabase({
    url: config.databaseUrl,
    schema: 'customer',
    poolSize: config.databasePoolSize,
    connectTimeoutMs: config.databaseConnectTimeoutMs,
    startTimeoutMs: config.databaseStartTimeoutMs,
    logger,
  });
  await database.migrate(fileURLToPath(new URL('./migrations', import.meta.url)));
  const customers = createCustomersDatabase({
    database,
    random: Math.random,
    delay: { meanMs: config.queryDelayMs, deviationMs: config.queryDelayDeviationMs },
    slowFactor: config.slowFactor,
  });
  await serve({
    logger,
    listen: config,
    ready: { postgres: database.ready },
    routes: customerRoutes(customers),
    closables: [
      { name: 'database', close: database.close },
      { name: 'telemetry', close: shutdownTelemetry },
    ],
  });
});
