import type { TraceRow } from '../../contract/contract.ts';
import { parseField } from '../../filter/parse.ts';
import { fieldText } from '../filter-sql.ts';
import { createBinder, joinSql, sql } from '../sql.ts';
import { askRows, populationSql, viewOf, type Asking, type Population } from './population.ts';
import { longestValue } from './values.ts';

/** Attributes that tell traces apart, in the order in which lists show them. */
const highlightKeys = [
  'hotrod.customer.name',
  'hotrod.driver.id',
  'session.id',
  'hotrod.request.id',
  'user.id',
  'http.response.status_code',
  'error.type',
  'service.version',
];

interface Row {
  trace_id: string;
  span_id: string;
  service: string;
  name: string;
  start_ns: string;
  duration_ms: number;
  error: boolean;
  highlights: (string | null)[];
  spans: number;
}

/** Lists the spans of a population. */
export async function askTraces(
  asking: Asking,
  population: Population,
  sort: 'newest' | 'slowest',
  limit: number,
): Promise<TraceRow[]> {
  const found = await askSpans(asking, population, sort, limit);
  if (found.length === 0) return [];
  const { scope } = population;
  const binder = createBinder();
  const texts = highlightKeys.map(
    (key) => sql`left(${fieldText(parseField(key), scope, binder)}, ${binder.bind(longestValue)})`,
  );
  const rows = await askRows<Row>(asking, 'traces-told', binder, {
    view: viewOf(scope),
    trace_ids: binder.bind(found.map(({ trace_id }) => trace_id)),
    span_ids: binder.bind(found.map(({ span_id }) => span_id)),
    starts: binder.bind(found.map(({ start_ns }) => String(start_ns))),
    highlights: sql`[${joinSql(texts, sql`, `)}]`,
    spans: scope === 'roots' ? sql`s.span_count` : sql`NULL::INTEGER`,
    listed_order: sort === 'slowest' ? sql`listed.duration_ns` : sql`listed.start_ns`,
  });
  return rows.map((row) => ({
    traceId: row.trace_id,
    spanId: row.span_id,
    service: row.service,
    name: row.name,
    startNs: row.start_ns,
    durationMs: row.duration_ms,
    error: row.error,
    spans: row.spans,
    highlights: highlightsOf(row.highlights),
  }));
}

function highlightsOf(values: readonly (string | null)[]): Record<string, string> {
  const told: Record<string, string> = {};
  for (const [index, key] of highlightKeys.entries()) {
    const value = values[index];
    if (value != null) told[key] = value;
  }
  return told;
}

/** Finds which spans are listed by reading only the columns that decide it, because that is quick. */
async function askSpans(asking: Asking, population: Population, sort: 'newest' | 'slowest', limit: number) {
  const { binder, view, where } = populationSql(population);
  return askRows<{ trace_id: string; span_id: string; start_ns: bigint }>(asking, 'traces', binder, {
    view,
    where,
    order: sort === 'slowest' ? sql`s.duration_ns` : sql`s.start_ns`,
    limit: binder.bind(limit),
  });
}
