/** Guesses where the slow band begins, so that it can be selected without a mouse. Pure. */
import type { Heatmap } from '../../api/contract.ts';

/**
 * The duration (milliseconds) from which on a heatmap's spans look like a band of their own: the upper edge of the
 * widest run of nearly empty rows that has at least 1 % and at most 45 % of the spans above it. Null where there is
 * no such gap. A row is nearly empty below a twentieth of the mean of the rows that hold something.
 */
export function slowBandFrom(heatmap: Pick<Heatmap, 'cells' | 'edgesMs'>): number | null {
  const rows = Math.max(0, heatmap.edgesMs.length - 1);
  const counts = Array.from({ length: rows }, () => 0);
  for (const [, row, count] of heatmap.cells) counts[row] = (counts[row] ?? 0) + count;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const held = counts.filter((count) => count > 0).length;
  if (total < 10 || held < 2) return null;
  const thin = total / held / 20;
  let best: { width: number; edge: number } | null = null;
  let above = total;
  let width = 0;
  let seen = false;
  for (let row = 0; row < rows; row += 1) {
    const count = counts[row] ?? 0;
    if (count <= thin) {
      width += 1;
    } else {
      const share = above / total;
      if (seen && width > 0 && share >= 0.01 && share <= 0.45 && (best === null || width >= best.width)) {
        best = { width, edge: heatmap.edgesMs[row] ?? 0 };
      }
      seen = true;
      width = 0;
    }
    above -= count;
  }
  return best?.edge ?? null;
}
