import { createAttributeBuilder, type ValueType } from './attribute-shapes.ts';
import { promotedAttributes } from './attributes.ts';
import type { Database } from './database.ts';
import type { SpanKind, SpanRecord, SpanStatus } from './records.ts';
import type { ResourceNumbering } from './resource-numbers.ts';
import { createTraceFilter } from './trace-filter.ts';
import { traceSpanLimit } from './traces.ts';

/** Reads stored traces back, so that the ingest can go on with them. */
export interface TraceReader {
  /** The spans of traces that were not over when the Observatory last stopped. */
  openTraces(): Promise<SpanRecord[]>;
  /** Which of these traces are over, and their spans. */
  settledTraces(traceIds: string[]): Promise<{ reopened: string[]; spans: SpanRecord[] }>;
  /** Remembers traces that are over. */
  settled(traceIds: readonly string[]): void;
}

export async function createTraceReader(database: Database, resources: ResourceNumbering): Promise<TraceReader> {
  const filter = createTraceFilter();
  const builder = createAttributeBuilder(true);
  for (const { trace_id: id } of await database.writer.rows<{ trace_id: string }>('ingest-settled-trace-ids'))
    filter.add(id);

  function toSpan(row: Record<string, unknown>): SpanRecord | null {
    const resource = resources.resource(row.resource_id as number);
    if (!resource) return null;
    const types = JSON.parse((row.types as string | null) ?? '{}') as Record<string, ValueType>;
    const typeOf = (key: string): ValueType => (Object.hasOwn(types, key) ? (types[key] ?? '') : '');
    for (const [key, text] of Object.entries(row.attributes as Record<string, string>))
      builder.add(key, text, typeOf(key));
    for (const [key, column] of Object.entries(promotedAttributes)) {
      const text = row[column] as string | null;
      if (text !== null) builder.add(key, text, typeOf(key));
    }
    return {
      traceId: row.trace_id as string,
      spanId: row.span_id as string,
      parentSpanId: row.parent_span_id as string | null,
      startNs: row.start_ns as bigint,
      durationNs: row.duration_ns as bigint,
      name: row.name as string,
      kind: row.kind as SpanKind,
      status: row.status as SpanStatus,
      statusMessage: row.status_message as string | null,
      scope: row.scope as string | null,
      resource,
      attributes: builder.finish(),
      events: row.events as string | null,
      links: row.links as string | null,
    };
  }

  async function spansOf(traceIds: string[], fromNs: bigint, toNs: bigint): Promise<SpanRecord[]> {
    const parameters = { traces: traceIds, from_ns: fromNs, to_ns: toNs, limit: traceSpanLimit * 4 };
    const rows = await database.writer.rows('ingest-spans-of-traces', { parameters });
    return rows.map(toSpan).filter((span) => span !== null);
  }

  return {
    async openTraces() {
      const rows = await database.writer.rows<{ trace_id: string }>('ingest-open-trace-ids');
      const ids = rows.map((row) => row.trace_id);
      return ids.length === 0 ? [] : spansOf(ids, -(2n ** 63n), 2n ** 63n - 1n);
    },
    async settledTraces(traceIds) {
      const traces = traceIds.filter((id) => filter.mayHave(id));
      if (traces.length === 0) return { reopened: [], spans: [] };
      const rows = await database.writer.rows<{ trace_id: string; from_ns: bigint; to_ns: bigint }>(
        'ingest-settled-traces',
        {
          parameters: { traces },
        },
      );
      if (rows.length === 0) return { reopened: [], spans: [] };
      const reopened = rows.map((row) => row.trace_id);
      const fromNs = rows.reduce((least, row) => (row.from_ns < least ? row.from_ns : least), 2n ** 63n - 1n);
      const toNs = rows.reduce((most, row) => (row.to_ns > most ? row.to_ns : most), 0n);
      return { reopened, spans: await spansOf(reopened, fromNs, toNs) };
    },
    settled(traceIds) {
      for (const id of traceIds) filter.add(id);
    },
  };
}
