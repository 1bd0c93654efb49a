import type { Scope } from '../../../contract/contract.ts';
import type { Field } from '../../../filter/ast.ts';
import { fieldText } from '../../filter-sql.ts';
import { columnName } from './compare-columns.ts';
import type { Split } from './compare-rank.ts';
import { askRows, boxSql, populationSql, type Asking, type Box, type Population } from '../population.ts';
import { joinSql, sql, type Binder, type Sql } from '../../sql.ts';

/** A number that is compared in bins. */
export interface BinnedNumber {
  field: Field;
  key: string;
  /** Boundaries between the bins, ascending: the first bin lies below the first, the last from the last on. */
  edges: number[];
  /** One more than boundaries. */
  splits: Split[];
}

const binCount = 12;
/** The ends of bins of about equal size: shares of the spans, as text. */
export const binShares: readonly string[] = Array.from({ length: binCount - 1 }, (_, index) =>
  String((index + 1) / binCount),
);

/** Numbers of like meaning keep their boundaries readable: three significant digits. */
export function readable(value: number): number {
  return Number(value.toPrecision(3));
}

/** A number that is to be compared in bins. */
export interface NumberField {
  field: Field;
  key: string;
  /** Whether spans alone have it, never their resources: then it needs no look at the resource. */
  own: boolean;
}

/** Each number as a column, NULL if it is not a number. */
function numberColumns(numbers: readonly NumberField[], scope: Scope, binder: Binder): Sql {
  const columns = numbers.map(({ field, key, own }, index) => {
    const text = own ? sql`s.attributes[${binder.bind(key)}]` : fieldText(field, scope, binder);
    return sql`TRY_CAST(${text} AS DOUBLE) AS ${columnName(index)}`;
  });
  return joinSql(columns, sql`, `);
}

async function askEdges(asking: Asking, population: Population, numbers: readonly NumberField[]): Promise<number[][]> {
  const { binder, view, where } = populationSql(population);
  const bound = sql`${binder.bind(binShares)}::DOUBLE[]`;
  // The lowest value comes first: no boundary may lie at or below it. Infinities and NaN count as missing.
  const edges = numbers.map((_, index) => {
    const column = columnName(index);
    return sql`list_prepend(
      min(${column}) FILTER (isfinite(${column})),
      quantile_disc(${column}, ${bound}) FILTER (isfinite(${column}))
    ) AS ${column}`;
  });
  const [row] = await askRows<Record<string, (number | null)[] | null>>(asking, 'compare-edges', binder, {
    view,
    where,
    columns: numberColumns(numbers, population.scope, binder),
    edges: joinSql(edges, sql`, `),
  });
  return numbers.map((_, index) => {
    const [lowest, ...cuts] = (row?.[columnName(index)] ?? []).filter((value) => value !== null);
    const distinct = new Set(cuts.map(readable));
    return [...distinct].filter((edge) => lowest !== undefined && edge > lowest).toSorted((a, b) => a - b);
  });
}

/**
 * A number that this program computed, as SQL. Unlike a placeholder it costs nothing when it is compared a million
 * times.
 */
function literal(value: number): Sql {
  if (!Number.isFinite(value)) throw new TypeError('not a finite number');
  return `(${value.toExponential()}::DOUBLE)` as Sql;
}

/**
 * The place of a number's bin as text, from `first` on, by halving: the fewer comparisons the better, a million times over.
 */
export function binSql(column: Sql, edges: readonly number[], first = 0): Sql {
  const middle = edges.length >> 1;
  const edge = edges[middle];
  if (edge === undefined) return `'${Math.trunc(first)}'` as Sql;
  const below = binSql(column, edges.slice(0, middle), first);
  const above = binSql(column, edges.slice(middle + 1), first + middle + 1);
  return sql`CASE WHEN ${column} < ${literal(edge)} THEN ${below} ELSE ${above} END`;
}

/**
 * How often each bin of some numbers occurs: rows of key, place, `selected` and `baseline`. Twice as fast as a group for
 * each bin.
 *
 * @param numbers each with its number as text or number, and at least one boundary.
 * @param from rows with those columns, and `selected`.
 */
export function countBinsSql(
  numbers: readonly { key: string; value: Sql; edges: readonly number[] }[],
  from: Sql,
  binder: Binder,
): Sql {
  // DuckDB's bins have their upper boundary, ours the lower one. So they are those of the negative numbers, and the bin
  // above all their boundaries is our lowest.
  const negatives = numbers.map(({ value }, index) => sql`-TRY_CAST(${value} AS DOUBLE) AS ${columnName(index)}`);
  const finite = numbers.map((_, index) => {
    const column = columnName(index);
    return sql`CASE WHEN isfinite(${column}) THEN ${column} END AS ${column}`;
  });
  const bins = numbers.map(({ key, edges }, index) => {
    const column = columnName(index);
    const boundaries = joinSql(edges.map((edge) => literal(-edge)).toReversed(), sql`, `);
    return sql`{
      'key': ${binder.bind(key)},
      'highest': ${binder.bind(edges.length)},
      'whole': map_values(histogram(${column}, [${boundaries}])),
      'selected': map_values(histogram(${column}, [${boundaries}]) FILTER (selected))
    }`;
  });
  return sql`SELECT key, place, selected, whole - selected AS baseline
    FROM (
      SELECT
        bins.key, bins.highest + 1 - generate_subscripts(bins.whole, 1) AS place,
        unnest(bins.whole) AS whole, coalesce(unnest(bins.selected), 0) AS selected
      FROM (
        SELECT unnest([${joinSql(bins, sql`, `)}]) AS bins
        FROM (
          SELECT selected, ${joinSql(finite, sql`, `)}
          FROM (SELECT selected, ${joinSql(negatives, sql`, `)} FROM ${from})
        )
      )
    )`;
}

/** Counts numbers in about a dozen bins of like size over both sides together. Counts are exact. */
export async function askBins(
  asking: Asking,
  population: Population,
  box: Box,
  numbers: readonly NumberField[],
): Promise<BinnedNumber[]> {
  if (numbers.length === 0) return [];
  const edges = await askEdges(asking, population, numbers);
  const { binder, view, where } = populationSql(population);
  const branches = numbers.map((_, index) => {
    const column = columnName(index);
    const bin = binSql(column, edges[index] ?? []);
    return sql`SELECT ${binder.bind(index)}::INTEGER AS place, ${bin} AS bin,
      count_if(selected)::INTEGER AS selected, count_if(NOT selected)::INTEGER AS baseline
      FROM s WHERE isfinite(${column}) GROUP BY bin`;
  });
  type Counted = Split & { place: number; bin: string };
  const rows = await askRows<Counted>(asking, 'compare-bins', binder, {
    view,
    where,
    box: boxSql(box, binder),
    columns: numberColumns(numbers, population.scope, binder),
    branches: joinSql(branches, sql` UNION ALL `),
  });
  return numbers.map(({ field, key }, place) => {
    const cuts = edges[place] ?? [];
    const splits = Array.from({ length: cuts.length + 1 }, () => ({ selected: 0, baseline: 0 }));
    for (const row of rows)
      if (row.place === place) splits[Number(row.bin)] = { selected: row.selected, baseline: row.baseline };
    return { field, key, edges: cuts, splits };
  });
}
