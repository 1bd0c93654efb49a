import { type Config, integer, logLevel, optionalText, optionalUrl, type Setting, text } from '@hotrod/kit/config';
import { z } from 'zod';

import { parseFilter } from './filter/parse.ts';

/** Whether a text can be read as a filter. */
function isFilter(given: string): boolean {
  try {
    parseFilter(given);
    return true;
  } catch {
    return false;
  }
}

/** Such as `/tools/observatory`; one at its end is taken off, and `/` alone is none. */
const basePath = z
  .string()
  .transform((given) => given.replace(/\/+$/, ''))
  .pipe(z.string().regex(/^(\/[\w.~-]+)*$/, 'not a path such as /observatory'))
  .refine((given) => !given.split('/').some((part) => /^\.+$/.test(part)), {
    message: 'not a path such as /observatory',
  })
  .refine((given) => !/^\/(api|1|assets|v1|metrics|healthz|readyz|runbooks|trace)(\/|$)/.test(given), {
    message: 'begins like an address of its own',
  });
const filter = z.string().min(1).refine(isFilter, { message: 'not a filter' });
const objectives = z
  .array(
    z.strictObject({
      name: z.string().min(1),
      description: z.string().default(''),
      filter,
      good: filter,
      objective: z.number().gt(0).lt(1),
      windowMs: z.int().positive(),
      alert: z
        .strictObject({
          name: z.string().min(1),
          labels: z.record(z.string().min(1), z.string()).default({}),
          runbook: z.string().regex(/^[a-z0-9-]+$/),
          conditions: z.array(
            z.strictObject({
              severity: z.enum(['page', 'ticket']),
              burnRate: z.number().positive(),
              longMs: z.int().positive(),
              shortMs: z.int().positive(),
              afterMs: z.int().min(0),
            }),
          ),
        })
        .optional(),
    }),
  )
  .refine(
    (given) => {
      const names = given.flatMap(({ alert }) => alert?.name ?? []);
      return new Set(names).size === names.length;
    },
    // Whoever is told tells alerts apart by name: one would take the place of the other.
    { message: 'two alerts have the same name' },
  );

/** JSON of a schema, as a setting's text. */
function json<T>(schema: z.ZodType<T>): z.ZodType<T> {
  const parsed = z.string().transform((given, context): unknown => {
    try {
      return JSON.parse(given);
    } catch {
      context.addIssue('not JSON');
      return z.NEVER;
    }
  });
  // The pipe takes text and gives T; Setting asks for what it gives alone.
  return parsed.pipe(schema);
}

/** An address to which something is sent. Nothing of a wrong one is repeated: it may hold a secret. */
const httpUrl = z
  .string()
  .max(4096)
  .refine((given) => /^https?:\/\//.test(given) && URL.canParse(given), { message: 'not an http or https URL' });

/** What the Observatory's environment sets; docs and `--help` are made of this table. */
export const settings = {
  host: text('OBSERVATORY_HOST', '127.0.0.1', 'the address to listen on, for all ports'),
  port: integer('OBSERVATORY_PORT', 8088, 'the port of the page, the API and the markers (0: any free one)', {
    max: 65_535,
  }),
  otlpPort: integer('OBSERVATORY_OTLP_PORT', 4318, 'the port that OTLP/HTTP is taken on (0: any free one)', {
    max: 65_535,
  }),
  otlpGrpcPort: integer('OBSERVATORY_OTLP_GRPC_PORT', 4317, 'the port that OTLP/gRPC is taken on (0: any free one)', {
    max: 65_535,
  }),
  dataDir: text('OBSERVATORY_DATA_DIR', '.hotrod', 'the directory of the database, observatory.duckdb'),
  corsOrigins: optionalText(
    'OBSERVATORY_CORS_ORIGINS',
    'origins of pages that may send OTLP, separated by commas; * for any',
  ),
  hosts: optionalText(
    'OBSERVATORY_HOSTS',
    'names under which it is reached besides localhost, IP addresses and names without a dot, separated by commas; * for any',
  ),
  basePath: {
    env: 'OBSERVATORY_BASE_PATH',
    schema: basePath,
    default: '',
    meaning:
      'the path under which a reverse proxy serves it, for example /observatory; the proxy may keep it or strip it',
  } as Setting<string>,
  ridesUrl: optionalUrl('OBSERVATORY_RIDES_URL', 'where the rides page is, for a link to it'),
  objectives: {
    env: 'OBSERVATORY_OBJECTIVES',
    schema: json(objectives).nullable(),
    default: null,
    meaning:
      'objectives as JSON: [{"name", "description", "filter", "good", "objective": 0.95, "windowMs", "alert"}]; slo/hotrod.yaml has the default',
  } as Setting<z.infer<typeof objectives> | null>,
  alertWebhook: {
    env: 'OBSERVATORY_ALERT_WEBHOOK',
    schema: httpUrl.nullable(),
    default: null,
    meaning: 'where alerts are posted when the budget of an objective burns too fast, and when it no longer does',
  } as Setting<string | null>,
  alertIntervalMs: integer(
    'OBSERVATORY_ALERT_INTERVAL_MS',
    15_000,
    'how often the objectives are looked at for alerts',
    {
      min: 100,
      max: 3_600_000,
    },
  ),
  publicUrl: {
    env: 'OBSERVATORY_PUBLIC_URL',
    schema: httpUrl.transform((given) => given.replace(/\/+$/, '')).nullable(),
    default: null,
    meaning:
      'the address under which people reach it, for links in alerts; the one it listens on, where nothing is said',
  } as Setting<string | null>,
  markersKey: optionalText('OBSERVATORY_MARKERS_KEY', 'the key that writers of markers send; any will do without'),
  maxBodyMb: integer('OBSERVATORY_MAX_BODY_MB', 8, 'how large an OTLP request may be, inflated, in MiB', {
    min: 1,
    max: 64,
  }),
  queueItems: integer('OBSERVATORY_QUEUE_ITEMS', 65_536, 'how many spans, logs and points may wait to be stored', {
    min: 1,
    max: 10_000_000,
  }),
  retentionHours: integer('OBSERVATORY_RETENTION_HOURS', 72, 'how long telemetry is kept, in hours', {
    min: 1,
    max: 87_600,
  }),
  maxDatabaseMb: integer('OBSERVATORY_MAX_DATABASE_MB', 2_048, 'how large the database may grow, in MiB', {
    min: 16,
    max: 10_000_000,
  }),
  memoryLimitMb: integer('OBSERVATORY_MEMORY_LIMIT_MB', 160, 'how much memory the database may use, in MiB', {
    min: 64,
    max: 1_000_000,
  }),
  threads: integer('OBSERVATORY_THREADS', 2, 'how many threads the database uses', { min: 1, max: 64 }),
  logLevel: logLevel(),
};

export type ObservatoryConfig = Config<typeof settings>;

/** The configuration of an environment in which nothing is set, with some values changed: for tests and benchmarks. */
export function defaultConfig(changes: Partial<ObservatoryConfig> = {}): ObservatoryConfig {
  const defaults = Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, setting.default]));
  return { ...(defaults as unknown as ObservatoryConfig), ...changes };
}
