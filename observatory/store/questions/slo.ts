import type { SloStatus } from '../../contract/contract.ts';
import { parseFilter } from '../../filter/parse.ts';
import { filterSql } from '../filter-sql.ts';
import type { Objective } from './objective.ts';
import { askRows, nanoseconds, populationSql, type Asking } from './population.ts';

interface Counts {
  total: number;
  bad: number;
  total_1h: number;
  bad_1h: number;
  total_5m: number;
  bad_5m: number;
}

/** How fast bad spans spend the budget: 1 uses it up exactly by the window's end. Null without a span. */
function burnRate(bad: number, total: number, objective: number): number | null {
  return total === 0 ? null : bad / total / (1 - objective);
}

/**
 * How an objective stands at `nowMs`.
 * @throws FilterError if one of its filters cannot be read.
 */
export async function askSlo(asking: Asking, objective: Objective, nowMs: number): Promise<Omit<SloStatus, 'alerts'>> {
  const { binder, where } = populationSql({
    fromMs: nowMs - objective.windowMs,
    toMs: nowMs,
    scope: 'roots',
    filter: parseFilter(objective.filter),
  });
  const [counts] = await askRows<Counts>(asking, 'slo', binder, {
    where,
    good: filterSql(parseFilter(objective.good), 'roots', binder),
    last_hour: binder.bind(nanoseconds(nowMs - 3_600_000)),
    last_minutes: binder.bind(nanoseconds(nowMs - 300_000)),
  });
  const { total, bad, total_1h, bad_1h, total_5m, bad_5m } = counts ?? {
    total: 0,
    bad: 0,
    total_1h: 0,
    bad_1h: 0,
    total_5m: 0,
    bad_5m: 0,
  };
  const spent = burnRate(bad, total, objective.objective);
  return {
    name: objective.name,
    description: objective.description,
    filter: objective.filter,
    good: objective.good,
    objective: objective.objective,
    windowMs: objective.windowMs,
    total,
    bad,
    attained: total === 0 ? null : 1 - bad / total,
    budgetLeft: spent === null ? null : 1 - spent,
    burnRate5m: burnRate(bad_5m, total_5m, objective.objective),
    burnRate1h: burnRate(bad_1h, total_1h, objective.objective),
  };
}
