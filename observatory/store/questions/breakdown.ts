import type { Breakdown, BreakdownGroup, Measure } from '../../contract/contract.ts';
import type { Field } from '../../filter/ast.ts';
import { fieldName } from '../../filter/print.ts';
import { fieldText } from '../filter-sql.ts';
import { sql, type Sql } from '../sql.ts';
import { askRows, nanoseconds, populationSql, type Asking, type Population } from './population.ts';
import { stepNanoseconds, stepStarts, timeSteps } from './time-steps.ts';
import { longestValue, shownValue, valueFilter } from './values.ts';

export interface BreakdownQuestion extends Population {
  /** One or two. */
  by: readonly [Field, Field?];
  sort: Measure;
  limit: number;
  /** How many groups get a line over time. */
  series: number;
  measure: Measure;
  /** How many points a line over time has at most. */
  points: number;
}

/** What groups are ordered by: expressions on the row of a group. */
const sorts: Readonly<Record<Measure, Sql>> = {
  count: sql`count`,
  errorRate: sql`error_rate`,
  p50: sql`quantiles[1]`,
  p95: sql`quantiles[2]`,
  p99: sql`quantiles[3]`,
  max: sql`max_ms`,
};

/** What a line over time shows: expressions over the spans of a step. */
const measures: Readonly<Record<Measure, Sql>> = {
  count: sql`count(*)`,
  errorRate: sql`count_if(member.error) / count(*)`,
  p50: sql`quantile_cont(member.duration_ns, 0.5) / 1e6`,
  p95: sql`quantile_cont(member.duration_ns, 0.95) / 1e6`,
  p99: sql`quantile_cont(member.duration_ns, 0.99) / 1e6`,
  max: sql`max(member.duration_ns) / 1e6`,
};

interface Group {
  first: string | null;
  second: string | null;
  first_digest: string | null;
  second_digest: string | null;
  count: number;
  errors: number;
  error_rate: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
  max_ms: number;
  total_groups: number;
  total: number;
}

function groupSql(question: BreakdownQuestion) {
  const { binder, view, where } = populationSql(question);
  const [first, second] = question.by;
  return {
    binder,
    fragments: {
      view,
      where,
      first: fieldText(first, question.scope, binder),
      second: second === undefined ? sql`NULL::VARCHAR` : fieldText(second, question.scope, binder),
      sort: sorts[question.sort],
    },
  };
}

/**
 * Groups a population by one or two attributes; a missing value is a group of its own. Percentiles interpolate.
 * The first `series` groups also tell `measure` over time.
 */
export async function askBreakdown(asking: Asking, question: BreakdownQuestion): Promise<Breakdown> {
  const { binder, fragments } = groupSql(question);
  const rows = await askRows<Group>(asking, 'breakdown', binder, {
    ...fragments,
    longest: binder.bind(longestValue),
    limit: binder.bind(question.limit),
  });
  const groups = rows.map((row) => toGroup(question.by, row));
  const [head] = rows;
  const result: Breakdown = {
    by: question.by.filter((field) => field !== undefined).map(fieldName),
    groups,
    totalGroups: head?.total_groups ?? 0,
    total: head?.total ?? 0,
    measure: question.measure,
    times: [],
    stepMs: 0,
  };
  if (question.series === 0) return result;
  const { stepMs, count } = timeSteps(question.fromMs, question.toMs, question.points);
  await addSeries(asking, question, groups, stepMs, count);
  return { ...result, times: stepStarts(question.fromMs, stepMs, count), stepMs };
}

function toGroup(by: BreakdownQuestion['by'], row: Group): BreakdownGroup {
  const values = [shownValue(row.first, row.first_digest)];
  const filters = [valueFilter(by[0], row.first, row.first_digest)];
  if (by[1] !== undefined) {
    values.push(shownValue(row.second, row.second_digest));
    filters.push(valueFilter(by[1], row.second, row.second_digest));
  }
  return {
    values,
    filter: filters.join(' and '),
    count: row.count,
    errors: row.errors,
    errorRate: row.error_rate,
    p50Ms: row.p50_ms,
    p95Ms: row.p95_ms,
    p99Ms: row.p99_ms,
    maxMs: row.max_ms,
  };
}

async function addSeries(
  asking: Asking,
  question: BreakdownQuestion,
  groups: BreakdownGroup[],
  stepMs: number,
  count: number,
): Promise<void> {
  const { binder, fragments } = groupSql(question);
  // Percentiles are calculated for every group only if the order needs them.
  const needed = ['p50', 'p95', 'p99'].includes(question.sort);
  const points = await askRows<{ place: number; step: number; value: number }>(asking, 'breakdown-series', binder, {
    ...fragments,
    quantiles: needed ? sql`quantile_cont(duration_ns, [0.5, 0.95, 0.99])` : sql`NULL`,
    measure: measures[question.measure],
    series: binder.bind(Math.min(question.series, question.limit)),
    from: binder.bind(nanoseconds(question.fromMs)),
    step: binder.bind(stepNanoseconds(stepMs)),
  });
  for (const group of groups.slice(0, question.series)) {
    group.series = Array.from({ length: count }, () => (question.measure === 'count' ? 0 : null));
  }
  for (const point of points) {
    const series = groups[point.place]?.series;
    if (series && point.step < count) series[point.step] = point.value;
  }
}
