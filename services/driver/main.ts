import { fileURLToPath } from 'node:url';

import { describeSettings, readCommandLine } from '@hotrod/kit/command-line';
import { readConfig, releaseOf } from '@hotrod/kit/config';
import { createDatabase } from '@hotrod/kit/database';
import { createServiceFlags } from '@hotrod/kit/flags';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { serve } from '@hotrod/kit/service';
import { setClockSkew } from '@hotrod/telemetry/clock-skew';
import { flagEvaluated } from '@hotrod/telemetry/flags';
import { shutdownTelemetry } from '@hotrod/telemetry/shutdown';

import { settings } from './config.ts';
import { createDriversDatabase } from './database.ts';
import { createFaultyDrivers, readMannerOf } from './faults.ts';
import { driverRoutes } from './routes.ts';

await runMain('driver', async () => {
  readCommandLine('driver', {
    help: `The driver service of HotROD: drivers near a place, from Postgres.\n\n${describeSettings(settings)}`,
  });
  const config = readConfig(settings, process.env);
  const logger = createLogger('driver', config.logLevel);
  const flags = await createServiceFlags('driver', config, logger, flagEvaluated);
  // Fault clock-skew.
  flags.onChange(() => void flags.number('clock-skew', 0).then(setClockSkew));
  const database = createDatabase({
    url: config.databaseUrl,
    schema: 'driver',
    poolSize: config.databasePoolSize,
    connectTimeoutMs: config.databaseConnectTimeoutMs,
    maxWaitMs: config.databaseMaxWaitMs,
    statementTimeoutMs: config.databaseStatementTimeoutMs,
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
    readManner: readMannerOf(flags, config.readFailureEvery),
    readAttempts: config.readAttempts,
    rideDurationMs: config.rideDurationMs,
  });
  await serve({
    logger,
    listen: config,
    ready: { postgres: database.ready },
    release: releaseOf(config),
    routes: driverRoutes(createFaultyDrivers(drivers, flags, logger)),
    closables: [
      { name: 'database', close: database.close },
      { name: 'flags', close: flags.close },
      { name: 'telemetry', close: shutdownTelemetry },
    ],
  });
});
