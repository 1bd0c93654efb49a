import { fileURLToPath } from 'node:url';

import { describeSettings, readCommandLine } from '@hotrod/kit/command-line';
import { readConfig, releaseOf } from '@hotrod/kit/config';
import { createDatabase, type Database } from '@hotrod/kit/database';
import { createServiceFlags } from '@hotrod/kit/flags';
import { createLogger } from '@hotrod/kit/logging';
import { runMain } from '@hotrod/kit/main';
import { serve } from '@hotrod/kit/service';
import { flagEvaluated } from '@hotrod/telemetry/flags';
import { shutdownTelemetry } from '@hotrod/telemetry/shutdown';

import { settings } from './config.ts';
import { createCustomersDatabase } from './database.ts';
import { createFaultyCustomers } from './faults.ts';
import { customerRoutes } from './routes.ts';

await runMain('customer', async () => {
  readCommandLine('customer', {
    help: `The customer service of HotROD: who orders rides, from Postgres.\n\n${describeSettings(settings)}`,
  });
  const config = readConfig(settings, process.env);
  const logger = createLogger('customer', config.logLevel);
  const flags = await createServiceFlags('customer', config, logger, flagEvaluated);
  const openDatabase = (poolSize: number) =>
    createDatabase({
      url: config.databaseUrl,
      schema: 'customer',
      poolSize,
      connectTimeoutMs: config.databaseConnectTimeoutMs,
      maxWaitMs: config.databaseMaxWaitMs,
      statementTimeoutMs: config.databaseStatementTimeoutMs,
      startTimeoutMs: config.databaseStartTimeoutMs,
      logger,
    });
  const database = openDatabase(config.databasePoolSize);
  await database.migrate(fileURLToPath(new URL('./migrations', import.meta.url)));
  const customersOver = (source: Database) =>
    createCustomersDatabase({
      database: source,
      random: Math.random,
      delay: { meanMs: config.queryDelayMs, deviationMs: config.queryDelayDeviationMs },
      slowFactor: config.slowFactor,
    });
  const faulty = createFaultyCustomers({ customers: customersOver(database), flags, openDatabase, customersOver });
  await serve({
    logger,
    listen: config,
    ready: { postgres: database.ready },
    release: releaseOf(config),
    routes: customerRoutes(faulty.customers),
    closables: [
      { name: 'database', close: database.close },
      { name: 'faults', close: faulty.close },
      { name: 'flags', close: flags.close },
      { name: 'telemetry', close: shutdownTelemetry },
    ],
  });
});
