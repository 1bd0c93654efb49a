import { describe, expect, it } from 'vitest';

import { createRandom, type Statistic, testBlocks, varianceInflation } from './block-permutation.ts';

const first = (count: number, of: number) => Array.from({ length: of }, (_, block) => block < count);
const statistic = (scores: number[], family = 'a'): Statistic => ({
  family,
  scores: Float64Array.from(scores),
  inflation: 1,
});

describe('testBlocks', () => {
  it('finds the exact chance of the most extreme draw', () => {
    // One of the C(8, 2) = 28 draws of two blocks has both of the high ones; none is as far on the other side.
    const [tested] = testBlocks(first(2, 8), [statistic([3, 3, -1, -1, -1, -1, -1, -1])]);
    expect(tested?.p).toBeCloseTo(1 / 28, 2);
    expect(tested?.z).toBeGreaterThan(2);
  });

  it('distinguishes both directions by the sign, with one probability', () => {
    const up = testBlocks(first(2, 8), [statistic([3, 3, -1, -1, -1, -1, -1, -1])])[0];
    const down = testBlocks(first(2, 8), [statistic([-3, -3, 1, 1, 1, 1, 1, 1])])[0];
    expect(down?.z).toBeCloseTo(-(up?.z ?? 0), 10);
    expect(down?.p).toBe(up?.p);
  });

  it('is the same whichever of the releases has more blocks', () => {
    const scores = [3, 3, -1, -1, -1, -1, -1, -1];
    const some = testBlocks(first(2, 8), [statistic(scores)])[0];
    const others = testBlocks(
      first(2, 8).map((each) => !each),
      [statistic(scores)],
    )[0];
    expect(others?.z).toBeCloseTo(-(some?.z ?? 0), 10);
    expect(others?.p).toBeCloseTo(some?.p ?? 0, 2);
  });

  it('corrects a statistic for every other one of its family, and for none of another', () => {
    const random = createRandom(7);
    const noise = () => {
      const scores = Array.from({ length: 40 }, () => random() - 0.5);
      const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
      return scores.map((score) => score - mean);
    };
    const own = [...Array.from({ length: 8 }, () => 1), ...Array.from({ length: 32 }, () => -0.25)].map(
      (score) => score + (random() - 0.5) * 3,
    );
    const centred = own.map((score) => score - own.reduce((sum, each) => sum + each, 0) / own.length);
    const alone = testBlocks(first(8, 40), [statistic(centred)])[0]?.p ?? 0;
    const noises = Array.from({ length: 60 }, noise);
    const among = testBlocks(first(8, 40), [statistic(centred), ...noises.map((scores) => statistic(scores))])[0]?.p;
    const apart = testBlocks(first(8, 40), [statistic(centred), ...noises.map((scores) => statistic(scores, 'b'))])[0]
      ?.p;
    expect(among).toBeGreaterThan(alone * 5);
    expect(apart).toBeCloseTo(alone, 2);
  });

  it('reports no difference when blocks hold no data', () => {
    expect(testBlocks(first(2, 8), [statistic([0, 0, 0, 0, 0, 0, 0, 0])])).toEqual([{ z: 0, p: 1 }]);
  });

  it('gives the same answer to the same evidence', () => {
    const scores = [2, 1, 0.5, -1, -1, -0.5, -0.5, -0.5];
    expect(testBlocks(first(3, 8), [statistic(scores)])).toEqual(testBlocks(first(3, 8), [statistic(scores)]));
  });
});

describe('varianceInflation', () => {
  const series = (kept: number) => {
    const random = createRandom(3);
    let level = 0;
    return Array.from({ length: 20_000 }, () => (level = kept * level + random() - 0.5));
  };

  it('is 1 when neighbours are independent', () => {
    expect(varianceInflation([series(0)], 12)).toBeLessThan(1.15);
  });

  it('is what theory says of an autoregressive process', () => {
    // 1 + 2 Σ (1 − l/12) 0.6^l for l = 1 … 11.
    const theory =
      1 + 2 * Array.from({ length: 11 }, (_, l) => (1 - (l + 1) / 12) * 0.6 ** (l + 1)).reduce((a, b) => a + b);
    expect(varianceInflation([series(0.6)], 12)).toBeCloseTo(theory, 0);
  });

  it('is never below 1, and skips blocks that are missing', () => {
    expect(varianceInflation([[1, -1, 1, -1, undefined, 1, -1]], 4)).toBe(1);
    expect(varianceInflation([[undefined, undefined]], 4)).toBe(1);
  });
});
