import { copyType, type ValueType } from '../../records/attribute-shapes.ts';
import { promotedAttributes } from '../../records/hot-attributes.ts';
import type { Database } from '../database.ts';
import type { Row } from '../session.ts';
import { pause } from '../../async/pause.ts';
import type { SpanKind, SpanStatus } from '../../records/records.ts';
import type { Resource } from '../../records/resource.ts';
import type { ResourceNumbering } from './resource-numbers.ts';
import type { SpanBatch } from '../../records/span-batch.ts';
import { createSpanBatchBuilder } from '../../records/span-batch-builder.ts';
import { spanTexts } from '../../records/span-parts.ts';
import { createTraceFilter } from './trace-filter.ts';
import { traceSpanLimit } from './traces.ts';

/** Reads stored traces back, so that the ingest can go on with them. */
export interface TraceReader {
  /** The spans of traces that were not over when the Observatory last stopped. */
  openTraces(): Promise<SpanBatch>;
  /** Returns which of these traces are over, and their spans. */
  settledTraces(traceIds: string[]): Promise<{ reopened: string[]; spans: SpanBatch }>;
  /** Remembers traces that are over. */
  settled(traceIds: readonly string[]): void;
}

/** Reading all ids at once would take a hundred megabytes if there are millions of spans. */
const idsAtOnce = 20_000;

/** About how many spans are read at once: as objects they take a hundred times the memory of what is kept of them. */
const spansAtOnce = 10_000;
const tracesAtOnce = 250;
const rowsBetweenPauses = 512;

/** A trace that is to be read back, and where its spans are. */
interface StoredTrace {
  trace_id: string;
  from_ns: bigint;
  to_ns: bigint;
  spans: number;
}

/** Traces to read at once: as many as have about `spansAtOnce` together, or a single one of more. */
function* inGroups(traces: readonly StoredTrace[]): Generator<readonly StoredTrace[]> {
  let start = 0;
  let spans = 0;
  for (const [index, trace] of traces.entries()) {
    if (index > start && (spans + trace.spans > spansAtOnce || index - start === tracesAtOnce)) {
      yield traces.slice(start, index);
      start = index;
      spans = 0;
    }
    spans += trace.spans;
  }
  if (start < traces.length) yield traces.slice(start);
}

export async function createTraceReader(database: Database, resources: ResourceNumbering): Promise<TraceReader> {
  const filter = createTraceFilter();
  const builder = createSpanBatchBuilder();
  const [table] = await database.writer.rows<{ rows: number }>('ingest-settled-row-count');
  for (let from = 0; from < (table?.rows ?? 0); from += idsAtOnce) {
    const parameters = { from, to: from + idsAtOnce };
    const ids = await database.writer.rows<{ trace_id: string }>('ingest-settled-trace-ids', { parameters });
    for (const { trace_id: id } of ids) filter.add(id);
  }

  function add(row: Row, resource: Resource): void {
    const types = JSON.parse((row.types as string | null) ?? '{}') as Record<string, ValueType | typeof copyType>;
    const typeOf = (key: string): ValueType => (Object.hasOwn(types, key) ? ((types[key] as ValueType) ?? '') : '');
    for (const [key, text] of Object.entries(row.attributes as Record<string, string>))
      builder.add(key, text, typeOf(key));
    for (const [key, column] of Object.entries(promotedAttributes)) {
      const text = row[column] as string | null;
      if (text !== null && types[key] !== copyType) builder.add(key, text, typeOf(key));
    }
    builder.idTexts(row.trace_id as string, row.span_id as string, row.parent_span_id as string | null);
    builder.text(spanTexts.name, row.name as string);
    if (row.status_message !== null) builder.text(spanTexts.statusMessage, row.status_message as string);
    if (row.events) builder.text(spanTexts.events, row.events as string);
    if (row.links) builder.text(spanTexts.links, row.links as string);
    builder.end(
      { resource, scope: row.scope as string | null },
      {
        kind: row.kind as SpanKind,
        status: row.status as SpanStatus,
        startNs: row.start_ns as bigint,
        durationNs: row.duration_ns as bigint,
      },
    );
  }

  /** Adds the spans of some traces to the builder; for each trace, hardly more spans than are held of one. */
  async function read(traces: readonly StoredTrace[]): Promise<void> {
    // In order of time, so that each query reads few blocks of the spans.
    const inOrder = traces.toSorted((left, right) => (left.from_ns < right.from_ns ? -1 : 1));
    for (const group of inGroups(inOrder)) {
      const spans = group.reduce((sum, trace) => sum + trace.spans, 0);
      const parts = Math.ceil(Math.min(spans, traceSpanLimit) / spansAtOnce);
      const parameters = {
        traces: group.map((trace) => trace.trace_id),
        from_ns: group[0]?.from_ns ?? 0n,
        to_ns: group.reduce((most, trace) => (trace.to_ns > most ? trace.to_ns : most), 0n),
        // If one trace has more spans than are held of a trace, some of each part are enough.
        limit: spansAtOnce * 2,
        parts,
      };
      for (let part = 0; part < parts; part += 1) {
        const rows = await database.writer.rows('ingest-spans-of-traces', { parameters: { ...parameters, part } });
        const known = await resources.read(new Set(rows.map((row) => row.resource_id as number)));
        for (const [index, row] of rows.entries()) {
          if (index % rowsBetweenPauses === rowsBetweenPauses - 1) await pause();
          const resource = known.get(row.resource_id as number);
          if (resource) add(row, resource);
        }
      }
    }
  }

  return {
    async openTraces() {
      await read(await database.writer.rows<Row & StoredTrace>('ingest-open-traces-stored'));
      return builder.finish();
    },
    async settledTraces(traceIds) {
      // Spans that a failed read left would count as spans of these traces.
      builder.reset();
      const traces = traceIds.filter((id) => filter.mayHave(id));
      if (traces.length === 0) return { reopened: [], spans: builder.finish() };
      const parameters = { traces };
      const found = await database.writer.rows<Row & StoredTrace>('ingest-settled-traces', { parameters });
      await read(found);
      return { reopened: found.map((row) => row.trace_id), spans: builder.finish() };
    },
    settled(traceIds) {
      for (const id of traceIds) filter.add(id);
    },
  };
}
