import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { preparePostgres } from '../../stack/postgres/server.ts';
import { serviceNodeOptions } from '../../stack/topology.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type ServiceName = 'customer' | 'driver' | 'route' | 'frontend';

/** One process of the suite. */
export interface RunningProcess {
  url: string;
  process: ChildProcess;
  /** What it wrote, both streams, so far. */
  output(): string;
  /** SIGTERM, or another signal; resolves to its exit code once it has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Delays that make a dispatch quick, for tests that do not ask how long it takes. */
export const noDelays: Readonly<Record<string, string>> = {
  CUSTOMER_QUERY_DELAY_MS: '0',
  CUSTOMER_QUERY_DELAY_DEVIATION_MS: '0',
  DRIVER_SEARCH_DELAY_MS: '0',
  DRIVER_SEARCH_DELAY_DEVIATION_MS: '0',
  DRIVER_READ_DELAY_MS: '0',
  DRIVER_READ_DELAY_DEVIATION_MS: '0',
  DRIVER_READ_FAILURE_DELAY_MS: '0',
  ROUTE_CALCULATION_DELAY_MS: '0',
  ROUTE_CALCULATION_DELAY_DEVIATION_MS: '0',
};

/** A directory of its own in a folder below the working tree that git ignores. */
export function createTemporaryDirectory(name: string): { path: string; remove(): void } {
  const parent = join(root, '.hotrod', 'tmp');
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, `${name}-`));
  return {
    path,
    remove() {
      for (const database of databasesElsewhere(path)) rmSync(database, { recursive: true, force: true });
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/**
 * Databases of data directories that Postgres' account cannot enter: they live elsewhere, and a link points to them
 * (`stack/postgres/home.ts`).
 *
 * @param depth how many directories below this one are looked into.
 */
function databasesElsewhere(directory: string, depth = 2): string[] {
  if (!existsSync(directory)) return []; // removed already
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.name === 'postgres') {
      const target = entry.isSymbolicLink() ? readlinkSync(path) : '';
      return target.startsWith('/var/tmp/hotrod-') ? [target] : [];
    }
    return entry.isDirectory() && depth > 0 ? databasesElsewhere(path, depth - 1) : [];
  });
}

/** Which of the two test files that may run at once this is: each looks for ports in its own half. */
export const half = Number(process.env['VITEST_POOL_ID'] ?? 0) % 2;

/** Ports that neither a test's `npm start` nor the system itself (for port 0, or the near end of a connection) takes. */
const ports = { first: 10_000 + 1_000 * half, count: 1_000 };
let nextPort = Math.floor(Math.random() * ports.count);

/**
 * A port that is free, and that nobody will take by chance until it is used, which may be seconds later: a database is
 * made first, or a backend is to be away for a while.
 */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < ports.count; tries += 1) {
    nextPort = (nextPort + 1) % ports.count;
    const port = ports.first + nextPort;
    if ((await tryPort(port)) !== null) return port;
  }
  throw new Error('No port is free');
}

/** The first of `count` ports in a row that were free a moment ago. */
export async function findFreePortBase(count = 10): Promise<number> {
  for (;;) {
    const base = await findFreePort();
    if (base + count > ports.first + ports.count) continue; // the others are those of the other test file
    const row = await Promise.all(Array.from({ length: count }, (_, index) => tryPort(base + index)));
    if (row.every((port) => port !== null)) return base;
  }
}

/** Listens for a moment; null if the port is taken. */
async function tryPort(wanted: number): Promise<number | null> {
  const server = createServer();
  const port = await new Promise<number | null>((resolve) => {
    server.once('error', () => resolve(null));
    server.listen(wanted, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A real Postgres of its own. */
export async function startPostgres(): Promise<{ url(role: string): string; stop(): Promise<void> }> {
  const directory = createTemporaryDirectory('postgres');
  const prepared = await preparePostgres({
    dataDir: directory.path,
    port: await findFreePort(),
    roles: ['customer', 'driver'],
    maxConnections: 100,
  });
  const child = spawn(prepared.command, prepared.args, {
    cwd: prepared.cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(prepared.account ? { uid: prepared.account.uid, gid: prepared.account.gid } : {}),
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await waitFor('Postgres', () =>
    child.exitCode === null ? prepared.isReady(child.pid ?? 0) : fail(`Postgres ended: ${errors}`),
  );
  return {
    url: prepared.url,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT'); // "fast shutdown"
      await ended;
      directory.remove();
    },
  };
}

/** Starts one service as the stack does: a process of its own, with the real preload. */
export async function startService(
  name: ServiceName,
  env: Readonly<Record<string, string>>,
  options: { preload?: boolean } = {},
): Promise<RunningProcess> {
  const nodeOptions = serviceNodeOptions(root).filter((_, index) => options.preload !== false || index === 0);
  const child = spawn(process.execPath, [...nodeOptions, join(root, 'services', name, 'main.ts')], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(root, '.hotrod', 'cache'),
      OTEL_SERVICE_NAME: name,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BLRP_SCHEDULE_DELAY: '100',
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
      PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const url = await waitFor(name, () => {
    if (child.exitCode !== null) fail(`${name} ended before it listened:\n${output}`);
    return /"url":"(http:[^"]+)","msg":"Listening"/.exec(output)?.[1];
  });
  return {
    url,
    process: child,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}

/** The four services over one Postgres. */
export interface Suite {
  services: Record<ServiceName, RunningProcess>;
  frontend: string;
  dispatch(
    customer: number | string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Record<string, unknown>; traceId: string; ms: number }>;
  /** Takes the database away, for good. */
  stopPostgres(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * @param env for all services, over the defaults; `perService` over that.
 * @param otlpUrl where telemetry goes.
 */
export async function startSuite(options: {
  otlpUrl: string;
  env?: Readonly<Record<string, string>>;
  perService?: Partial<Record<ServiceName, Readonly<Record<string, string>>>>;
  preload?: boolean;
}): Promise<Suite> {
  const postgres = await startPostgres();
  const started: RunningProcess[] = [];
  async function start(name: ServiceName, env: Record<string, string>): Promise<RunningProcess> {
    const service = await startService(
      name,
      { OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpUrl, ...env, ...options.env, ...options.perService?.[name] },
      options.preload === undefined ? {} : { preload: options.preload },
    );
    started.push(service);
    return service;
  }
  async function stop(): Promise<void> {
    await Promise.all(started.map((service) => service.stop()));
    await postgres.stop();
  }
  try {
    const [customer, driver, route] = await Promise.all([
      start('customer', { DATABASE_URL: postgres.url('customer') }),
      start('driver', { DATABASE_URL: postgres.url('driver') }),
      start('route', {}),
    ]);
    const frontend = await start('frontend', {
      CUSTOMER_URL: customer.url,
      DRIVER_URL: driver.url,
      ROUTE_URL: route.url,
      // A starved machine makes rides slow; that is no reason for one to fail.
      REQUEST_TIMEOUT_MS: '30000',
      CUSTOMER_TIMEOUT_MS: '30000',
      DRIVER_TIMEOUT_MS: '30000',
      ROUTE_TIMEOUT_MS: '30000',
    });
    return {
      services: { customer, driver, route, frontend },
      frontend: frontend.url,
      dispatch: (id, headers) => dispatch(frontend.url, id, headers),
      stopPostgres: postgres.stop,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function dispatch(frontend: string, customer: number | string, headers: Record<string, string> = {}) {
  const start = performance.now();
  const response = await fetch(`${frontend}/dispatch?customer=${customer}`, { headers });
  const body = (await response.json()) as Record<string, unknown>;
  const traceId = response.headers.get('traceresponse')?.split('-')[1] ?? '';
  return { status: response.status, body, traceId, ms: performance.now() - start };
}

/** The frontend builds its page first if that is older than its sources. */
const startWithinMs = 120_000;

async function waitFor<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + startWithinMs;
  for (;;) {
    const found = look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what} was not ready within ${startWithinMs} ms`);
    await sleep(20);
  }
}

function fail(message: string): never {
  throw new Error(message);
}
