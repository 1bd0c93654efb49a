import { parseFilter } from '../../filter/parse.ts';
import { filterSql } from '../filter-sql.ts';
import { joinSql, sql } from '../sql.ts';
import type { Objective } from './objective.ts';
import { askRows, nanoseconds, populationSql, type Asking } from './population.ts';

/** What a window held. */
export interface Burn {
  /** Entry spans that count. */
  total: number;
  /** Bad ones of all; null without any. */
  badRatio: number | null;
  /** 1 spends the budget exactly by the end of the objective's window. Null without a span. */
  rate: number | null;
}

/**
 * How fast an objective's budget burned over each of some windows that end at `nowMs`.
 *
 * @returns by the window's length, milliseconds.
 * @throws FilterError if one of the objective's filters cannot be read.
 */
export async function askBurnRates(
  asking: Asking,
  objective: Objective,
  windowsMs: readonly number[],
  nowMs: number,
): Promise<ReadonlyMap<number, Burn>> {
  const longest = Math.max(...windowsMs);
  const { binder, where } = populationSql({
    fromMs: nowMs - longest,
    toMs: nowMs,
    scope: 'roots',
    filter: parseFilter(objective.filter),
  });
  const rows = await askRows<{ number: number; total: number; bad: number }>(asking, 'burn-rates', binder, {
    where,
    good: filterSql(parseFilter(objective.good), 'roots', binder),
    windows: joinSql(
      windowsMs.map((ms, index) => sql`(${binder.bind(index)}, ${binder.bind(nanoseconds(nowMs - ms))})`),
      sql`, `,
    ),
  });
  return new Map(
    rows.map(({ number, total, bad }) => {
      const badRatio = total === 0 ? null : bad / total;
      return [
        windowsMs[number] ?? 0,
        { total, badRatio, rate: badRatio === null ? null : badRatio / (1 - objective.objective) },
      ];
    }),
  );
}

/** The id of the trace that stands for the bad ones of a range of Unix milliseconds; undefined if there is none. */
export async function askBadExemplar(
  asking: Asking,
  { filter, good }: Objective,
  fromMs: number,
  toMs: number,
): Promise<string | undefined> {
  const { binder, where } = populationSql({ fromMs, toMs, scope: 'roots', filter: parseFilter(filter) });
  const [row] = await askRows<{ trace_id: string }>(asking, 'bad-exemplar', binder, {
    where,
    good: filterSql(parseFilter(good), 'roots', binder),
  });
  return row?.trace_id;
}
