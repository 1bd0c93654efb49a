/**
 * The straight line through points by least squares.
 *
 * @returns its slope and the standard error of that, which takes the points for independent of each other; NaN for fewer
 *   than three points.
 */
export function slopeOf(points: readonly { x: number; y: number }[]): { slope: number; error: number } {
  const count = points.length;
  if (count < 3) return { slope: Number.NaN, error: Number.NaN };
  const meanX = points.reduce((total, { x }) => total + x, 0) / count;
  const meanY = points.reduce((total, { y }) => total + y, 0) / count;
  const spread = points.reduce((total, { x }) => total + (x - meanX) ** 2, 0);
  const slope = points.reduce((total, { x, y }) => total + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce((total, { x, y }) => total + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (count - 2) / spread) };
}
