import { createSeededRandom } from '@hotrod/kit/random';
import { describe, expect, it } from 'vitest';

import { computeRoute } from './compute-route.ts';

describe('computeRoute', () => {
  it('goes along the streets: the Manhattan distance, 50 metres a unit, at the given speed', () => {
    expect(computeRoute({ x: 100, y: 200 }, { x: 103, y: 196 }, 5)).toEqual({
      distanceMeters: 350,
      etaSeconds: 70,
      path: [
        { x: 100, y: 200 },
        { x: 103, y: 200 },
        { x: 103, y: 196 },
      ],
    });
  });

  it('is as long in both directions, and never shorter than the straight line', () => {
    const random = createSeededRandom(5);
    const point = () => ({ x: random() * 1000, y: random() * 1000 });
    for (let pair = 0; pair < 200; pair += 1) {
      const [from, to] = [point(), point()];
      const there = computeRoute(from, to, 12);
      expect(computeRoute(to, from, 12).distanceMeters).toBe(there.distanceMeters);
      expect(there.distanceMeters).toBeGreaterThanOrEqual(Math.hypot(from.x - to.x, from.y - to.y) * 50 - 1);
      expect(there.path.at(0)).toEqual(from);
      expect(there.path.at(-1)).toEqual(to);
    }
  });

  it('goes straight along one street, one turn at a time', () => {
    const { path } = computeRoute({ x: 900, y: 10 }, { x: 20, y: 700 }, 10);
    for (const [index, corner] of path.entries()) {
      const next = path[index + 1];
      if (next) expect(corner.x === next.x || corner.y === next.y).toBe(true);
    }
  });

  it('takes half as long at twice the speed', () => {
    const [from, to] = [
      { x: 0, y: 0 },
      { x: 100, y: 100 },
    ];
    expect(computeRoute(from, to, 20).etaSeconds * 2).toBe(computeRoute(from, to, 10).etaSeconds);
  });

  it('is zero to the same place', () => {
    expect(computeRoute({ x: 5, y: 5 }, { x: 5, y: 5 }, 10)).toMatchObject({ distanceMeters: 0, etaSeconds: 0 });
  });
});
