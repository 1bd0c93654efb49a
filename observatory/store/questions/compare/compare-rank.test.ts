import { describe, expect, it } from 'vitest';
import { chance, evidence, fewestTested, score, standsOut, supportOf, type Sides, type Split } from './compare-rank.ts';
import { seededRandom, traffic, type Dispatch } from '../../fixtures/hotrod-traffic.ts';

/** Counts the values of every attribute as categories; missing is a value. Durations and their parts are left out. */
function split(rows: readonly Dispatch[], isSelected: (row: Dispatch, index: number) => boolean) {
  const sides: Sides = { selected: 0, baseline: 0 };
  const keys = new Set(rows.flatMap((row) => Object.keys(row.attributes)));
  const counts = new Map<string, Map<string, Split>>();
  for (const [index, row] of rows.entries()) {
    const side = isSelected(row, index) ? 'selected' : 'baseline';
    sides[side] += 1;
    for (const key of keys) {
      if (/duration$|wait|location/.test(key)) continue;
      const value = String(row.attributes[key]);
      const values = counts.get(key) ?? new Map<string, Split>();
      const counted = values.get(value) ?? { selected: 0, baseline: 0 };
      counted[side] += 1;
      counts.set(key, values.set(value, counted));
    }
  }
  const attributes = [...counts].map(([key, values]) => ({ key, splits: [...values.values()] }));
  const tests = attributes
    .flatMap(({ splits }) => splits)
    .filter((each) => each.selected + each.baseline >= fewestTested).length;
  return attributes
    .map(({ key, splits }) => ({ key, score: score(splits, sides), significant: standsOut(splits, sides, tests) }))
    .toSorted((left, right) => right.score - left.score);
}

const customer = /^(hotrod\.customer\.(id|name)|url\.(full|query))$/;
const seeds = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('evidence', () => {
  it('is the difference of shares beyond what chance explains', () => {
    // p = 0.5, q = 0.05, p̂ = 196/2002, se = √(p̂(1 − p̂)(1/200 + 1/1800)) = 0.02215; 0.45 − 3.3 · 0.02215.
    const sides = { selected: 200, baseline: 1800 };
    const pooled = 191 / 2002;
    const error = Math.sqrt(pooled * (1 - pooled) * (1 / 200 + 1 / 1800));
    expect(evidence({ selected: 100, baseline: 90 }, sides)).toBeCloseTo(0.5 - 0.05 - 3.3 * error, 12);
    expect(evidence({ selected: 100, baseline: 90 }, sides)).toBeCloseTo(0.3777, 3);
    expect(evidence({ selected: 20, baseline: 180 }, sides)).toBe(0);
  });

  it('asks less of a small selection', () => {
    const of = (selected: number): number =>
      evidence({ selected: selected / 2, baseline: 0 }, { selected, baseline: 1000 });
    const strict = (n: number): number => {
      const pooled = (n / 2 + 1) / (n + 1002);
      return 0.5 - 3.3 * Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / 1000));
    };
    expect(of(50)).toBeCloseTo(strict(50), 12);
    expect(of(48)).toBeGreaterThan(strict(48));
  });

  it('needs support on the larger side: three spans, or one in a hundred', () => {
    expect([supportOf(10), supportOf(300), supportOf(5000)]).toEqual([3, 3, 50]);
    const sides = { selected: 10_000, baseline: 10_000 };
    expect(evidence({ selected: 99, baseline: 0 }, sides)).toBe(0);
    expect(evidence({ selected: 100, baseline: 0 }, sides)).toBeGreaterThan(0);
    expect(evidence({ selected: 2, baseline: 0 }, { selected: 2, baseline: 1000 })).toBe(0);
  });

  it('is nothing where a side is empty', () => {
    expect(evidence({ selected: 5, baseline: 0 }, { selected: 5, baseline: 0 })).toBe(0);
    expect(evidence({ selected: 0, baseline: 5 }, { selected: 0, baseline: 5 })).toBe(0);
  });
});

describe('the score', () => {
  it('finds one culprit value as well as twenty bad hosts of a hundred, and not unique ids', () => {
    const sides = { selected: 1000, baseline: 9000 };
    const one = [
      { selected: 900, baseline: 90 },
      ...Array.from({ length: 10 }, () => ({ selected: 10, baseline: 891 })),
    ];
    const hosts = Array.from({ length: 100 }, (_, host) =>
      host < 20 ? { selected: 50, baseline: 90 } : { selected: 0, baseline: 90 },
    );
    const ids = Array.from({ length: 10_000 }, (_, id) =>
      id < 1000 ? { selected: 1, baseline: 0 } : { selected: 0, baseline: 1 },
    );
    expect(score(one, sides)).toBeGreaterThan(0.8);
    expect(score(hosts, sides)).toBeGreaterThan(0.2);
    expect(score(ids, sides)).toBe(0);
  });

  it('counts "missing" as a value', () => {
    expect(
      score(
        [
          { selected: 0, baseline: 900 },
          { selected: 100, baseline: 0 },
        ],
        { selected: 100, baseline: 900 },
      ),
    ).toBeGreaterThan(0.8);
  });
});

describe('chance', () => {
  it('is the tail of the hypergeometric distribution', () => {
    // Of 4 spans 2 are selected and 2 have the value: both selected by chance in 1 of 6 cases.
    expect(chance({ selected: 2, baseline: 0 }, { selected: 2, baseline: 2 })).toBeCloseTo(1 / 6, 10);
    expect(chance({ selected: 0, baseline: 2 }, { selected: 2, baseline: 2 })).toBeCloseTo(1 / 6, 10);
    // 10 of 20 with the value, 5 of 20 selected, all 5 with it: C(10,5) / C(20,5).
    expect(chance({ selected: 5, baseline: 5 }, { selected: 5, baseline: 15 })).toBeCloseTo(252 / 15_504, 10);
    expect(chance({ selected: 50, baseline: 450 }, { selected: 1000, baseline: 9000 })).toBeGreaterThan(0.3);
    expect(chance({ selected: 900_000, baseline: 0 }, { selected: 1_000_000, baseline: 9_000_000 })).toBe(0);
    // Adding up all terms would take minutes.
    expect(chance({ selected: 4e9, baseline: 0 }, { selected: 8e9, baseline: 9e10 })).toBe(0);
  });
});

describe('in synthetic HotROD traffic', () => {
  it.each([
    [200, 100],
    [2000, 40],
  ])('the customer comes first at %i rides, in each of %i seeds', (rides, count) => {
    for (const seed of seeds(count)) {
      const [first] = split(traffic(seed, rides, true), (row) => row.durationMs >= 1800);
      expect([seed, first?.key]).toEqual([seed, expect.stringMatching(customer)]);
    }
  });

  it('stands out beyond chance at 2,000 rides, and nothing else does', () => {
    for (const seed of seeds(20)) {
      const ranked = split(traffic(seed, 2000, true), (row) => row.durationMs >= 1800);
      for (const { key, significant } of ranked)
        expect([seed, key, significant]).toEqual([seed, key, customer.test(key)]);
    }
  });

  it('finds nothing in 2,000 rides of which any tenth is selected', () => {
    for (const seed of seeds(60)) {
      const random = seededRandom(seed * 977);
      const found = split(traffic(seed, 2000, false), () => random() < 0.1).filter(({ significant }) => significant);
      expect([seed, found]).toEqual([seed, []]);
    }
  });
});
