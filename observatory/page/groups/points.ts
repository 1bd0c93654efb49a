/** How finely lines over time are drawn. Pure. */
import type { Breakdown } from '../../api/contract.ts';
import { linesShown } from './line-style.ts';

const choices = [120, 60, 30, 20];
const fewest = 20;
/** Fewer spans than this in a step make a median jump between them, and leave steps without any. */
const spansAPoint = 2;

/** How many points the lines of an answer should have: few where the rarest of its groups has few spans. */
export function pointsFor(found: Breakdown | null): number {
  if (found === null) return choices[0] ?? fewest;
  const rarest = Math.min(...found.groups.slice(0, linesShown).map(({ count }) => count));
  return choices.find((points) => points * spansAPoint <= rarest) ?? fewest;
}
