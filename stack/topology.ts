import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { StartOptions } from './options.ts';
import type { Account } from './postgres/account.ts';
import type { PostgresServer } from './postgres/server.ts';

/** A process of the suite: how it is started, and how one sees that it is ready. */
export interface ProcessSpec {
  name: string;
  /** Where it answers, to be shown. */
  url: string;
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** The account it runs as; null for the caller. */
  account: Account | null;
  /** The file it runs, if that file is ours: it is checked before the start. */
  entry?: string;
  /** How to see that it can do its work: a URL that then answers 2xx, or a look at the process. */
  ready: string | ((pid: number) => boolean);
  /** Whether it says by itself, through a pipe, when it is ready and when it listens: kit's `serve`. */
  saysReady?: boolean;
  /** The processes that must be ready before it is started. */
  startAfter: readonly string[];
  /** The processes it needs to finish its work: they are stopped after it. */
  stopBefore: readonly string[];
  beforeStart?: () => Promise<unknown>;
  /** The signal that means "stop in good order", and then those that mean "stop", if it does not. */
  stopSignal: NodeJS.Signals;
  forceSignals: readonly NodeJS.Signals[];
  /** The same for systems without signals (Windows). */
  stopCommand?: () => unknown;
}

/** Which ports a suite listens on, all on 127.0.0.1. */
export function portsOf(options: StartOptions) {
  const { portBase } = options;
  return {
    frontend: portBase,
    customer: portBase + 1,
    driver: portBase + 2,
    route: portBase + 3,
    postgres: portBase + 4,
    'run pages': portBase + 5,
    ...(options.observatory
      ? {
          observatory: portBase + 8,
          'OTLP receiver': options.otlpPort,
          'OTLP receiver, gRPC': options.otlpGrpcPort,
        }
      : {}),
  };
}

/** What the topology depends on beside the options. */
export interface Surroundings {
  /** The checkout. */
  root: string;
  /** The Node to run services with. */
  node: string;
  /** Handed on to every process of ours, so that a service's own settings work. */
  env: Readonly<Record<string, string | undefined>>;
  /** Where Node keeps what it has compiled; in the checkout if it is not given. */
  compileCache?: string;
  /** `service.version`, for example `0.1.0+1a2b3c4`. */
  version: string;
  /** The commit that is checked out; null if unknown. */
  revision: string | null;
}

/** The roles in Postgres: one a service that keeps data. */
export const databaseRoles = ['customer', 'driver'] as const;

/** More than the pools of both services (20 each) can ever ask for, with room for wider pools. */
export const maxDatabaseConnections = 200;

/**
 * What Node gets told for a service: the preload, and to collect young garbage early. With V8's own choice (16 MB and
 * growing) a service takes twice the memory and is no faster at what a demo asks of it.
 */
export function serviceNodeOptions(root: string): string[] {
  return [
    '--max-semi-space-size=4',
    '--import',
    pathToFileURL(join(root, 'packages', 'telemetry', 'register.ts')).href,
  ];
}

/**
 * What the Observatory gets told: as a service, to collect young garbage early. Here it takes in a hundredth of what it can.
 * By itself (`npm run observatory`) it has V8's own choice, and takes in a fifth more a second.
 */
const observatoryNodeOptions = ['--max-semi-space-size=4'];

/**
 * What a process of Node is told of memory: threads allocate from one heap. By itself glibc gives each its own, and a dozen
 * of mostly idle threads a process keep what they freed. It costs no measurable CPU (`npm run bench`).
 */
const memorySettings: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };

/** The file of the flags that switch faults on. */
export function flagFile(dataDir: string): string {
  return join(dataDir, 'flags.json');
}

/** The whole suite: what runs, with what, and in which order. */
export function topology(options: StartOptions, postgres: PostgresServer, surroundings: Surroundings): ProcessSpec[] {
  const { root, node } = surroundings;
  const ports = portsOf(options);
  const exportTo = exportEndpoint(options);
  const inherited = {
    ...memorySettings,
    ...surroundings.env,
    NODE_COMPILE_CACHE:
      surroundings.env['NODE_COMPILE_CACHE'] ?? surroundings.compileCache ?? join(root, '.hotrod', 'cache'),
  };

  function service(
    name: string,
    port: number,
    env: Record<string, string | undefined>,
    needs: Pick<ProcessSpec, 'startAfter' | 'stopBefore'>,
  ): ProcessSpec {
    const entry = join(root, 'services', name, 'main.ts');
    return {
      name,
      url: at(port),
      command: node,
      args: [...serviceNodeOptions(root), entry],
      cwd: root,
      env: defined({
        ...inherited,
        HOST: '127.0.0.1',
        PORT: String(port),
        FLAGS_FILE: surroundings.env['FLAGS_FILE'] ?? flagFile(options.dataDir),
        TELEMETRY: options.telemetry.services[name] ?? options.telemetry.all,
        OTEL_SERVICE_NAME: name,
        OTEL_RESOURCE_ATTRIBUTES: resourceAttributes(surroundings),
        OTEL_EXPORTER_OTLP_ENDPOINT: exportTo,
        OTEL_EXPORTER_OTLP_HEADERS: exportHeaders(options),
        ...env,
      }),
      account: null,
      entry,
      ready: `${at(port)}/readyz`,
      saysReady: true,
      ...needs,
      // kit/shutdown.ts: SIGTERM drains, because another process takes over; SIGINT ends.
      stopSignal: 'SIGINT',
      forceSignals: ['SIGKILL'],
    };
  }

  const database: ProcessSpec = {
    name: 'postgres',
    url: postgres.shownUrl,
    command: postgres.command,
    args: postgres.args,
    cwd: postgres.cwd,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    account: postgres.account,
    ready: postgres.isReady,
    startAfter: [],
    stopBefore: [],
    beforeStart: postgres.stopLeftover,
    stopSignal: 'SIGINT', // fast shutdown: connections are cut, and the data is left clean
    forceSignals: ['SIGQUIT', 'SIGKILL'],
    stopCommand: postgres.stopLeftover,
  };

  const observatory: ProcessSpec = {
    ...service('observatory', ports.observatory ?? 0, {}, { startAfter: [], stopBefore: [] }),
    args: [...observatoryNodeOptions, join(root, 'observatory', 'main.ts')],
    saysReady: false,
    entry: join(root, 'observatory', 'main.ts'),
    env: defined({
      ...inherited,
      OBSERVATORY_HOST: '127.0.0.1',
      OBSERVATORY_PORT: String(ports.observatory),
      OBSERVATORY_OTLP_PORT: String(options.otlpPort),
      OBSERVATORY_OTLP_GRPC_PORT: String(options.otlpGrpcPort),
      OBSERVATORY_DATA_DIR: join(options.dataDir, 'observatory'),
      OBSERVATORY_RIDES_URL: surroundings.env['OBSERVATORY_RIDES_URL'] ?? at(ports.frontend),
    }),
  };

  const observed = options.observatory ? ['observatory'] : [];
  return [
    ...(options.observatory ? [observatory] : []),
    service(
      'frontend',
      ports.frontend,
      {
        CUSTOMER_URL: at(ports.customer),
        DRIVER_URL: at(ports.driver),
        ROUTE_URL: at(ports.route),
        TRACE_URL:
          surroundings.env['TRACE_URL'] ??
          (options.observatory ? `${at(ports.observatory ?? 0)}/trace/{traceId}` : undefined),
        OBSERVATORY_URL:
          surroundings.env['OBSERVATORY_URL'] ?? (options.observatory ? at(ports.observatory ?? 0) : undefined),
      },
      { startAfter: [], stopBefore: ['customer', 'driver', 'route', ...observed] },
    ),
    service(
      'customer',
      ports.customer,
      { DATABASE_URL: postgres.url('customer') },
      { startAfter: ['postgres'], stopBefore: ['postgres', ...observed] },
    ),
    service(
      'driver',
      ports.driver,
      { DATABASE_URL: postgres.url('driver') },
      { startAfter: ['postgres'], stopBefore: ['postgres', ...observed] },
    ),
    service('route', ports.route, {}, { startAfter: [], stopBefore: observed }),
    database,
  ];
}

/** What the pipeline of a push is told of the suite: where its trace and its marker go, and who can be asked. */
export function pipelineVariables(options: StartOptions, env: Surroundings['env']): Record<string, string | undefined> {
  const ports = portsOf(options);
  const observatory = options.observatory ? at(ports.observatory ?? 0) : undefined;
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: exportEndpoint(options),
    OTEL_EXPORTER_OTLP_HEADERS: exportHeaders(options),
    TRACE_URL: env['TRACE_URL'] ?? (observatory && `${observatory}/trace/{traceId}`),
    OBSERVATORY_URL: env['OBSERVATORY_URL'] ?? observatory,
    MARKER_TO: env['MARKER_TO'] ?? (observatory && `observatory=${observatory}`),
  };
}

/** Where telemetry goes; undefined if OpenTelemetry's own default holds. */
function exportEndpoint(options: StartOptions): string | undefined {
  return options.otlpEndpoint ?? (options.observatory ? at(options.otlpPort) : undefined);
}

/** A key is only for the backend that asks for it, and not for the Observatory. */
function exportHeaders(options: StartOptions): string | undefined {
  return options.observatory ? undefined : (options.otlpHeaders ?? undefined);
}

function at(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** What every span of the suite says about where it comes from; OTEL_RESOURCE_ATTRIBUTES of the caller wins. */
export function resourceAttributes({
  env,
  version,
  revision,
}: Pick<Surroundings, 'env' | 'version' | 'revision'>): string {
  const attributes = {
    'deployment.environment.name': 'local',
    'service.version': version,
    ...(revision === null ? {} : { 'vcs.ref.head.revision': revision }),
  };
  const ours = Object.entries(attributes).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const given = (env['OTEL_RESOURCE_ATTRIBUTES'] ?? '').split(',').filter((pair) => pair.includes('='));
  const named = new Set(given.map((pair) => pair.slice(0, pair.indexOf('=')).trim()));
  return [...ours.filter((pair) => !named.has(pair.slice(0, pair.indexOf('=')))), ...given].join(',');
}

function defined(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
