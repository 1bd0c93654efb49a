import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { Setting } from '@hotrod/kit/config';
import type { Logger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer, sendProblem } from '@hotrod/kit/server';
import express, { type Express } from 'express';

import type { Alerting } from './alerting/alerting.ts';
import { startAlerting } from './alerting/start-alerting.ts';
import { createApi } from './api/api.ts';
import type { ApiParts } from './api/context.ts';
import type { Status } from './contract/contract.ts';
import { wrongMethod } from './api/problem.ts';
import { type ObservatoryConfig, settings } from './config.ts';
import { startGrpcReceiver } from './otlp/grpc-receiver.ts';
import { startHttpReceiver } from './otlp/http-receiver.ts';
import { createTaking } from './otlp/taking.ts';
import { pageFiles } from './page-files.ts';
import { runbookFiles } from './runbook-files.ts';
import { type Database, openDatabase } from './store/database.ts';
import { createIngest, type Ingest } from './store/ingest/ingest.ts';
import { ingestDefaults } from './store/ingest/ingest-options.ts';
import { OpenError, openFailure } from './store/failures.ts';
import { setAside } from './store/set-aside.ts';
import { applyRetention, databaseBytes, type RetentionOptions } from './store/retention/retention.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';

export interface ObservatoryOptions {
  config: ObservatoryConfig;
  logger: Logger;
  version: string;
  /** The directory of the built page; none is served without. */
  page?: string;
  /** The directory of the runbooks that alerts lead to; none are served without. */
  runbooks?: string;
  /** Whether a database that is damaged is kept beside the file, and an empty one begun. */
  startAnew?: boolean;
  /** Is called once, with a sentence, when only a new process can store what comes in. */
  onFatal?: (reason: string) => void;
}

/** A running Observatory. */
export interface Observatory {
  /** Of the page, the API and the markers. */
  url: string;
  /** What an exporter is given as `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  otlpUrl: string;
  /** The same where its protocol is `grpc`. */
  otlpGrpcUrl: string;
  parts: ApiParts;
  database: Database;
  telemetry: Telemetry;
  /** Writes everything that was acknowledged to disk. */
  flush(): Promise<void>;
  /** Takes no more, stores what waits, closes the file. */
  close(): Promise<void>;
}

const retentionIntervalMs = 60_000;
/** How long requests under way may take to end when it closes: a part of the time that the process is given. */
const cutAfterMs = 1_000;

/**
 * Starts receiver, store, API and page in this process.
 *
 * @throws where a port is taken, or the database is held by another Observatory; nothing is left running then.
 */
export async function startObservatory(options: ObservatoryOptions): Promise<Observatory> {
  try {
    return await startAll(options);
  } catch (error) {
    if (!options.startAnew || !(error instanceof OpenError) || !error.damaged) throw error;
    const kept = setAside(databasePath(options.config));
    options.logger.warn({ err: error, kept }, 'The database is damaged; it is kept, and an empty one begun');
    return startAll(options);
  }
}

function databasePath({ dataDir }: ObservatoryConfig): string {
  return join(dataDir, 'observatory.duckdb');
}

async function startAll(options: ObservatoryOptions): Promise<Observatory> {
  const { config, logger } = options;
  const telemetry = createTelemetry();
  const path = databasePath(config);
  const database = await openDatabase({
    path,
    memoryLimitMb: config.memoryLimitMb,
    threads: config.threads,
    onQuery: (statement, seconds) => telemetry.queried(statement, seconds),
  });
  const servers: RunningServer['close'][] = [];
  const closers: ((options: { leaveAsIs: boolean }) => Promise<void>)[] = [database.close];
  const closeAll = async (how: { leaveAsIs: boolean }): Promise<void> => {
    // No one who is slow to send or to read keeps what was acknowledged from the disk.
    await Promise.all(servers.splice(0).map((close) => close({ cutAfterMs })));
    for (const close of closers.splice(0).toReversed()) await close(how);
  };
  try {
    const ingest = await createIngest(
      database,
      telemetry,
      logger,
      { ...ingestDefaults, queueItems: config.queueItems },
      options.onFatal,
    ).catch((error: unknown) => {
      throw openFailure(path, error);
    });
    closers.push(() => ingest.close());
    const retention = startRetention(
      database,
      { path, hours: config.retentionHours, maxMb: config.maxDatabaseMb },
      logger,
    );
    closers.push(async () => retention.stop());
    registerGauges(telemetry, ingest);
    const taking = createTaking(ingest, telemetry);
    const maxBodyBytes = config.maxBodyMb * 2 ** 20;
    const receiver = await onPort(settings.otlpPort, config.otlpPort, () =>
      startHttpReceiver(taking, telemetry, {
        host: config.host,
        port: config.otlpPort,
        maxBodyBytes,
        corsOrigins: list(config.corsOrigins),
        hosts: list(config.hosts),
      }),
    );
    servers.push(receiver.close);
    const grpcReceiver = await onPort(settings.otlpGrpcPort, config.otlpGrpcPort, () =>
      startGrpcReceiver(taking, telemetry, { host: config.host, port: config.otlpGrpcPort, maxBodyBytes }),
    );
    servers.push(grpcReceiver.close);
    const about = {
      version: options.version,
      path,
      otlpPort: portOf(receiver.url),
      otlpGrpcPort: portOf(grpcReceiver.url),
      ridesUrl: config.ridesUrl,
    };
    const parts: ApiParts = {
      database,
      status: createStatus(database, ingest, telemetry, about),
      metrics: telemetry.text,
    };
    /** It begins behind the server, whose address is in its links. */
    let alerting: Alerting | undefined;
    const app = createApp({
      logger,
      ready: { store: () => storeWorks(ingest) },
      routes: (all) => {
        routes(all, parts, options, (objective) => alerting?.firingOf(objective) ?? []);
        if (options.runbooks !== undefined) runbookFiles(all, options.runbooks);
        if (options.page === undefined) return;
        pageFiles(all, options.page, config.basePath);
        all.all('/', (request, response, next) => {
          // What is read comes here where the page was not built.
          if (['GET', 'HEAD'].includes(request.method)) next();
          else sendProblem(response, wrongMethod(request.method, 'GET, HEAD'));
        });
      },
    });
    const server = await onPort(settings.port, config.port, () =>
      listen(underPath(config.basePath, app), config.host, config.port, { maxHeaderSize: 65_536 }),
    );
    servers.push(server.close);
    const alerts = startAlerting(options, server.url, database, telemetry);
    alerting = alerts.alerting;
    closers.push(alerts.close);
    return {
      url: server.url,
      otlpUrl: receiver.url,
      otlpGrpcUrl: grpcReceiver.url,
      parts,
      database,
      telemetry,
      flush: ingest.flush,
      close: () => closeAll({ leaveAsIs: false }),
    };
  } catch (error) {
    await closeAll({ leaveAsIs: error instanceof OpenError });
    throw error;
  }
}

/** @throws with a sentence that names the setting where the port is taken. */
async function onPort<T>(setting: Setting, port: number, start: () => Promise<T>): Promise<T> {
  const outcome = await start().then(
    (started) => ({ started }),
    (failure: unknown) => ({ failure }),
  );
  if ('started' in outcome) return outcome.started;
  const { failure } = outcome;
  const taken = failure instanceof Error && 'code' in failure && failure.code === 'EADDRINUSE';
  if (!taken) throw failure;
  throw new Error(`port ${port} is taken by another program. Stop that program, or set ${setting.env} to a free port.`);
}

/**
 * The application under a path of a reverse proxy, and at the root as well: some proxies strip the path, and those who are
 * behind the proxy (probes, Prometheus, a pipeline) know none.
 */
function underPath(basePath: string, app: Express): Express {
  if (basePath === '') return app;
  const both = express();
  both.disable('x-powered-by');
  both.use(basePath, app);
  both.use(app);
  return both;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** What is separated by commas in a setting. */
function list(setting: string | null): string[] {
  return (setting ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function routes(
  app: Express,
  parts: ApiParts,
  { config, logger }: ObservatoryOptions,
  firingOf: Alerting['firingOf'],
): void {
  app.use(
    createApi(parts, {
      basePath: config.basePath,
      hosts: list(config.hosts),
      ...(config.objectives === null ? {} : { objectives: config.objectives }),
      firingOf,
      ...(config.markersKey === null ? {} : { markersKey: config.markersKey }),
      onFailure: (error) => logger.error({ err: error }, 'A question failed'),
    }),
  );
}

async function storeWorks(ingest: Ingest): Promise<void> {
  const failure = ingest.failure();
  if (failure !== null) throw new Error(failure);
}

function registerGauges(telemetry: Telemetry, ingest: Ingest): void {
  telemetry.gauge('queue_items', 'Items that wait to be stored.', ingest.waiting);
  telemetry.gauge(
    'unstored_seconds',
    'How long the oldest item that is not on disk has waited: what a crash would lose.',
    ingest.unstoredSeconds,
  );
  telemetry.gauge('queue_limit_items', 'Items that may wait to be stored.', () => ingest.limit);
  telemetry.gauge(
    'open_traces_spans',
    'Spans held in memory because their trace still receives some.',
    ingest.openSpans,
  );
  telemetry.gauge('resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
  telemetry.gauge('heap_bytes', "JavaScript's part of it.", () => process.memoryUsage().heapTotal);
  telemetry.gauge('cpu_seconds', 'Processor time of the process, all threads.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  telemetry.gauge(
    'event_loop_delay_max_seconds',
    'The longest that the event loop was held since this was last read.',
    () => {
      const seconds = delay.max / 1e9;
      delay.reset();
      return seconds;
    },
  );
  telemetry.gauge('uptime_seconds', 'Since the process began.', () => process.uptime());
}

function createStatus(
  database: Database,
  ingest: Ingest,
  telemetry: Telemetry,
  {
    path,
    ...about
  }: { version: string; path: string; otlpPort: number; otlpGrpcPort: number; ridesUrl: string | null },
): (signal?: AbortSignal) => Promise<Status> {
  const startedMs = performance.now();
  const toMs = (ns: bigint | null | undefined): number | null =>
    ns === null || ns === undefined ? null : Number(ns / 1_000_000n);
  type Extent = { traces: number; oldest_ns: bigint | null; newest_ns: bigint | null };
  return async (signal) => {
    const [extent] = await database.aside.rows<Extent>('store-extent', signal ? { signal } : {});
    return {
      ...about,
      uptimeSeconds: (performance.now() - startedMs) / 1000,
      ...telemetry.counts(),
      queue: { items: ingest.waiting(), limit: ingest.limit },
      oldestMs: toMs(extent?.oldest_ns),
      newestMs: toMs(extent?.newest_ns),
      databaseBytes: await databaseBytes(database, path, signal),
      traces: extent?.traces ?? 0,
    };
  };
}

function startRetention(database: Database, options: RetentionOptions, logger: Logger): { stop(): void } {
  const timer = setInterval(() => {
    applyRetention(database, options).catch((error: unknown) =>
      logger.error({ err: error }, 'Old telemetry could not be deleted'),
    );
  }, retentionIntervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
