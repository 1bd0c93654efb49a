import type { AttributeValue, LogRecord, SpanDetail, Trace } from '../../contract/contract.ts';
import { readAttributes } from '../attributes.ts';
import type { Row, Runner } from '../session.ts';
import { createBinder } from '../sql.ts';
import { traceSpanLimit } from '../ingest/traces.ts';
import { askRows, type Asking } from './population.ts';

/** A trace is answered with at most this many spans and about this many characters, earliest first. */
const mostSpans = 20_000;
const mostCharacters = 48_000_000;
const mostLogs = 5000;
const latestNs = 2n ** 63n - 1n;

/** Traces of more spans are read within bounds of size, which takes twice the time. */
const smallTrace = 200;

interface Extent {
  start_ns: bigint | null;
  end_ns: bigint | null;
  spans: number | null;
}

async function askExtent(asking: Asking, traceId: string): Promise<Extent | undefined> {
  const binder = createBinder();
  const fragments = {
    trace_id: binder.bind(traceId),
    trace_key: binder.bind(BigInt(`0x${traceId.slice(-15)}`)),
  };
  const [extent] = await askRows<Extent>(asking, 'trace-extent', binder, fragments, true);
  return extent;
}

/** All spans of a trace with everything that was sent of them; undefined if there is no such trace. */
export async function askTrace(asking: Asking, traceId: string): Promise<Trace | undefined> {
  const extent = await askExtent(asking, traceId);
  const isSmall = (extent?.spans ?? Infinity) <= smallTrace;
  // A trace whose first spans are just arriving has no roll-up yet, and the roll-up of a very large trace covers only
  // its first spans.
  const isBounded = extent !== undefined && (extent.spans ?? traceSpanLimit) < traceSpanLimit;
  const binder = createBinder();
  const fragments = {
    trace_id: binder.bind(traceId),
    start: binder.bind((isBounded && extent.start_ns) || 0n),
    end: binder.bind((isBounded && extent.end_ns) || latestNs),
    limit: binder.bind(mostSpans),
    ...(isSmall ? {} : { most_characters: binder.bind(mostCharacters) }),
  };
  const rows = await askRows<SpanRow>(asking, isSmall ? 'trace' : 'trace-large', binder, fragments, isSmall);
  const [first] = rows;
  if (!first) return undefined;
  const resources = await askResources(asking, rows);
  const omitted = (first.total ?? rows.length) - rows.length;
  const spans = rows.toSorted(byStart).map((row) => toSpan(row, resources.get(row.resource_id) ?? {}));
  return { traceId, spans, ...(omitted > 0 ? { omitted } : {}) };
}

function byStart(left: SpanRow, right: SpanRow): number {
  if (left.start_ns !== right.start_ns) return left.start_ns < right.start_ns ? -1 : 1;
  return left.span_id < right.span_id ? -1 : 1;
}

type Attributes = Record<string, AttributeValue>;

/**
 * Resources by their numbers, which never change their meaning. A few resources are shared by all traces, and so are
 * not read again for each trace.
 */
const readBefore = new WeakMap<Runner, Map<number, Attributes>>();
const mostRemembered = 2_000;

/** The attributes of the resources of some spans, by their numbers. */
async function askResources(asking: Asking, rows: readonly SpanRow[]): Promise<ReadonlyMap<number, Attributes>> {
  let known = readBefore.get(asking.reader);
  if (!known || known.size > mostRemembered) readBefore.set(asking.reader, (known = new Map()));
  const unknown = new Set(rows.map((row) => row.resource_id));
  for (const number of known.keys()) unknown.delete(number);
  if (unknown.size === 0) return known;
  const binder = createBinder();
  const fragments = { resources: binder.bind([...unknown].map(String)) };
  const found = await askRows<Row & { resource_id: number }>(asking, 'trace-resources', binder, fragments, true);
  for (const row of found) known.set(row.resource_id, readAttributes(row));
  return known;
}

interface SpanRow extends Row {
  /** How many spans a large trace has. */
  total?: number;
  start_ns: bigint;
  resource_id: number;
  span_id: string;
  parent_span_id: string | null;
  service: string;
  name: string;
  kind: SpanDetail['kind'];
  start_text: string;
  duration_text: string;
  status: SpanDetail['status'];
  status_message: string | null;
  scope: string | null;
  events: string | null;
  links: string | null;
}

function toSpan(row: SpanRow, resource: Record<string, AttributeValue>): SpanDetail {
  return {
    spanId: row.span_id,
    parentSpanId: row.parent_span_id,
    service: row.service,
    name: row.name,
    kind: row.kind,
    startNs: row.start_text,
    durationNs: row.duration_text,
    status: row.status,
    statusMessage: row.status_message ?? '',
    scope: row.scope ?? '',
    attributes: readAttributes(row),
    resource,
    // Written by the ingest in the shape of the contract.
    events: !row.events ? [] : (JSON.parse(row.events) as SpanDetail['events']),
    links: !row.links ? [] : (JSON.parse(row.links) as SpanDetail['links']),
  };
}

interface LogRow extends Row {
  time_text: string;
  service: string;
  severity: string;
  severity_number: number;
  body: string;
  event_name: string;
  trace_id: string | null;
  span_id: string | null;
}

/** The log records of a trace, in order of time; empty if there are none. */
export async function askLogs(asking: Asking, traceId: string): Promise<LogRecord[]> {
  const binder = createBinder();
  const fragments = { trace_id: binder.bind(traceId), limit: binder.bind(mostLogs) };
  const rows = await askRows<LogRow>(asking, 'trace-logs', binder, fragments);
  return rows.map((row) => ({
    timeNs: row.time_text,
    service: row.service,
    severity: row.severity,
    severityNumber: row.severity_number,
    body: row.body,
    eventName: row.event_name,
    traceId: row.trace_id,
    spanId: row.span_id,
    attributes: readAttributes(row),
  }));
}
