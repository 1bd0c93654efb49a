import { z } from 'zod';

/** One knob: the environment variable that sets it (its unit in the name), what it accepts, and what it means. */
export interface Setting<T = unknown> {
  env: string;
  schema: z.ZodType<T>;
  /** The value if the variable is unset or empty; undefined makes the setting required. */
  default?: T;
  meaning: string;
}

/** The values that a table of settings describes. */
export type Config<S extends Record<string, Setting>> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** A wrong environment: every variable that is missing or not valid, a line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads a table of settings from an environment.
 *
 * @throws {ConfigError} that names every variable that is missing or wrong, with what it should be.
 */
export function readConfig<const S extends Record<string, Setting>>(
  settings: S,
  env: Readonly<Record<string, string | undefined>>,
): Config<S> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [key, setting] of Object.entries(settings)) {
    const value = env[setting.env];
    if (value === undefined || value === '') {
      if (setting.default === undefined) faults.push(`${setting.env} is not set; it is ${setting.meaning}.`);
      values[key] = setting.default;
      continue;
    }
    const parsed = setting.schema.safeParse(value);
    if (parsed.success) values[key] = parsed.data;
    else
      faults.push(
        `${setting.env} is not valid: ${parsed.error.issues[0]?.message ?? 'unknown'}. It is ${setting.meaning}.`,
      );
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return values as Config<S>;
}

const numeric = z
  .string()
  .trim()
  .regex(/^-?\d+(\.\d+)?$/, 'not a number')
  .transform(Number);

/** A number from `min` to `max`, both included. */
export function number(env: string, value: number, meaning: string, { min = 0, max = 1e9 } = {}): Setting<number> {
  return { env, schema: numeric.pipe(z.number().min(min).max(max)), default: value, meaning };
}

/** A whole number from `min` to `max`, both included. */
export function integer(env: string, value: number, meaning: string, { min = 0, max = 1e9 } = {}): Setting<number> {
  return { env, schema: numeric.pipe(z.int().min(min).max(max)), default: value, meaning };
}

/** Text that has a default; an empty one counts as not set. */
export function text(env: string, value: string, meaning: string): Setting<string> {
  return { env, schema: z.string().max(4096), default: value, meaning };
}

/** One of some words. */
export function choice<const T extends string>(
  env: string,
  words: readonly T[],
  value: NoInfer<T>,
  meaning: string,
): Setting<T> {
  return { env, schema: z.enum(words), default: value, meaning };
}

/** Words that are separated by commas; none without. */
function list(env: string, meaning: string): Setting<readonly string[]> {
  return { env, schema: z.string().transform(parseList), default: [], meaning };
}

/** Splits words that are separated by commas. */
export function parseList(words: string): string[] {
  return words
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}

/** The least severe log line that is written. */
export function logLevel(): Setting<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'> {
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
  return choice('LOG_LEVEL', levels, 'info', 'the least severe log line that is written');
}

/** Text that need not be set: null without. */
export function optionalText(env: string, meaning: string): Setting<string | null> {
  return { env, schema: z.string().max(4096), default: null, meaning };
}

/** A file descriptor that the process was started with, beside the standard three: null without. */
function descriptor(env: string, meaning: string): Setting<number | null> {
  return { env, schema: numeric.pipe(z.int().min(3).max(1_000)), default: null, meaning };
}

/** A URL with one of the given protocols; required if there is no default. */
export function url(
  env: string,
  value: string | undefined,
  meaning: string,
  protocols = ['http:', 'https:'],
): Setting<string> {
  const schema = z.string().refine((given) => URL.canParse(given) && protocols.includes(new URL(given).protocol), {
    message: `not a URL with ${protocols.join(' or ')}`,
  });
  return { env, schema, ...(value === undefined ? {} : { default: value }), meaning };
}

/** The URL of a web page that need not be set: null without. */
export function optionalUrl(env: string, meaning: string): Setting<string | null> {
  const { schema } = url(env, undefined, meaning);
  return { env, schema: schema.nullable(), default: null, meaning };
}

/** Where a service listens, loopback unless told, how it begins and ends, and what telemetry tells of it. */
export function listenSettings(port: number) {
  return {
    host: text('HOST', '127.0.0.1', 'the address to listen on'),
    port: integer('PORT', port, 'the port to listen on (0: any free one)', { max: 65535 }),
    listenFd: descriptor('LISTEN_FD', 'the descriptor of a bound socket to listen on instead'),
    readyFd: descriptor('READY_FD', 'the descriptor of a pipe in which to say when it is ready, before it listens'),
    drainMs: integer(
      'DRAIN_MS',
      5_000,
      'how long, after SIGTERM, connections without a request are kept for their clients, in milliseconds',
      { max: 600_000 },
    ),
    logLevel: logLevel(),
    requestTimeoutMs: integer(
      'REQUEST_TIMEOUT_MS',
      10_000,
      'how long a request may take, in milliseconds, where its caller does not wait for less',
      { min: 1, max: 3_600_000 },
    ),
    allowedHosts: list(
      'ALLOWED_HOSTS',
      'names under which requests may come besides localhost, IP addresses, names without a dot and names of a cluster; separated by commas, * for any',
    ),
    resourceAttributes: optionalText('OTEL_RESOURCE_ATTRIBUTES', 'what is told of this process, key=value,…'),
  };
}

/** `service.version` from the same variable that telemetry takes it from; null if it is not set. */
export function releaseOf(config: { resourceAttributes: string | null }): string | null {
  return parseKeyValueList(config.resourceAttributes)['service.version'] ?? null;
}

/** Which Postgres a service keeps its data in, and how many connections to it. */
export function databaseSettings() {
  return {
    databaseUrl: url('DATABASE_URL', undefined, 'the Postgres to use, postgres://user:password@host:port/database', [
      'postgres:',
      'postgresql:',
    ]),
    databasePoolSize: integer('DATABASE_POOL_SIZE', 20, 'how many connections to Postgres at most', {
      min: 1,
      max: 1000,
    }),
    databaseConnectTimeoutMs: integer(
      'DATABASE_CONNECT_TIMEOUT_MS',
      10_000,
      'how long a request waits for a connection, in milliseconds',
      { min: 1 },
    ),
    databaseMaxWaitMs: integer(
      'DATABASE_MAX_WAIT_MS',
      2_000,
      'the longest expected wait for a connection, in milliseconds; requests that would wait longer are refused at once',
      { min: 1 },
    ),
    databaseStatementTimeoutMs: integer(
      'DATABASE_STATEMENT_TIMEOUT_MS',
      8_000,
      'after how long Postgres ends a statement, in milliseconds; less than REQUEST_TIMEOUT_MS, or nobody waits for it',
      { min: 1, max: 3_600_000 },
    ),
    databaseStartTimeoutMs: integer(
      'DATABASE_START_TIMEOUT_MS',
      0,
      'how long to wait at the start for a Postgres that does not answer yet, in milliseconds',
    ),
  };
}

/** `key=value,key=value` with percent-encoded values, as `OTEL_*` variables write lists. */
export function parseKeyValueList(pairsText: string | null): Record<string, string> {
  const pairs = (pairsText ?? '').split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), decode(pair.slice(at + 1).trim())];
    }),
  );
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // a value with a bare percent sign is meant as it stands
  }
}
