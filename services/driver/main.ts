import { fileURLToPath } from 'node:url';

import { readConfig } from '@hotrod/kit/config';
import { createDatabase } from '@hotrod/kit/database';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { serve } from '@hotrod/kit/service';
import { shutdownTelemetry } from '@hotrod/telemetry/shutdown';

import { settings } from './config.ts';
import { createDriversDatabase } from './database.ts';
import { driverRoutes } from './routes.ts';

await runMain('driver', async () => {
  const config = readConfig(settings, process.env);
  const logger = createLogger('driver', config.logLevel);
  const database = createDatabase({
    url: config.databaseUrl,
    schema: 'driver',
    poolSize: config.databasePoolSize,
    connectTimeoutMs: config.databaseConnectTimeoutMs,
    startTimeoutMs: config.databaseStartTimeoutMs,
    logger,
  });
  await database.migrate(fileURLToPath(new URL('./migrations', import.meta.url)));
  const drivers = createDriversDatabase({
    database,
    random: Math.random,
    delays: {
      search: { meanMs: config.searchDelayMs, deviationMs: config.searchDelayDeviationMs },
      read: { meanMs: config.readDelayMs, deviationMs: config.readDelayDeviationMs },
      readFailureMs: config.readFailureDelayMs,
    },
    readFailureEvery: config.readFailureEvery,
    readAttempts: config.readAttempts,
    rideDurationMs: config.rideDurationMs,
  });
  await serve({
    logger,
    listen: config,
    ready: { postgres: database.ready },
    routes: driverRoutes(drivers),
    closables: [
      { name: 'database', close: database.close },
      { name: 'telemetry', close: shutdownTelemetry },
    ],
  });
});
