import type { Point } from './api.ts';

/** Where the streets of the city run. Customers and drivers live where the data says; the streets are made up. */
export interface CityPlan {
  width: number;
  height: number;
  /** The x of each street that runs north–south, ascending. */
  verticals: readonly Street[];
  /** The y of each street that runs east–west, ascending. */
  horizontals: readonly Street[];
  /** Blocks that are parks: left, top, width, height. */
  parks: readonly Block[];
  /** The middle of the river, from edge to edge. */
  river: readonly Point[];
}

export interface Street {
  at: number;
  isAvenue: boolean;
}

export interface Block {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** About how far streets are from each other, in units of the city. */
const blockSize = 50;
/** How much nearer or farther a street may be, so that it looks grown rather than ruled. */
const unevenness = 11;
const avenueEvery = 4;

/** How many times their length the ways of cars are drawn: the next free car is 500 m away, in a city of 50 km. */
export const wayScale = 8;

/** The city's streets: the same ones every time, and about as many as people can tell apart. */
export function planCity({ width, height }: { width: number; height: number }): CityPlan {
  const verticals = streets(width, 1);
  const horizontals = streets(height, 2);
  return {
    width,
    height,
    verticals,
    horizontals,
    parks: blocksOf(verticals, horizontals).filter((_, index) => noise(index, 3) > 0.93),
    river: [-0.1, 0.12, 0.3, 0.5, 0.7, 0.9, 1.3].map((share, index) => ({
      x: share * width,
      y: (0.72 - 0.32 * share + 0.05 * Math.sin(index * 2.1)) * height,
    })),
  };
}

function streets(length: number, seed: number): Street[] {
  const count = Math.max(1, Math.round(length / blockSize));
  return Array.from({ length: count - 1 }, (_, index) => ({
    at: Math.round(((index + 1) * length) / count + unevenness * (2 * noise(index, seed) - 1)),
    isAvenue: index % avenueEvery === 1,
  }));
}

function blocksOf(verticals: readonly Street[], horizontals: readonly Street[]): Block[] {
  return horizontals.flatMap(({ at: y }, row) =>
    verticals.flatMap(({ at: x }, column) => {
      const [right, bottom] = [verticals[column + 1]?.at, horizontals[row + 1]?.at];
      return right === undefined || bottom === undefined ? [] : [{ x, y, width: right - x, height: bottom - y }];
    }),
  );
}

/** From 0 to 1, without a pattern that one could see, and the same every time. */
function noise(index: number, seed: number): number {
  const value = Math.sin(index * 12.9898 + seed * 78.233) * 43_758.5453;
  return value - Math.floor(value);
}

/**
 * A car's way on the plan: to its customer, from where its driver is, along streets alone. It begins `wayScale` times as
 * far away as the driver is, or at the edge of the city.
 *
 * @param route the way as the route service computed it; at least one point.
 */
export function wayOnStreets(plan: CityPlan, route: readonly Point[]): Point[] {
  const to = route.at(-1) ?? { x: 0, y: 0 };
  const driver = route[0] ?? to;
  const from = {
    x: clamp(to.x + wayScale * (driver.x - to.x), plan.width),
    y: clamp(to.y + wayScale * (driver.y - to.y), plan.height),
  };
  const across = nearest(plan.horizontals, from.y);
  const down = nearest(plan.verticals, to.x);
  const corners = [{ x: from.x, y: across }, { x: down, y: across }, { x: down, y: to.y }, to];
  return corners.filter((point, index) => {
    const before = corners[index - 1];
    return before === undefined || before.x !== point.x || before.y !== point.y;
  });
}

function nearest(among: readonly Street[], to: number): number {
  return among.reduce((best, { at }) => (Math.abs(at - to) < Math.abs(best - to) ? at : best), among[0]?.at ?? to);
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
