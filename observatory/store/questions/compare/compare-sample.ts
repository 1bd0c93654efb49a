import type { Scope } from '../../../contract/contract.ts';
import { keyOf, type Field } from '../../../filter/ast.ts';
import {
  fieldOf,
  isIdKey,
  type Column,
  columnList,
  columnName,
  type RootColumn,
  usualValue,
} from './compare-columns.ts';
import { readable, binShares } from './compare-bins.ts';
import type { KnownKey } from '../attributes.ts';
import { askRows, isKept, populationSql, type Asking, type Population } from '../population.ts';
import { createBinder, joinSql, sql, type Binder, type Sql } from '../../sql.ts';

/**
 * How the values of an attribute are counted if there are very many spans. Counts are exact in any case. The purpose is
 * to avoid a group for each of a million ids.
 */
export type Handling =
  /** A number: in bins between these boundaries. */
  | { kind: 'bins'; edges: number[] }
  /**
   * An attribute of very many values: by buckets, and by value if a bucket is evidence. The sample had `distinct` of
   * them.
   */
  | { kind: 'buckets'; distinct: number }
  /** An id: not at all. */
  | { kind: 'id' }
  /** A column that has one value, or none (null), in nearly all of the sample: only the spans that differ are counted. */
  | { kind: 'usual'; value: string | null };

/** Attributes that need a handling of their own, by `handlingKey`. */
export type Handlings = ReadonlyMap<string, Handling>;

export function handlingKey(given: boolean, key: string): string {
  return `${given ? 'column' : 'attribute'} ${key}`;
}

/** The field of a `handlingKey`. */
export function handledField(name: string): Field {
  return fieldOf({ given: name.startsWith('column '), key: name.slice(name.indexOf(' ') + 1) });
}

/** When the first and the last span of a population began, nanoseconds; null if it is empty. */
export interface Extent {
  first: bigint | null;
  last: bigint | null;
}

/** Populations up to this size are counted without a look at a sample. */
export const largePopulation = 20_000;
/** Entry spans of traces that are over: nearly all. */
const sampledTable: Readonly<Record<Scope, Sql>> = { roots: sql`store.settled_roots`, spans: sql`store.spans` };
/**
 * The sample: some spans from each of several parts of the time. Planning a part takes longer than reading it. That
 * holds even more for entry spans, which have more columns. And entry spans differ less from one part to the next.
 */
const slicesOf: Readonly<Record<Scope, bigint>> = { roots: 2n, spans: 4n };
const sampled = 2_000;
/**
 * The sample takes at least one of this many spans. Neighbours in the store came from one exporter and are alike, under
 * load some thousands of them, so some are skipped: with too few of them whole exporters are missing in the sample, and
 * the millions of values of their attributes would get a group each. Entry spans are less alike, and every column of
 * the skipped ones is read, too.
 */
const mostThinned: Readonly<Record<Scope, number>> = { roots: 4, spans: 64 };
/** Numbers with more distinct values than this in the sample are binned. */
const fewValues = 20;
/** Texts with more distinct values than this in the sample are counted by buckets. */
const manyRows = 500;
/**
 * A column is counted by the spans that differ from its usual value if at most one of this many did so in the sample.
 * Such a span takes many times as long to count as another one, so there must be few, in all these columns together.
 */
const usualOneOf = 500;

interface SampledRow {
  given: boolean;
  key: string;
  distinct: number;
  present: number;
  most: number;
  usual: string;
  sampled: number;
  cuts: number[] | null;
  lowest: number | null;
}

/** A column to look at. */
type Sampled = Pick<Column, 'key' | 'value'>;

/** Looks at some spans of a population of this many. */
async function askSample(
  asking: Asking,
  population: Population,
  extent: Extent,
  spans: number,
  columns: (binder: Binder) => readonly Sampled[],
): Promise<SampledRow[]> {
  const { binder, where } = populationSql(population);
  const table = sampledTable[population.scope];
  const parts = slicesOf[population.scope];
  const compared = columns(binder);
  const list = columnList(compared.map(({ value }) => value));
  const first = extent.first ?? 0n;
  const step = ((extent.last ?? 0n) - first) / parts + 1n;
  // So few spans are skipped that the slices are filled nevertheless.
  const thinned = Math.min(mostThinned[population.scope], Math.max(1, Math.floor(spans / sampled / 2)));
  const slices = Array.from({ length: Number(parts) }, (_, index) => {
    const from = first + BigInt(index) * step;
    return sql`(SELECT ${list} s.attributes FROM ${table} s
      WHERE ${where} AND s.start_ns >= ${binder.bind(from)} AND s.start_ns < ${binder.bind(from + step)}
        AND hash(s.span_id) % ${binder.bind(thinned)}::UBIGINT = 0
      LIMIT ${binder.bind(sampled / Number(parts))})`;
  });
  const texts = compared.map((_, index) => sql`${columnName(index)}::VARCHAR`);
  const fragments = {
    slices: joinSql(slices, sql` UNION ALL `),
    keys: binder.bind(compared.map(({ key }) => key)),
    values: joinSql(texts, sql`, `),
    shares: binder.bind(binShares),
    few: binder.bind(fewValues),
  };
  return askRows<SampledRow>(asking, 'compare-sample', binder, fragments, isKept(population));
}

/**
 * Looks at some spans to see which attributes have very many values.
 *
 * @param spans how many the population has.
 */
export async function askHandlings(
  asking: Asking,
  population: Population,
  extent: Extent,
  spans: number,
  columns: (binder: Binder) => Column[],
  known: ReadonlyMap<string, KnownKey>,
): Promise<Map<string, Handling>> {
  const rows = await askSample(asking, population, extent, spans, columns);
  const handlings = new Map<string, Handling>();
  const own = new Map<string, Column>();
  // If the span lacks a value, the resource may have it.
  for (const column of columns(createBinder())) if (!column.inherits) own.set(column.key, column);
  // A column that is empty has no row.
  for (const key of own.keys()) handlings.set(handlingKey(true, key), { kind: 'usual', value: null });
  for (const row of rows) {
    const name = handlingKey(row.given, row.key);
    const column = row.given ? own.get(row.key) : undefined;
    const handling = (column && usualOf(row, column)) ?? handlingOf(row, isNumeric(fieldOf(row), known));
    if (handling) handlings.set(name, handling);
    else handlings.delete(name);
  }
  return handlings;
}

/**
 * The same of attributes of entry spans. None is an id: all spans of a trace share its value, and one trace may have many
 * of the selected spans.
 */
export async function askRootHandlings(
  asking: Asking,
  population: Population,
  extent: Extent,
  spans: number,
  columns: (binder: Binder) => RootColumn[],
): Promise<Map<string, Handling>> {
  const entries: Population = { ...population, scope: 'roots', filter: undefined };
  const rows = await askSample(asking, entries, extent, spans, columns);
  const many = rows.filter(({ given, distinct }) => given && distinct > manyRows);
  return new Map(many.map(({ key, distinct }) => [handlingKey(true, key), { kind: 'buckets', distinct }]));
}

/** Whether all values of a field are numbers. */
export function isNumeric(field: Field, known: ReadonlyMap<string, KnownKey>): boolean {
  if (field.type === 'attribute') return known.get(field.key)?.type === 'number';
  return /^trace\..*_(ms|count)$|^trace\.service_ms\./.test(field.name);
}

/** That of a column that has one value, or none, in nearly all of the sample. */
function usualOf(row: SampledRow, column: Column): Handling | undefined {
  const most = row.sampled / usualOneOf;
  if (row.present <= most) return { kind: 'usual', value: null };
  if (row.sampled - row.most > most || usualValue(column, row.usual) === undefined) return undefined;
  return { kind: 'usual', value: row.usual };
}

function handlingOf(row: SampledRow, numeric: boolean): Handling | undefined {
  if (row.distinct <= fewValues) return undefined;
  if (numeric && !isIdKey(keyOf(fieldOf(row)))) {
    const lowest = row.lowest ?? Infinity;
    const edges = [...new Set((row.cuts ?? []).map(readable))].filter((edge) => edge > lowest);
    return { kind: 'bins', edges: edges.toSorted((a, b) => a - b) };
  }
  if (row.distinct <= manyRows) return undefined;
  return row.distinct === row.present ? { kind: 'id' } : { kind: 'buckets', distinct: row.distinct };
}
