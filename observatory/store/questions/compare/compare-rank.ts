/**
 * Which attributes explain a selection: scores by evidence, without sampling and without rules by name.
 * The formula is explained in docs/ranking.md.
 */

/** How often a value occurs on the two sides. */
export interface Split {
  selected: number;
  baseline: number;
}

/** How many spans the two sides have. */
export type Sides = Split;

/** Below this size of the selection a smaller z is used. Otherwise nothing could ever be found. */
const smallSelection = 50;
const zSmall = 2.6;
const Z = 3.3;

/** The fewest spans of the larger side that a value needs, so that one odd span is no evidence. */
export function supportOf(side: number): number {
  return Math.max(3, side * 0.01);
}

/**
 * Evidence that a value is more frequent on one side than on the other: by how much the shares differ beyond what
 * chance explains. 0 if chance may explain it, or if the larger share counts too few spans; at most 1.
 *
 * e = max(0, |p − q| − z·se), se = √(p̂(1 − p̂)(1/n + 1/m)), p̂ = (s + b + 1)/(n + m + 2).
 */
export function evidence(split: Split, sides: Sides): number {
  const { selected: n, baseline: m } = sides;
  if (n === 0 || m === 0) return 0;
  const p = split.selected / n;
  const q = split.baseline / m;
  const supported = p > q ? split.selected >= supportOf(n) : split.baseline >= supportOf(m);
  if (!supported) return 0;
  const pooled = (split.selected + split.baseline + 1) / (n + m + 2);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
  return Math.max(0, Math.abs(p - q) - (n < smallSelection ? zSmall : Z) * error);
}

/**
 * The score of an attribute: evidence added up over the values that are more frequent in the selection, or over those
 * that are less, whichever is more. Missing is one of the values. 0 to 1.
 */
export function score(splits: readonly Split[], sides: Sides): number {
  let more = 0;
  let less = 0;
  for (const split of splits) {
    const weight = evidence(split, sides);
    if (split.selected * sides.baseline > split.baseline * sides.selected) more += weight;
    else less += weight;
  }
  return Math.max(more, less);
}

/** Natural logarithms of factorials, grown as they are needed. */
const logFactorials = [0];
function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n && i <= 10_000; i += 1) {
    logFactorials.push((logFactorials[i - 1] ?? 0) + Math.log(i));
  }
  const known = logFactorials[n];
  // Stirling's series; its next term is below 1e-17 from here on.
  return known ?? n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3);
}
function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/**
 * How likely chance alone puts at least so many (or, for a value rarer in the selection, at most so few) of a value's
 * spans into the selection: the tail of the hypergeometric distribution (Fisher's exact test, one side).
 */
export function chance(split: Split, sides: Sides): number {
  const { selected: n, baseline: m } = sides;
  const count = split.selected + split.baseline;
  const more = split.selected * m > split.baseline * n;
  const step = more ? 1 : -1;
  const last = more ? Math.min(n, count) : Math.max(0, count - m);
  const whole = logChoose(n + m, count);
  let tail = 0;
  for (let k = split.selected; more ? k <= last : k >= last; k += step) {
    const term = Math.exp(logChoose(n, k) + logChoose(m, count - k) - whole);
    tail += term;
    // The terms fall faster and faster from here: the rest no longer counts. Nor does it if the first term is too small
    // for a number and the sum is 0.
    if (term <= tail * 1e-9) break;
  }
  return Math.min(1, tail);
}

/** How often a comparison may find a difference when there is none, with all its values taken together. */
const falseAlarms = 0.001;

/**
 * Whether an attribute stands out beyond what chance does among `tests` values that were looked at (Bonferroni).
 */
export function standsOut(splits: readonly Split[], sides: Sides, tests: number): boolean {
  return splits.some((split) => evidence(split, sides) > 0 && chance(split, sides) * tests <= falseAlarms);
}

/** A value of fewer spans than this cannot be evidence, however they are split: it is not counted as looked at. */
export const fewestTested = 3;
