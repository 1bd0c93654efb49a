/** Guesses where the slow band begins, so that it can be selected without a mouse. Pure. */
import type { Heatmap } from '../../contract/contract.ts';

/** More than this part of all is no band of slow ones; less than that is a handful of strays. */
const mostOfAll = 0.45;
const leastOfAll = 0.01;
/** How much emptier than the hills on both sides a valley is: a third at most. */
const depth = 1 / 3;
/** How many standard deviations the upper hill stands out of the valley: chance alone does not make such a one. */
const certainty = 2.8;

/**
 * The duration (milliseconds) from which on a heatmap's spans look like a band of their own: above the clearest valley
 * between two hills of their distribution. Null where there is none.
 *
 * A valley and the hills are windows of equally many rows, whatever number shows the difference best: so a few spans in
 * the valley do no harm, and a few far above all others are no hill.
 */
export function slowBandFrom(heatmap: Pick<Heatmap, 'cells' | 'edgesMs'>): number | null {
  const rows = Math.max(0, heatmap.edgesMs.length - 1);
  const counts = Array.from({ length: rows }, () => 0);
  for (const [, row, count] of heatmap.cells) counts[row] = (counts[row] ?? 0) + count;
  const below = [0];
  for (const count of counts) below.push((below.at(-1) ?? 0) + count);
  const sum = (from: number, to: number): number => (below[to] ?? 0) - (below[from] ?? 0);
  const total = sum(0, rows);

  let best: { row: number; certainty: number } | null = null;
  for (let width = 1; width <= rows / 3; width += 1) {
    const windows = Array.from({ length: rows - width + 1 }, (_, from) => sum(from, from + width));
    for (let from = width; from + 2 * width <= rows; from += 1) {
      const valley = windows[from] ?? 0;
      const lower = Math.max(...windows.slice(0, from - width + 1));
      const upper = Math.max(...windows.slice(from + width));
      if (valley > depth * Math.min(lower, upper)) continue;
      const row = upperEnd(counts, from, from + width);
      const share = sum(row, rows) / total;
      if (share < leastOfAll || share > mostOfAll) continue;
      const found = (upper - valley) / Math.sqrt(upper + valley);
      // Of equals the highest: the band begins where the spans do, not somewhere in the gap.
      if (found >= (best?.certainty ?? certainty)) best = { row, certainty: found };
    }
  }
  return best === null ? null : (heatmap.edgesMs[best.row] ?? null);
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
