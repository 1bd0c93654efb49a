import { describe, expect, it } from 'vitest';
import { planCity, wayOnStreets } from './city-plan.ts';

const plan = planCity({ width: 1000, height: 1000 });

describe('planCity', () => {
  it('draws the same streets every time, in order, without overlaps', () => {
    expect(planCity({ width: 1000, height: 1000 })).toEqual(plan);
    for (const streets of [plan.verticals, plan.horizontals]) {
      expect(streets.length).toBe(19);
      for (const [index, { at }] of streets.entries()) {
        expect(at - (streets[index - 1]?.at ?? 0)).toBeGreaterThan(20);
        expect(at).toBeLessThan(1000);
      }
      expect(streets.some(({ isAvenue }) => isAvenue)).toBe(true);
    }
    expect(plan.parks.length).toBeGreaterThan(3);
  });

  it('has a street even in a small city', () => {
    expect(
      wayOnStreets(planCity({ width: 10, height: 10 }), [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ]).at(-1),
    ).toEqual({
      x: 3,
      y: 4,
    });
  });
});

describe('wayOnStreets', () => {
  const isStreet = (among: readonly { at: number }[], at: number) => among.some((street) => street.at === at);

  it('leads to the customer along streets, from the side where the driver is', () => {
    const way = wayOnStreets(plan, [
      { x: 120, y: 270 },
      { x: 115, y: 270 },
      { x: 115, y: 277 },
    ]);
    expect(way.at(-1)).toEqual({ x: 115, y: 277 });
    const [first, second, third] = way;
    expect(first?.x).toBe(155); // 8 times as far as the driver, who is 5 to the right
    expect(isStreet(plan.horizontals, first?.y ?? 0)).toBe(true);
    expect(second?.y).toBe(first?.y);
    expect(isStreet(plan.verticals, second?.x ?? 0)).toBe(true);
    expect([third?.x, third?.y]).toEqual([second?.x, 277]);
  });

  it('stays in the city, and has no step of length zero', () => {
    const way = wayOnStreets(plan, [
      { x: 0, y: 0 },
      { x: 900, y: 0 },
      { x: 900, y: 900 },
    ]);
    for (const { x, y } of way) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(Math.max(x, y)).toBeLessThanOrEqual(1000);
    }
    const [street, cross] = [plan.verticals[3]?.at ?? 0, plan.horizontals[3]?.at ?? 0];
    expect(wayOnStreets(plan, [{ x: street, y: cross }])).toEqual([{ x: street, y: cross }]);
  });
});
