import type { LogRecord, SpanDetail, Trace } from '../../api/contract.ts';
import { readAttributes } from '../attributes.ts';
import type { Row } from '../database.ts';
import { createBinder } from '../sql.ts';
import { askRows, type Asking } from './population.ts';

/** A trace is told up to this many spans and about this many characters, earliest first. */
const MOST_SPANS = 20_000;
const MOST_CHARACTERS = 48_000_000;
const MOST_LOGS = 5000;
const LATEST_NS = 2n ** 63n - 1n;

interface Extent {
  start_ns: bigint | null;
  end_ns: bigint | null;
}

async function askExtent(asking: Asking, traceId: string): Promise<Extent | undefined> {
  const binder = createBinder();
  const [extent] = await askRows<Extent>(asking, 'trace-extent', binder, { trace_id: binder.bind(traceId) });
  return extent;
}

/** All spans of a trace with everything that was sent of them; undefined where there is none. */
export async function askTrace(asking: Asking, traceId: string): Promise<Trace | undefined> {
  const extent = await askExtent(asking, traceId);
  const binder = createBinder();
  const rows = await askRows<SpanRow>(asking, 'trace', binder, {
    trace_id: binder.bind(traceId),
    // A trace whose first spans are just arriving has no roll-up yet: then the whole table is searched.
    start: binder.bind(extent?.start_ns ?? 0n),
    end: binder.bind(extent?.end_ns ?? LATEST_NS),
    limit: binder.bind(MOST_SPANS),
    most_characters: binder.bind(MOST_CHARACTERS),
  });
  const [first] = rows;
  if (!first) return undefined;
  const omitted = first.total - rows.length;
  return { traceId, spans: rows.map(toSpan), ...(omitted > 0 ? { omitted } : {}) };
}

interface SpanRow extends Row {
  total: number;
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
  resource_attributes: unknown;
  resource_types: unknown;
}

function toSpan(row: SpanRow): SpanDetail {
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
    resource: readAttributes({ attributes: row.resource_attributes, types: row.resource_types }),
    // Written by the ingest in the shape of the contract.
    events: row.events === null ? [] : (JSON.parse(row.events) as SpanDetail['events']),
    links: row.links === null ? [] : (JSON.parse(row.links) as SpanDetail['links']),
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

/** The log records of a trace, in order of time; empty where there are none. */
export async function askLogs(asking: Asking, traceId: string): Promise<LogRecord[]> {
  const binder = createBinder();
  const fragments = { trace_id: binder.bind(traceId), limit: binder.bind(MOST_LOGS) };
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
