import type { Scale } from '../../contract/contract.ts';

/** The largest of 1, 2 and 5 times a power of ten that is not above `value` (which is positive). */
function niceBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const nice = [5, 2, 1].find((factor) => factor * power <= value) ?? 1;
  return nice * power;
}

/** The smallest of 1, 2 and 5 times a power of ten that is above `value` (which is positive). */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice > value) ?? 10 * power;
}

/** The latest boundary, as the API takes it in milliseconds: later ones have no nanoseconds in 64 bits. */
const highest = 9_223_372_036_854 * 1e6;

/**
 * A few spans are left to the last row of a log scale if they exceed its end this many times: nearer ones have room on
 * the scale.
 */
const farBeyond = 10;

/**
 * The boundaries of a heatmap's rows, ascending whole nanoseconds, one more than rows. All durations lie below the last
 * one, except those of 292 years, which come from a broken clock and count in the last row. Durations below the first
 * one (0 on a log scale) count in the first row. The ends are 1, 2 or 5 times a power of ten, so that they stay while
 * new spans of like latency arrive; a log scale spans at least a decade.
 *
 * @param usualLongestNs the longest duration, except for a few spans. If those few are far longer, the scale ends above
 *   the usual ones, and only its last row reaches up to them. Otherwise one trace of ten seconds would press all others
 *   to the bottom of a linear scale, and a pipeline run of two minutes would press the bands of rides into stripes of a
 *   log scale.
 */
export function latencyEdges(
  scale: Scale,
  shortestNs: number,
  longestNs: number,
  rows: number,
  usualLongestNs = longestNs,
): number[] {
  // Durations below ten microseconds are not told apart.
  const longest = Math.max(longestNs, 9999);
  const high = Math.min(niceAbove(longest), highest);
  const end = Math.min(niceAbove(Math.max(usualLongestNs, 9999)), highest);
  if (scale === 'linear') {
    if (rows === 1 || longest < 2 * end) return ascending(rows, (index) => (high * index) / rows);
    return ascending(rows, (index) => (index === rows ? high : (end * index) / (rows - 1)));
  }
  const lowBelow = (top: number) => Math.max(1000, Math.min(niceBelow(Math.max(shortestNs, 1)), top / 10));
  if (rows > 1 && longest >= farBeyond * end) {
    const low = lowBelow(end);
    return ascending(rows, (index) => (index === rows ? high : low * (end / low) ** (index / (rows - 1))));
  }
  const low = lowBelow(high);
  return ascending(rows, (index) => low * (high / low) ** (index / rows));
}

/** Rounds to whole nanoseconds and keeps each boundary above the one before. */
function ascending(rows: number, edge: (index: number) => number): number[] {
  const edges: number[] = [];
  for (let index = 0; index <= rows; index += 1) {
    edges.push(Math.max(Math.round(edge(index)), (edges.at(-1) ?? -1) + 1));
  }
  return edges;
}
