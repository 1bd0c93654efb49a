/**
 * The answers of the Observatory's JSON API, described once: the types that the API, the store and the page work with are
 * derived from these schemas, the page checks what it receives by them, and openapi.ts makes the OpenAPI document.
 *
 * They are schemas of `zod/mini`, because the page carries them to the browser.
 *
 * Units: instants of a question are Unix milliseconds (numbers); durations of results are milliseconds (fractional);
 * instants of single spans, events and logs are Unix nanoseconds as decimal strings, because they do not fit a JSON
 * number. Rates are per second. Ratios are 0 to 1.
 */
import * as z from 'zod/mini';

const count = z.int();
const ratio = z.number().check(z.minimum(0), z.maximum(1));
const nanoseconds = z.string().check(z.regex(/^\d+$/));
const numberOrNull = z.nullable(z.number());

/** Which spans a question is about: the root span of each trace (the default), or every span. */
export const scopes = ['roots', 'spans'] as const;
export type Scope = (typeof scopes)[number];
export const scales = ['log', 'linear'] as const;
export type Scale = (typeof scales)[number];
export const measures = ['count', 'errorRate', 'p50', 'p95', 'p99', 'max'] as const;
export const measureSchema = z.enum(measures);
export type Measure = z.infer<typeof measureSchema>;

/** A value of an attribute. 64-bit integers beyond 2^53 are decimal strings. */
export type AttributeValue = string | number | boolean | AttributeValue[] | { [key: string]: AttributeValue } | null;
/** What openapi.ts says of the schemas that are checked by a function here: a check of every part would take too long. */
export const jsonSchemas = z.registry<Record<string, unknown>>();

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
/** Any JSON value is a valid attribute, so the values are not checked: a trace may have a hundred thousand. */
export const attributesSchema = z.custom<Record<string, AttributeValue>>(isObject).register(jsonSchemas, {
  type: 'object',
  description: 'Strings, numbers, booleans, lists and objects; integers beyond 2^53 are strings.',
  additionalProperties: true,
});

/** [column, row, spans, spans with an error, spans that match `highlight`] */
export type HeatmapCell = [column: number, row: number, count: number, errors: number, lit: number];
const isCells = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((cell) => Array.isArray(cell) && cell.length === 5 && cell.every((part) => Number.isInteger(part)));

/** `GET /api/heatmap` */
export const heatmapSchema = z.object({
  from: z.number(),
  to: z.number(),
  scale: z.enum(scales),
  /** Width of a column in milliseconds; column i starts at `from + i × stepMs`. */
  stepMs: z.int().check(z.minimum(1000)),
  columns: count,
  /**
   * Row boundaries in milliseconds, ascending, one more than there are rows. On a linear scale the last row may reach
   * further than the others: it then holds the few that took far longer than all else.
   */
  edgesMs: z.array(z.number()),
  /** Only cells that hold something. */
  cells: z.custom<HeatmapCell[]>(isCells).register(jsonSchemas, {
    type: 'array',
    description: 'Column, row, spans, spans with an error, spans that match `highlight`.',
    items: { type: 'array', minItems: 5, maxItems: 5, items: { type: 'integer' } },
  }),
  total: count,
  errors: count,
});
export type Heatmap = z.infer<typeof heatmapSchema>;

/** `GET /api/exemplar`: the trace that stands for a cell or box: the span whose duration is the median of those inside. */
export const exemplarSchema = z.object({ traceId: z.string(), spanId: z.string(), durationMs: z.number() });
export type Exemplar = z.infer<typeof exemplarSchema>;

export const compareValueSchema = z.object({
  /** The value as text; null stands for "missing"; the row of all others has `other`. */
  value: z.nullable(z.string()),
  /** How many distinct values this row folds together, if it is the row of all others. */
  other: z.exactOptional(count),
  /** The half-open interval [low, high) that a binned number stands for. */
  low: z.exactOptional(z.number()),
  high: z.exactOptional(z.number()),
  /** A filter that selects exactly this value, in the filter language; absent on the row of all others. */
  filter: z.exactOptional(z.string()),
  selected: count,
  baseline: count,
  /** Evidence e_v (docs/ranking.md): 0 if the difference may be chance. */
  evidence: ratio,
});
export type CompareValue = z.infer<typeof compareValueSchema>;

export const compareAttributeSchema = z.object({
  key: z.string(),
  /** Other keys whose values split selection and baseline in just the same way. */
  same: z.array(z.string()),
  kind: z.enum(['categories', 'bins']),
  /** 0 to 1; what the attributes are ranked by. */
  score: ratio,
  /** Whether it stands out beyond what chance does, given how many values were looked at; such attributes come first. */
  significant: z.boolean(),
  distinct: count,
  values: z.array(compareValueSchema),
});
export type CompareAttribute = z.infer<typeof compareAttributeSchema>;

/** `GET /api/compare`: what is different about the spans in the box, against all others of the same population. */
export const compareSchema = z.object({
  /** Counts of the two sides. */
  selected: count,
  baseline: count,
  attributes: z.array(compareAttributeSchema),
  /** Attributes left out, and why. */
  excluded: z.array(z.object({ key: z.string(), reason: z.string() })),
});
export type Compare = z.infer<typeof compareSchema>;

export const breakdownGroupSchema = z.object({
  /** One value for each of `by`; null if the span lacks it. */
  values: z.array(z.nullable(z.string())),
  /** Selects exactly this group, in the filter language. */
  filter: z.string(),
  count,
  errors: count,
  errorRate: z.number(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  /** One point for each of `Breakdown.times`; null if there was no span. */
  series: z.exactOptional(z.array(numberOrNull)),
});
export type BreakdownGroup = z.infer<typeof breakdownGroupSchema>;

/** `GET /api/breakdown`: groups by one or two attributes. */
export const breakdownSchema = z.object({
  by: z.array(z.string()),
  groups: z.array(breakdownGroupSchema),
  /** How many groups there are in all. */
  totalGroups: count,
  total: count,
  measure: measureSchema,
  /** Unix milliseconds: the start of each step of the series; empty without series. */
  times: z.array(z.number()),
  stepMs: z.int(),
});
export type Breakdown = z.infer<typeof breakdownSchema>;

/** `GET /api/percentiles`: count, errors and latency over time. */
export const percentilesSchema = z.object({
  times: z.array(z.number()),
  stepMs: z.int(),
  count: z.array(count),
  errors: z.array(count),
  p50Ms: z.array(numberOrNull),
  p95Ms: z.array(numberOrNull),
  p99Ms: z.array(numberOrNull),
});
export type Percentiles = z.infer<typeof percentilesSchema>;

/** A row of `GET /api/traces`: a span of the population. */
export const traceRowSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  service: z.string(),
  name: z.string(),
  startNs: nanoseconds,
  durationMs: z.number(),
  error: z.boolean(),
  spans: count,
  /** A few attributes that tell traces apart, in a fixed order: hotrod.customer.name, session.id and the like. */
  highlights: z.record(z.string(), z.string()),
});
export const traceRowsSchema = z.array(traceRowSchema);
export type TraceRow = z.infer<typeof traceRowSchema>;

export const spanDetailSchema = z.object({
  spanId: z.string(),
  parentSpanId: z.nullable(z.string()),
  service: z.string(),
  name: z.string(),
  kind: z.enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']),
  startNs: nanoseconds,
  durationNs: nanoseconds,
  status: z.enum(['unset', 'ok', 'error']),
  statusMessage: z.string(),
  scope: z.string(),
  attributes: attributesSchema,
  resource: attributesSchema,
  events: z.array(z.object({ timeNs: z.string(), name: z.string(), attributes: attributesSchema })),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string(), attributes: attributesSchema })),
});
export type SpanDetail = z.infer<typeof spanDetailSchema>;

/** `GET /api/traces/{traceId}` */
export const traceSchema = z.object({
  traceId: z.string(),
  /** In order of start. */
  spans: z.array(spanDetailSchema),
  /** How many more there are, if the trace is too large to be sent whole. */
  omitted: z.exactOptional(count),
});
export type Trace = z.infer<typeof traceSchema>;

/** A row of `GET /api/traces/{traceId}/logs` */
export const logRecordSchema = z.object({
  timeNs: nanoseconds,
  service: z.string(),
  severity: z.string(),
  severityNumber: z.int(),
  body: z.string(),
  eventName: z.string(),
  traceId: z.nullable(z.string()),
  spanId: z.nullable(z.string()),
  attributes: attributesSchema,
});
export const logRecordsSchema = z.array(logRecordSchema);
export type LogRecord = z.infer<typeof logRecordSchema>;

/** A row of `GET /api/attributes`: a key for completion, in quotes if a field has the same name. */
export const attributeKeySchema = z.object({
  key: z.string(),
  type: z.enum(['string', 'number', 'boolean', 'mixed']),
  spans: count,
});
export const attributeKeysSchema = z.array(attributeKeySchema);
export type AttributeKey = z.infer<typeof attributeKeySchema>;

/** A row of `GET /api/attributes/{key}/values` */
export const attributeValueCountSchema = z.object({ value: z.string(), spans: count });
export const attributeValueCountsSchema = z.array(attributeValueCountSchema);
export type AttributeValueCount = z.infer<typeof attributeValueCountSchema>;

/** `GET /api/service-map`: who calls whom, over the spans of the time range. */
export const serviceMapSchema = z.object({
  nodes: z.array(
    z.object({
      service: z.string(),
      spans: count,
      errorRate: ratio,
      p95Ms: z.number(),
      ratePerSecond: z.number(),
      kind: z.enum(['service', 'database', 'client']),
    }),
  ),
  edges: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      /**
       * `link`: `to` takes messages of `from` (a span link from consumer to producer); the figures are those of the
       * receiving spans.
       */
      kind: z.enum(['call', 'link']),
      calls: count,
      ratePerSecond: z.number(),
      errorRate: ratio,
      p50Ms: z.number(),
      p95Ms: z.number(),
    }),
  ),
});
export type ServiceMap = z.infer<typeof serviceMapSchema>;

/** A row of `GET /api/markers`: a deploy or the like. Written through Honeycomb's API under /1/markers. */
export const markerSchema = z.object({
  id: z.string(),
  dataset: z.string(),
  /** Unix milliseconds. */
  startMs: z.number(),
  /** Unix milliseconds; null while the marker is open. */
  endMs: numberOrNull,
  message: z.string(),
  type: z.string(),
  url: z.nullable(z.string()),
  color: z.string(),
});
export const markersSchema = z.array(markerSchema);
export type Marker = z.infer<typeof markerSchema>;

/** A marker in Honeycomb's words: instants in Unix seconds, what is empty left out. */
export const honeycombMarkerSchema = z.object({
  id: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  start_time: z.int(),
  end_time: z.exactOptional(z.int()),
  message: z.exactOptional(z.string()),
  type: z.exactOptional(z.string()),
  url: z.exactOptional(z.string()),
  color: z.string(),
});
export const honeycombMarkersSchema = z.array(honeycombMarkerSchema);
export type HoneycombMarker = z.infer<typeof honeycombMarkerSchema>;

/** An alert that fires: a budget that burns too fast, over a long window and still over a short one. */
export const firingAlertSchema = z.object({
  severity: z.enum(['page', 'ticket']),
  /** Since when, Unix milliseconds. */
  startsMs: z.int(),
  /** The burn rate that is exceeded, over both windows. */
  burnRate: z.number(),
  longMs: z.number(),
  shortMs: z.number(),
  /** Its runbook is at `/runbooks/<name>`. */
  runbook: z.string(),
  /** A trace that stands for the bad ones; null if none was found. */
  exemplarTraceId: z.nullable(z.string()),
});
export type FiringAlert = z.infer<typeof firingAlertSchema>;

/** A row of `GET /api/slo`: an objective of the Observatory's configuration, over its window. */
export const sloStatusSchema = z.object({
  name: z.string(),
  description: z.string(),
  /** A filter that tells which root spans count, and one that tells which of them are good. */
  filter: z.string(),
  good: z.string(),
  /** 0 to 1, for example 0.95. */
  objective: z.number(),
  windowMs: z.number(),
  total: count,
  bad: count,
  /** Ratio of good spans; null without any. */
  attained: numberOrNull,
  /** 1 is untouched, 0 used up, negative overspent; null without any span. */
  budgetLeft: numberOrNull,
  /** How fast the budget is being spent: 1 uses it up exactly at the window's end. Over the last 5 minutes and the last hour. */
  burnRate5m: numberOrNull,
  burnRate1h: numberOrNull,
  /** The alerts of the objective that fire. */
  alerts: z.array(firingAlertSchema),
});
export const sloStatusesSchema = z.array(sloStatusSchema);
export type SloStatus = z.infer<typeof sloStatusSchema>;

/** Figures of the requests to a service: its spans of kind server and consumer. */
export const releaseFiguresSchema = z.object({
  requests: count,
  errors: count,
  errorRate: ratio,
  p50Ms: z.number(),
  p95Ms: z.number(),
});
export type ReleaseFigures = z.infer<typeof releaseFiguresSchema>;

/** What `release verify` said of a release. */
export const releaseVerdictSchema = z.object({
  verdict: z.enum(['better', 'same', 'worse', 'inconclusive']),
  summary: z.string(),
  /** The address of a page that shows both releases side by side. */
  url: z.nullable(z.string()),
  /** Unix milliseconds. */
  atMs: z.number(),
});
export type ReleaseVerdict = z.infer<typeof releaseVerdictSchema>;

/** A row of `GET /api/releases`: a `service.version` of a service. */
export const releaseSchema = z.extend(releaseFiguresSchema, {
  service: z.string(),
  version: z.string(),
  /** When its first and its last request in the time range began, Unix milliseconds. */
  firstMs: z.number(),
  lastMs: z.number(),
  ratePerSecond: z.number(),
  /** Its first ten minutes. */
  began: releaseFiguresSchema,
  /** The release of the same service before it; null for the first one. `ended` is of the ten minutes before this one began. */
  before: z.nullable(z.object({ version: z.string(), ended: z.nullable(releaseFiguresSchema) })),
  verdict: z.nullable(releaseVerdictSchema),
});
export const releasesSchema = z.array(releaseSchema);
export type Release = z.infer<typeof releaseSchema>;

const signalCounts = z.object({ spans: count, logs: count, metrics: count });

/** `GET /api/status`: what the Observatory knows of itself. */
export const statusSchema = z.object({
  version: z.string(),
  uptimeSeconds: z.number(),
  received: signalCounts,
  stored: signalCounts,
  refused: signalCounts,
  /** Items that wait to be stored, and how many may. */
  queue: z.object({ items: count, limit: count }),
  /** When the oldest and the newest stored root span began, Unix milliseconds; null while the store is empty. */
  oldestMs: numberOrNull,
  newestMs: numberOrNull,
  databaseBytes: count,
  traces: count,
  /** The port that receives OTLP over HTTP. In a container the port outside may be another. */
  otlpPort: z.int(),
  /** The same of OTLP over gRPC. */
  otlpGrpcPort: z.int(),
  /** The address of the rides page; null if it is not configured. */
  ridesUrl: z.nullable(z.string()),
});
export type Status = z.infer<typeof statusSchema>;

/** Every refusal: RFC 9457, as kit/errors.ts writes it. `position` is the offset of the error in the filter. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Which kind of failure it is, for programs. */
  code: z.string(),
  parameter: z.exactOptional(z.string()),
  position: z.exactOptional(z.int()),
});
export type Problem = z.infer<typeof problemSchema>;
