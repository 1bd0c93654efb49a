import { describe, expect, it } from 'vitest';

import { createSeededRandom, sampleNormal } from './random.ts';

const draws = 20_000;
const sample = (seed: number, mean: number, deviation: number) => {
  const random = createSeededRandom(seed);
  return Array.from({ length: draws }, () => sampleNormal(random, mean, deviation));
};
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviationOf = (values: readonly number[]) => {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
};

describe('createSeededRandom', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const take = (seed: number) => Array.from({ length: 5 }, createSeededRandom(seed));
    expect(take(7)).toEqual(take(7));
    expect(take(7)).not.toEqual(take(8));
  });

  it.each([0, 1, -1, 2 ** 31, 12345.678])('is uniform in [0, 1) from seed %d', (seed) => {
    const random = createSeededRandom(seed);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < draws; draw += 1) {
      const tenth = Math.floor(random() * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(tenths).toHaveLength(10); // a value below 0 or from 1 on would have made a place of its own
    expect(Object.keys(tenths)).toHaveLength(10);
    // Chi-squared with 9 degrees of freedom stays below 33.7 in 9,999 of 10,000 samples.
    const expected = draws / 10;
    const chiSquared = tenths.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(33.7);
  });
});

describe('sampleNormal', () => {
  it.each([
    [400, 40],
    [50, 12.5],
    [10, 2.5],
  ])('has the mean %d and the deviation %d', (mean, deviation) => {
    const values = sample(42, mean, deviation);
    // Five standard errors: of a mean it is σ/√n, of a deviation σ/√(2n).
    expect(Math.abs(meanOf(values) - mean)).toBeLessThan((5 * deviation) / Math.sqrt(draws));
    expect(Math.abs(deviationOf(values) - deviation)).toBeLessThan((5 * deviation) / Math.sqrt(2 * draws));
    const within = values.filter((value) => Math.abs(value - mean) < deviation).length / draws;
    expect(within).toBeCloseTo(0.6827, 1);
  });

  it('is never below zero, however wide', () => {
    const values = sample(1, 1, 100);
    expect(Math.min(...values)).toBe(0);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it('is the mean itself without a deviation, and asks for no random number', () => {
    const never = () => {
      throw new Error('asked');
    };
    expect(sampleNormal(never, 30, 0)).toBe(30);
    expect(sampleNormal(never, 0, 0)).toBe(0);
  });

  it('handles the extremes of its source', () => {
    for (const extreme of [0, 1 - 2 ** -32]) {
      const value = sampleNormal(() => extreme, 100, 10);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(value)).toBe(true);
    }
  });
});
