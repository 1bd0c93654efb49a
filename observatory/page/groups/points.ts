/** How finely lines over time are drawn. Pure. */
import type { Breakdown } from '../../contract/contract.ts';
import { linesShown } from './line-style.ts';

const choices = [120, 60, 30, 20];
const fewest = 20;
/** Fewer spans than this in a step make a median jump between them, and leave steps without any. */
const spansAPoint = 2;
/**
 * The present choice is kept while there are up to this many times too few spans for it, so that live counts do not
 * switch it back and forth.
 */
const slack = 1.25;

/**
 * How many points the lines of an answer should have: few if its groups have few spans. A quarter of them may have
 * fewer than they should, so that one odd group does not coarsen all.
 *
 * @param now how many they have.
 */
export function pointsFor(found: Breakdown | null, now = 120): number {
  const counts = found?.groups.slice(0, linesShown).map(({ count }) => count) ?? [];
  const rare = counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 4)];
  if (rare === undefined) return now;
  return choices.find((points) => points * spansAPoint <= rare * (points === now ? slack : 1)) ?? fewest;
}
