import type { Point } from './api.ts';

/** Where a car stands on its way: the place, the way it looks (degrees, 0 = along x, clockwise), the way to go. */
export interface Progress {
  at: Point;
  heading: number;
  /** From the car to the end, both included. */
  ahead: Point[];
}

/** Length of a polyline, in the units of its points. */
export function lengthOf(points: readonly Point[]): number {
  let length = 0;
  for (const [index, point] of points.entries()) {
    const before = points[index - 1];
    if (before) length += Math.hypot(point.x - before.x, point.y - before.y);
  }
  return length;
}

/**
 * The place, direction and remaining way after a share of a polyline's length.
 *
 * @param points at least one point.
 * @param share 0 at the first point, 1 at the last; outside of that, the nearer end.
 */
export function progressOn(points: readonly Point[], share: number): Progress {
  const first = points[0] ?? { x: 0, y: 0 };
  let left = Math.min(1, Math.max(0, share)) * lengthOf(points);
  let from = first;
  let heading = 0;
  for (const [index, to] of points.entries()) {
    if (index === 0) continue;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    // A route may hold the same point twice; a step of no length has no direction.
    if (length > 0) heading = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI;
    if (left < length) {
      const part = left / length;
      const at = { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
      return { at, heading, ahead: [at, ...points.slice(index)] };
    }
    left -= length;
    from = to;
  }
  return { at: from, heading, ahead: [from] };
}

/**
 * A drive along a polyline as frames of an animation: two at each corner, so that the car turns there and nowhere else.
 *
 * @returns for each frame the place, the way it looks (as {@link Progress}), and the share of the drive that is behind it.
 */
export function framesOf(points: readonly Point[]): { at: Point; heading: number; offset: number }[] {
  const total = lengthOf(points);
  let driven = 0;
  const frames = points.slice(1).flatMap((to, index) => {
    const from = points[index] ?? to;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    if (length === 0) return [];
    const heading = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI;
    const before = driven;
    driven += length;
    return [
      { at: from, heading, offset: before / total },
      { at: to, heading, offset: Math.min(1, driven / total) },
    ];
  });
  const [only] = points;
  return frames.length === 0 && only ? [{ at: only, heading: 0, offset: 0 }] : frames;
}

/** The square with the points in its middle and a third of room around them. @param smallest its least side */
export function squareAround(points: readonly Point[], smallest: number): { left: number; top: number; side: number } {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const side = Math.max(smallest, 1.6 * Math.max(right - left, bottom - top));
  return { left: (left + right - side) / 2, top: (top + bottom - side) / 2, side };
}

/** The points in the form of SVG's `points` attribute, to a tenth of a unit. */
export function svgPoints(points: readonly Point[]): string {
  return points.map(({ x, y }) => `${round(x)},${round(y)}`).join(' ');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
