/** Guesses where the slow band begins, so that it can be selected without a mouse. Pure. */
import type { Heatmap } from '../../contract/contract.ts';

/**
 * If more than this part of all spans lies above the gap, the spans below it are the odd ones: page loads among rides,
 * for example.
 */
const mostOfAll = 0.8;
/** A band of fewer than half is preferred: of three bands the slow one is the uppermost. */
const preferred = 0.45;
/** Less than this part of all is a handful of strays. */
const leastOfAll = 0.01;
/** A band of most spans, or of few, needs a wide gap: its upper end is at least this many times its lower end. */
const wideGap = 1.4;
/** Fewer spans than this beside an empty gap are no band. */
const fewest = 4;
/** A valley holds at most this part of the lower of the two hills beside it. */
const depth = 1 / 3;
/** By how many standard deviations the upper hill must rise above the valley, so that it is not due to chance. */
const certainty = 2.8;

/**
 * The duration (milliseconds) from which on a heatmap's spans look like a band of their own: above the clearest gap
 * between two hills of their distribution, however many of the spans lie above it. Null if there is none.
 *
 * A gap and the hills beside it are windows of equally many rows; the number that shows the difference best is used. So
 * a few spans in the gap do no harm, and a few spans far above all others are no hill.
 */
export function slowBandFrom(heatmap: Pick<Heatmap, 'cells' | 'edgesMs'>): number | null {
  const rows = Math.max(0, heatmap.edgesMs.length - 1);
  const counts = Array.from({ length: rows }, () => 0);
  for (const [, row, count] of heatmap.cells) counts[row] = (counts[row] ?? 0) + count;
  const isWide = (from: number, to: number): boolean => widthOf(heatmap.edgesMs, from, to) >= wideGap;
  // A wide gap below most of the spans says more than a dent within them.
  const row =
    clearestGap(counts, preferred, isWide) ??
    clearestGap(counts, mostOfAll, isWide) ??
    clearestGap(counts, preferred, () => true) ??
    widestGap(counts, heatmap.edgesMs);
  return row === null ? null : (heatmap.edgesMs[row] ?? null);
}

/** The upper end of some rows as a multiple of their lower end. */
function widthOf(edgesMs: readonly number[], from: number, to: number): number {
  return (edgesMs[to] ?? 0) / Math.max(1e-6, edgesMs[from] ?? 0);
}

/**
 * The row that begins above the clearest gap, with at most `most` of all above it.
 *
 * @param isGap whether the rows from one to another (exclusive) may be the gap.
 */
function clearestGap(
  counts: readonly number[],
  most: number,
  isGap: (from: number, to: number) => boolean,
): number | null {
  const rows = counts.length;
  const below = [0];
  for (const count of counts) below.push((below.at(-1) ?? 0) + count);
  const sum = (from: number, to: number): number => (below[to] ?? 0) - (below[from] ?? 0);
  const total = sum(0, rows);

  let best: { row: number; certainty: number } | null = null;
  for (let width = 1; width <= rows / 3; width += 1) {
    const windows = Array.from({ length: rows - width + 1 }, (_, from) => sum(from, from + width));
    for (let from = width; from + 2 * width <= rows; from += 1) {
      if (!isGap(from, from + width)) continue;
      const valley = windows[from] ?? 0;
      const lower = Math.max(...windows.slice(0, from - width + 1));
      const upper = Math.max(...windows.slice(from + width));
      if (valley > depth * Math.min(lower, upper)) continue;
      const row = upperEnd(counts, from, from + width);
      const share = sum(row, rows) / total;
      if (share < leastOfAll || share > most) continue;
      const found = (upper - valley) / Math.sqrt(upper + valley);
      // Of equally clear gaps the highest is taken: the band begins where the spans do, not somewhere in the gap.
      if (found >= (best?.certainty ?? certainty)) best = { row, certainty: found };
    }
  }
  return best === null ? null : best.row;
}

/** The row above the widest empty gap, for spans that are too few to form hills. */
function widestGap(counts: readonly number[], edgesMs: readonly number[]): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let best: { row: number; width: number } | null = null;
  let below = 0;
  let empty = 0;
  for (const [row, count] of counts.entries()) {
    const above = total - below;
    const width = widthOf(edgesMs, row - empty, row);
    const isBand = Math.min(below, above) >= fewest && above >= leastOfAll * total && above <= mostOfAll * total;
    if (count > 0 && empty > 0 && isBand && width >= wideGap && width > (best?.width ?? 0)) best = { row, width };
    below += count;
    empty = count === 0 ? empty + 1 : 0;
  }
  return best === null ? null : best.row;
}

/** The upper end of the longest run of the emptiest rows of a window: its own ends may reach into the hills. */
function upperEnd(counts: readonly number[], from: number, to: number): number {
  const window = counts.slice(from, to);
  const least = Math.min(...window);
  let run = 0;
  let longest = { length: 0, end: to };
  window.forEach((count, index) => {
    run = count === least ? run + 1 : 0;
    if (run > 0 && run >= longest.length) longest = { length: run, end: from + index + 1 };
  });
  return longest.end;
}
