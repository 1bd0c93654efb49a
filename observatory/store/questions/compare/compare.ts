import type { Compare, CompareAttribute } from '../../../contract/contract.ts';
import { keyOf, type Field } from '../../../filter/ast.ts';
import { fieldName } from '../../../filter/print.ts';
import { fieldText } from '../../filter-sql.ts';
import { askBins, type BinnedNumber, type NumberField } from './compare-bins.ts';
import {
  brushed,
  columnList,
  columnsOf,
  exclusionOf,
  fieldOf,
  handledKeys,
  handledOfResources,
  isIdKey,
  mostKeys,
  rootColumnsOf,
  type Column,
  type RootColumn,
  type Exclusion,
} from './compare-columns.ts';
import { hotAttributes } from '../../attributes.ts';
import {
  binnedAttribute,
  categories,
  isTimestamp,
  isTimestampText,
  mostShown,
  type Counted,
} from './compare-attribute.ts';
import { evidence, fewestTested, standsOut, supportOf, type Sides, type Split } from './compare-rank.ts';
import { byReadability, foldAlike } from './compare-fold.ts';
import { branchesSql, bucketSql, ownSql, readsAttributes, rootsSql, tracesSql } from './compare-counting.ts';
import {
  askHandlings,
  askRootHandlings,
  handledField,
  handlingKey,
  isNumeric,
  largePopulation,
  type Extent,
  type Handlings,
} from './compare-sample.ts';
import { askKnownKeys, type KnownKey } from '../attributes.ts';
import {
  askRows,
  boxSql,
  isKept,
  populationSql,
  rowsSql,
  type Asking,
  type Box,
  type Population,
} from '../population.ts';
import { longestValue } from '../values.ts';
import { part } from '../../statement-files.ts';
import { createBinder, sql, type Binder, type Sql } from '../../sql.ts';

/** Numbers with more distinct values than this are compared in bins. */
const mostCategories = 20;
/** At most this many numbers are put into bins; those that most spans have come first. */
const mostBinned = 100;

/** One attribute's counts as the database returns them. */
interface CountedRow extends Counted {
  /** Whether it is a column, not a key of a MAP. */
  given: boolean;
  key: string;
  tests: number;
  fingerprint: string;
}

/** An attribute with all that ranking and grouping need. */
interface Candidate {
  attribute: CompareAttribute;
  /** Equal for attributes that split the two sides in the same way. */
  signature: string;
  /** How its values, without those that lack it, split the two sides. */
  splits: readonly Split[];
  /** How many of its values might have been evidence. */
  tests: number;
  standsOut: (tests: number) => boolean;
}

/**
 * What is different about the spans in the box, against all others of the population: every attribute, ranked by
 * evidence (docs/ranking.md). Attributes that stand out beyond chance come first.
 *
 * @param limit how many attributes are answered; those that split the sides alike count as one.
 * @param large from how many spans on attributes of very many values are counted in another way.
 */
export async function askCompare(
  asking: Asking,
  population: Population,
  box: Box,
  limit: number,
  large = largePopulation,
): Promise<Compare> {
  const { sides, extent } = await askSides(asking, population, box);
  const excluded = brushed(box);
  const spans = sides.selected + sides.baseline;
  if (spans === 0) return { ...sides, attributes: [], excluded };
  const keys = await askKnownKeys(asking, '', mostKeys);
  const known = new Map(keys.map((key) => [key.key, key]));
  const columns = (binder: Binder): Column[] => columnsOf(population.scope, keys, box, binder);
  const rootColumns = (binder: Binder): RootColumn[] => rootColumnsOf(population.scope, keys, box, binder);
  const comparesRoots = rootColumns(createBinder()).length > 0;
  const handlings: Handlings = new Map([
    ...(spans > large ? await askHandlings(asking, population, extent, spans, columns, known) : []),
    ...(spans > large && comparesRoots ? await askRootHandlings(asking, population, extent, spans, rootColumns) : []),
  ]);
  const counting: Counting = { sides, columns, rootColumns, handlings, known };
  const rows = await askValues(asking, population, box, counting);
  if (comparesRoots) rows.push(...(await askRootValues(asking, population, box, counting)));
  for (const row of rows) {
    if (handlings.get(handlingKey(row.given, row.key))?.kind === 'buckets') {
      await resolveBuckets(asking, population, box, row, counting);
    }
  }
  const { compared, binned, numbers } = sortOut(rows, known, box, sides, population, handlings, excluded);
  binned.push(...(await askBins(asking, population, box, numbers.slice(0, mostBinned))));
  const candidates = compared.map((row) => categoricalCandidate(row, sides));
  for (const number of binned) {
    const splits = [...number.splits, missing(number.splits, sides)];
    if (isTimestamp(number.edges, population)) excluded.push({ key: fieldName(number.field), reason: 'a timestamp' });
    else {
      candidates.push({
        attribute: binnedAttribute(number, sides),
        signature: JSON.stringify(splits),
        // Bins cut at boundaries of their own: alike only if they are the same.
        splits: [],
        tests: splits.length,
        standsOut: (tests) => standsOut(splits, sides, tests),
      });
    }
  }
  return { ...sides, attributes: rank(candidates, limit, sides), excluded: excluded.toSorted(byKey) };
}

function byKey(left: Exclusion, right: Exclusion): number {
  return left.key < right.key ? -1 : 1;
}

async function askSides(asking: Asking, population: Population, box: Box): Promise<{ sides: Sides; extent: Extent }> {
  const { binder, where } = populationSql(population);
  const list = sql`${boxSql(box, binder)} AS selected, s.start_ns`;
  const fragments = { rows: rowsSql(population.scope, list, where) };
  const [row] = await askRows<Extent & { [K in keyof Sides]: number | null }>(
    asking,
    'compare-sides',
    binder,
    fragments,
    isKept(population),
  );
  if (!row) throw new Error('compare-sides.sql told no row');
  const { selected, baseline, ...extent } = row;
  // Without any rows DuckDB's count_if is NULL.
  return { sides: { selected: selected ?? 0, baseline: baseline ?? 0 }, extent };
}

interface Counting {
  sides: Sides;
  columns: (binder: Binder) => Column[];
  rootColumns: (binder: Binder) => RootColumn[];
  handlings: Handlings;
  known: ReadonlyMap<string, KnownKey>;
}

async function askValues(asking: Asking, population: Population, box: Box, counting: Counting): Promise<CountedRow[]> {
  const { sides, handlings } = counting;
  const { binder, where } = populationSql(population);
  const columns = counting.columns(binder);
  const excluded = [...counting.known.keys()].filter((key) => exclusionOf(key, box) !== undefined);
  const handled = [...handledKeys(columns, population.scope), ...(handlings.size > 0 ? excluded : [])];
  const list = sql`${boxSql(box, binder)} AS selected,
    ${columnList(columns.map(({ value }) => value))} s.attributes, s.resource_id, s.trace_id`;
  return askRows<CountedRow>(asking, 'compare-values', binder, {
    rows: rowsSql(population.scope, list, where),
    // Without a copy each attribute reads its own column alone; but a filter's look at the MAP is done only once.
    materialized: readsAttributes(population.filter, population.scope) ? sql`MATERIALIZED` : sql`NOT MATERIALIZED`,
    own: ownSql(handled, handlings, binder),
    handled: binder.bind(handledOfResources(handled)),
    branches: branchesSql(columns, handlings, binder),
    told: toldSql(sides, binder),
  });
}

/** The same of attributes of entry spans. */
function askRootValues(asking: Asking, population: Population, box: Box, counting: Counting): Promise<CountedRow[]> {
  const { binder, where } = populationSql(population);
  const spans = spansOfTraces(population, box, where, binder);
  const { traces, counted } = rootsSql(spans, counting.rootColumns(binder), counting.handlings, binder);
  return askRows<CountedRow>(asking, 'compare-roots', binder, {
    traces,
    counted,
    told: toldSql(counting.sides, binder),
  });
}

function spansOfTraces(population: Population, box: Box, where: Sql, binder: Binder): Sql {
  return rowsSql(population.scope, sql`s.trace_id, ${boxSql(box, binder)} AS selected`, where);
}

function toldSql(sides: Sides, binder: Binder): Sql {
  return part('compare-told', {
    longest: binder.bind(longestValue),
    least_test: binder.bind(fewestTested),
    least_selected: binder.bind(supportOf(sides.selected)),
    least_baseline: binder.bind(supportOf(sides.baseline)),
    most_shown: binder.bind(mostShown + 1),
  });
}

/**
 * Replaces the counted buckets that are evidence by their values. A value that is evidence makes its bucket evidence,
 * because the bucket contains hardly anything else.
 */
async function resolveBuckets(
  asking: Asking,
  population: Population,
  box: Box,
  row: CountedRow,
  { sides, rootColumns }: Counting,
): Promise<void> {
  const buckets = (row.supported ?? []).filter((bucket) => evidence(bucket, sides) > 0).map(({ value }) => value ?? '');
  row.supported = [];
  row.frequent = [];
  if (buckets.length === 0) return;
  const { binder, view, where } = populationSql(population);
  const root = row.given ? rootColumns(binder).find(({ key }) => key === row.key) : undefined;
  const rows = root
    ? sql`SELECT c0 AS value, selected, baseline
        FROM (${tracesSql(spansOfTraces(population, box, where, binder), [root.value])})`
    : sql`SELECT value, selected::INTEGER AS selected, (NOT selected)::INTEGER AS baseline
        FROM (
          SELECT ${boxSql(box, binder)} AS selected, ${fieldText(fieldOf(row), population.scope, binder)} AS value
          FROM ${view} s
          WHERE ${where}
        )`;
  row.supported = await askRows<NonNullable<Counted['supported']>[number]>(asking, 'compare-buckets', binder, {
    rows,
    bucket: sql`${bucketSql(sql`s.value`)}::VARCHAR`,
    buckets: binder.bind(buckets),
    longest: binder.bind(longestValue),
    least_selected: binder.bind(supportOf(sides.selected)),
    least_baseline: binder.bind(supportOf(sides.baseline)),
  });
}

/** The counted attributes, sorted by how they are shown. */
interface Sorted {
  compared: CountedRow[];
  binned: BinnedNumber[];
  /** Numbers that are still to be counted in bins. */
  numbers: NumberField[];
}

/** Separates categories, numbers, and attributes that are left out (it adds those to `excluded`). */
function sortOut(
  rows: readonly CountedRow[],
  known: ReadonlyMap<string, KnownKey>,
  box: Box,
  sides: Sides,
  population: Population,
  handlings: Handlings,
  excluded: Exclusion[],
): Sorted {
  const compared: CountedRow[] = [];
  const binned: BinnedNumber[] = [];
  const numbers: (NumberField & { spans: number })[] = [];
  const total = sides.selected + sides.baseline;
  for (const row of rows) {
    const field = fieldOf(row);
    const present = row.selected + row.baseline;
    const handling = handlings.get(handlingKey(row.given, row.key));
    const reason = row.given ? undefined : exclusionOf(row.key, box);
    const numeric = isNumeric(field, known);
    const key = keyOf(field);
    if (reason !== undefined) excluded.push({ key: fieldName(field), reason });
    else if (handling?.kind === 'bins') binned.push(toBinned(row, field, handling.edges));
    else if (handling?.kind === 'buckets') compared.push({ ...row, distinct: handling.distinct });
    else if (row.distinct > mostCategories && numeric && !isIdKey(key)) {
      const own = !row.given && known.get(key)?.place === 'span';
      numbers.push({ field, key, own, spans: present });
    } else if (row.distinct > mostCategories && row.distinct === present && total > mostCategories) {
      excluded.push({ key: fieldName(field), reason: 'an id: every span has its own' });
    } else if (row.distinct > mostCategories && isTimestampText(row)) {
      excluded.push({ key: fieldName(field), reason: 'a timestamp' });
    } else compared.push(row);
  }
  for (const [name, handling] of handlings) {
    const field = handledField(name);
    const key = fieldName(field);
    const reason = exclusionOf(keyOf(field), box);
    if (reason !== undefined) excluded.push({ key, reason });
    else if (handling.kind === 'id') excluded.push({ key, reason: 'an id: nearly every span has its own' });
  }
  // Columns that are left out are not counted, so they have no row.
  for (const key of Object.keys(hotAttributes(population.scope))) {
    const reason = known.has(key) ? exclusionOf(key, box) : undefined;
    if (reason !== undefined) excluded.push({ key, reason });
  }
  for (const key of timeRollUps(rows, population, box)) {
    const reason = exclusionOf(key, box);
    if (reason === undefined) numbers.push({ field: { type: 'intrinsic', name: key }, key, own: false, spans: total });
    else excluded.push({ key, reason });
  }
  return { compared, binned, numbers: numbers.toSorted((left, right) => right.spans - left.spans) };
}

/** A number that was counted in bins at once: the values of its row are the places of the bins. */
function toBinned(row: CountedRow, field: Field, edges: number[]): BinnedNumber {
  const splits = Array.from({ length: edges.length + 1 }, () => ({ selected: 0, baseline: 0 }));
  for (const { value, selected, baseline } of row.supported ?? []) splits[Number(value)] = { selected, baseline };
  return { field, key: row.key, edges, splits };
}

/** Roll-ups that compare-values does not count: times spent in each service, and what columnsOf left out. */
function timeRollUps(rows: readonly CountedRow[], population: Population, box: Box): string[] {
  if (population.scope !== 'roots') return [];
  const services = rows.find((row) => row.given && row.key === 'trace.services');
  const names = (services?.frequent ?? []).flatMap(({ value }) => value?.split(', ') ?? []);
  const left = ['trace.slowest_statement', 'trace.slowest_statement_ms'].filter((key) => exclusionOf(key, box));
  return [...left, ...new Set(names.map((name) => `trace.service_ms.${name}`))];
}

function missing(splits: readonly Sides[], sides: Sides): Sides {
  return {
    selected: sides.selected - splits.reduce((sum, split) => sum + split.selected, 0),
    baseline: sides.baseline - splits.reduce((sum, split) => sum + split.baseline, 0),
  };
}

function categoricalCandidate(row: CountedRow, sides: Sides): Candidate {
  const { attribute, splits } = categories(row, fieldOf(row), sides);
  return {
    attribute,
    signature: `${row.distinct} ${row.selected} ${row.baseline} ${row.fingerprint}`,
    splits: splits.filter(({ value }) => value !== null),
    tests: row.tests + (row.selected + row.baseline < sides.selected + sides.baseline ? 1 : 0),
    standsOut: (tests) => standsOut(splits, sides, tests),
  };
}

/** Scores that differ by less than this differ by the order of additions. */
const sameScore = 1e-9;

/** What stands out first, then by score; of equals, values that have names before bins of numbers. */
function byEvidence(left: CompareAttribute, right: CompareAttribute): number {
  const significance = Number(right.significant) - Number(left.significant);
  if (significance !== 0) return significance;
  if (Math.abs(right.score - left.score) > sameScore) return right.score - left.score;
  if (left.kind !== right.kind) return left.kind === 'categories' ? -1 : 1;
  return left.key < right.key ? -1 : 1;
}

function rank(candidates: readonly Candidate[], limit: number, sides: Sides): CompareAttribute[] {
  const equal = Map.groupBy(candidates, ({ signature }) => signature);
  const tests = [...equal.values()].reduce((sum, [first]) => sum + (first?.tests ?? 0), 0);
  const groups = foldAlike([...equal.values()], (group) => (group[0] as Candidate).splits, sides);
  return groups
    .map((group) => {
      const [head, ...others] = group.flat().toSorted((left, right) => byReadability(left.attribute, right.attribute));
      const significant = group.flat().some((candidate) => candidate.standsOut(tests));
      return { ...(head as Candidate).attribute, same: others.map(({ attribute }) => attribute.key), significant };
    })
    .toSorted(byEvidence)
    .slice(0, limit);
}
