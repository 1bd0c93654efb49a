/**
 * The Observatory's JSON API as types: what the page and the API agree on. The page imports these types alone.
 *
 * Units: instants of a query are Unix milliseconds (numbers); durations of results are milliseconds (fractional);
 * instants of single spans, events and logs are Unix nanoseconds as decimal strings, because they do not fit a JSON
 * number. Rates are per second. Ratios are 0 to 1.
 */

/** Which spans a question is about: the root span of each trace (the default), or every span. */
export type Scope = 'roots' | 'spans';
export type Scale = 'log' | 'linear';

/** The part of a question that every query shares; in a URL each is a query parameter of the same name. */
export interface Population {
  /** Unix milliseconds, inclusive. Default: 10 minutes before `to`. */
  from?: number;
  /** Unix milliseconds, exclusive. Default: now. */
  to?: number;
  /** In the filter language (README, "Filters"), for example `hotrod.customer.name = "Value Walking" and duration > 2s`. */
  filter?: string;
  /** Default `roots`. */
  scope?: Scope;
}

/** `GET /api/heatmap` */
export interface HeatmapQuery extends Population {
  /** How many columns at most (default 240, at most 1,000); a column is a whole number of seconds, at least 1. */
  columns?: number;
  /** How many rows (default 40, at most 100). */
  rows?: number;
  /** Default `log`. */
  scale?: Scale;
  /** A second filter: how many spans of each cell match it is told too, so that they can be lit. */
  highlight?: string;
}
export interface Heatmap {
  from: number;
  to: number;
  scale: Scale;
  /** Width of a column in milliseconds; column i starts at `from + i × stepMs`. */
  stepMs: number;
  columns: number;
  /**
   * Row boundaries in milliseconds, ascending, one more than there are rows. On a linear scale the last row may reach
   * further than the others: it then holds the few that took far longer than all else.
   */
  edgesMs: number[];
  /** Only cells that hold something: [column, row, spans, spans with an error, spans that match `highlight`]. */
  cells: [column: number, row: number, count: number, errors: number, lit: number][];
  total: number;
  errors: number;
}

/** `GET /api/exemplar`: the trace that stands for a cell or box: the span whose duration is the median of those inside. */
export interface ExemplarQuery extends Population {
  minMs?: number;
  maxMs?: number;
}
export interface Exemplar {
  traceId: string;
  spanId: string;
  durationMs: number;
}

/** `GET /api/compare`: what is different about the spans in the box, against all others of the same population. */
export interface CompareQuery extends Population {
  /** The box, within the population. A bound left out does not bound. */
  boxFrom?: number;
  boxTo?: number;
  minMs?: number;
  maxMs?: number;
  /** How many attributes to tell (default 40). */
  limit?: number;
}
export interface CompareValue {
  /** The value as text; null stands for "missing"; `Other (k)` is told apart by `other`. */
  value: string | null;
  /** How many distinct values this row folds together, where it is the row of all others. */
  other?: number;
  /** The half-open interval [low, high) that a binned number stands for. */
  low?: number;
  high?: number;
  /** A filter that selects exactly this value, in the filter language; absent on the row of all others. */
  filter?: string;
  selected: number;
  baseline: number;
  /** Evidence e_v (reference: README, "Ranking"): 0 where the difference may be chance. */
  evidence: number;
}
export interface CompareAttribute {
  key: string;
  /** Other keys whose values split selection and baseline in just the same way. */
  same: string[];
  kind: 'categories' | 'bins';
  /** 0 to 1; what the attributes are ranked by. */
  score: number;
  /** Whether it stands out beyond what chance does, given how many values were looked at; such attributes come first. */
  significant: boolean;
  distinct: number;
  values: CompareValue[];
}
export interface Compare {
  /** Counts of the two sides. */
  selected: number;
  baseline: number;
  attributes: CompareAttribute[];
  /** Attributes left out, and why. */
  excluded: { key: string; reason: string }[];
}

/** `GET /api/breakdown`: group by one or two attributes (`by=a` or `by=a&by=b`). */
export interface BreakdownQuery extends Population {
  by: string[];
  sort?: 'count' | 'errorRate' | 'p50' | 'p95' | 'p99' | 'max';
  /** How many groups (default 50, at most 500). */
  limit?: number;
  /** Tell a line over time for each of the first `series` groups (default 0, at most 20) … */
  series?: number;
  /** … of this (default p50) … */
  measure?: Measure;
  /** … with how many points at most (default 120, at most 1,000). */
  points?: number;
}
export type Measure = 'count' | 'errorRate' | 'p50' | 'p95' | 'p99' | 'max';
export interface BreakdownGroup {
  /** One value for each of `by`; null where the span lacks it. */
  values: (string | null)[];
  /** Selects exactly this group, in the filter language. */
  filter: string;
  count: number;
  errors: number;
  errorRate: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
  /** One point for each of `Breakdown.times`; null where there was no span. */
  series?: (number | null)[];
}
export interface Breakdown {
  by: string[];
  groups: BreakdownGroup[];
  /** How many groups there are in all. */
  totalGroups: number;
  total: number;
  measure: Measure;
  /** Unix milliseconds: the start of each step of the series; empty without series. */
  times: number[];
  stepMs: number;
}

/** `GET /api/percentiles`: count, errors and latency over time. */
export interface PercentilesQuery extends Population {
  /** How many points at most (default 120, at most 1,000). */
  points?: number;
}
export interface Percentiles {
  times: number[];
  stepMs: number;
  count: number[];
  errors: number[];
  p50Ms: (number | null)[];
  p95Ms: (number | null)[];
  p99Ms: (number | null)[];
}

/** `GET /api/traces`: one row a span of the population. */
export interface TraceListQuery extends Population {
  sort?: 'newest' | 'slowest';
  /** Default 50, at most 500. */
  limit?: number;
}
export interface TraceRow {
  traceId: string;
  spanId: string;
  service: string;
  name: string;
  startNs: string;
  durationMs: number;
  error: boolean;
  spans: number;
  /** A few attributes that tell traces apart, in a fixed order: hotrod.customer.name, session.id and the like. */
  highlights: Record<string, string>;
}

export type AttributeValue = string | number | boolean | AttributeValue[] | { [key: string]: AttributeValue } | null;

/** `GET /api/traces/{traceId}` */
export interface SpanDetail {
  spanId: string;
  parentSpanId: string | null;
  service: string;
  name: string;
  kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  startNs: string;
  durationNs: string;
  status: 'unset' | 'ok' | 'error';
  statusMessage: string;
  scope: string;
  /** 64-bit integers beyond 2^53 are decimal strings. */
  attributes: Record<string, AttributeValue>;
  resource: Record<string, AttributeValue>;
  events: { timeNs: string; name: string; attributes: Record<string, AttributeValue> }[];
  links: { traceId: string; spanId: string; attributes: Record<string, AttributeValue> }[];
}
export interface Trace {
  traceId: string;
  /** In order of start. */
  spans: SpanDetail[];
  /** How many more there are, where a trace is too large to be told whole. */
  omitted?: number;
}

/** `GET /api/traces/{traceId}/logs` */
export interface LogRecord {
  timeNs: string;
  service: string;
  severity: string;
  severityNumber: number;
  body: string;
  eventName: string;
  traceId: string | null;
  spanId: string | null;
  attributes: Record<string, AttributeValue>;
}

/** `GET /api/attributes?prefix=`: keys for completion; `GET /api/attributes/{key}/values?prefix=`: values by frequency. */
export interface AttributeKey {
  key: string;
  type: 'string' | 'number' | 'boolean' | 'mixed';
  spans: number;
}
export interface AttributeValueCount {
  value: string;
  spans: number;
}

/** `GET /api/service-map`: who calls whom, over the spans of the time range. */
export interface ServiceMap {
  nodes: {
    service: string;
    spans: number;
    errorRate: number;
    p95Ms: number;
    ratePerSecond: number;
    kind: 'service' | 'database' | 'client';
  }[];
  edges: {
    from: string;
    to: string;
    calls: number;
    ratePerSecond: number;
    errorRate: number;
    p50Ms: number;
    p95Ms: number;
  }[];
}

/** `GET /api/markers?from&to`: deploys and the like, that overlap the range. Written through Honeycomb's API under /1/markers. */
export interface Marker {
  id: string;
  dataset: string;
  /** Unix milliseconds. */
  startMs: number;
  /** Unix milliseconds; null while the marker is open. */
  endMs: number | null;
  message: string;
  type: string;
  url: string | null;
  color: string;
}

/** `GET /api/slo`: objectives from the Observatory's configuration, over their window. */
export interface SloStatus {
  name: string;
  description: string;
  /** A filter that tells which root spans count, and one that tells which of them are good. */
  filter: string;
  good: string;
  /** 0 to 1, for example 0.95. */
  objective: number;
  windowMs: number;
  total: number;
  bad: number;
  /** Ratio of good spans; null without any. */
  attained: number | null;
  /** 1 is untouched, 0 used up, negative overspent; null without any span. */
  budgetLeft: number | null;
  /** How fast the budget is being spent: 1 uses it up exactly at the window's end. Over the last 5 minutes and the last hour. */
  burnRate5m: number | null;
  burnRate1h: number | null;
}

/** `GET /api/status`: what the Observatory knows of itself. */
export interface Status {
  version: string;
  uptimeSeconds: number;
  received: { spans: number; logs: number; metrics: number };
  stored: { spans: number; logs: number; metrics: number };
  refused: { spans: number; logs: number; metrics: number };
  /** Items that wait to be stored, and how many may. */
  queue: { items: number; limit: number };
  /** Of the oldest and newest root span stored, Unix milliseconds; null while empty. */
  oldestMs: number | null;
  newestMs: number | null;
  databaseBytes: number;
  traces: number;
  /** Where OTLP over HTTP is received. In a container the port outside may be another. */
  otlpPort: number;
}

/** Every refusal: RFC 9457. `position` is the offset in the filter's text where it went wrong. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  parameter?: string;
  position?: number;
}
