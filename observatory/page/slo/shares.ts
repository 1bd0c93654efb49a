import type { Percentiles } from '../../contract/contract.ts';

type Counted = Pick<Percentiles, 'times' | 'count'>;

/**
 * The share of bad spans in each step, null if there was no span. Pure.
 *
 * @returns null if the two are not about the same steps.
 */
export function sharesOf(all: Counted, bad: Counted): (number | null)[] | null {
  if (all.times[0] !== bad.times[0] || all.times.length !== bad.times.length) return null;
  return all.count.map((count, step) => (count === 0 ? null : Math.min(1, (bad.count[step] ?? 0) / count)));
}
