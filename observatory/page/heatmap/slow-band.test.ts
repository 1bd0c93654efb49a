import { describe, expect, test } from 'vitest';
import { seededRandom, traffic } from '../../store/fixtures/hotrod-traffic.ts';
import { slowBandFrom } from './slow-band.ts';

const seeds = Array.from({ length: 30 }, (_, index) => index + 1);

type Drawn = Parameters<typeof slowBandFrom>[0];

/** A heatmap of one column: how many of the durations (ms) lie in each of 44 rows between two ends. */
function drawn(durations: readonly number[], scale: 'log' | 'linear', low: number, high: number): Drawn {
  const rows = 44;
  const edgesMs = Array.from({ length: rows + 1 }, (_, row) =>
    scale === 'log' ? low * (high / low) ** (row / rows) : (high * row) / rows,
  );
  const counts = Array.from({ length: rows }, () => 0);
  for (const ms of durations) {
    const row = Math.max(
      0,
      edgesMs.findLastIndex((edge) => edge <= ms),
    );
    counts[row] = (counts[row] ?? 0) + 1;
  }
  return { edgesMs, cells: counts.map((count, row) => [0, row, count, 0, 0]) };
}

/** Rides under a load that comes in waves: in a fifth of the time they wait for each other, up to half as long again. */
function rides(seed: number, count: number, bug: boolean): number[] {
  const random = seededRandom(seed);
  return traffic(seed, count, bug).map(
    ({ durationMs }, index) => durationMs * (index % 50 < 10 ? 1 + 0.5 * random() : 1),
  );
}

describe('with two slow customers', () => {
  /** Between the bands: above nearly all that are quick, below the middle of those that are slow. */
  const found = (heatmap: Drawn): boolean => {
    const from = slowBandFrom(heatmap);
    return from !== null && from > 1300 && from < 2450;
  };

  test.each(['log', 'linear'] as const)('there is a band, although waves of load fill the gap thinly, %s', (scale) => {
    for (const count of [400, 5000]) {
      const missed = seeds.filter((seed) => !found(drawn(rides(seed, count, true), scale, 500, 5000)));
      expect([count, missed]).toEqual([count, []]);
    }
  });

  test('there mostly is one from half a minute on, and never another', () => {
    const guesses = seeds.map((seed) => slowBandFrom(drawn(rides(seed, 150, true), 'log', 500, 5000)));
    const claims = guesses.filter((from) => from !== null);
    expect(claims.length).toBeGreaterThan(seeds.length * 0.75);
    for (const from of claims) expect(from).toSatisfy((ms: number) => ms > 1200 && ms < 2450);
  });

  test('ignores a few outliers far above the band', () => {
    for (const outliers of [[10_000], [10_000, 12_000, 15_000]]) {
      const missed = seeds.filter(
        (seed) =>
          !found(drawn([...rides(seed, 600, true), ...outliers], 'log', 500, 20_000)) ||
          !found(drawn([...rides(seed, 600, true), ...outliers], 'linear', 0, 20_000)),
      );
      expect(missed).toEqual([]);
    }
  });

  test('rows as coarse as a day with page loads and outliers makes them will do', () => {
    const day = (seed: number): number[] => [
      ...rides(seed, 5000, true),
      ...Array.from({ length: 60 }, () => 2),
      30_000,
    ];
    expect(seeds.filter((seed) => !found(drawn(day(seed), 'log', 1, 50_000)))).toEqual([]);
  });
});

describe('of one customer', () => {
  /** Rides around 0.8 s and around 2.4 s. */
  const ofCustomer = (seed: number, quick: number, slow: number): number[] => {
    const random = seededRandom(seed);
    return [
      ...Array.from({ length: quick }, () => 700 + 200 * random()),
      ...Array.from({ length: slow }, () => 2100 + 600 * random()),
    ];
  };

  test.each([
    ['half', 50, 50],
    ['two thirds', 30, 60],
    ['four of ten', 6, 4],
    ['five of nine', 4, 5],
  ])('%s of whose rides are slow there is a band', (_, quick, slow) => {
    for (const scale of ['log', 'linear'] as const) {
      const missed = seeds.filter((seed) => {
        const durations = ofCustomer(seed, quick, slow);
        const from = slowBandFrom(drawn(durations, scale, 500, 5000));
        return from === null || durations.filter((ms) => ms >= from).length !== slow;
      });
      expect([scale, missed]).toEqual([scale, []]);
    }
  });

  test('a single slow ride, or two, is no band', () => {
    for (const slow of [1, 2]) {
      const claimed = seeds.filter((seed) => {
        const from = slowBandFrom(drawn(ofCustomer(seed, 20, slow), 'log', 500, 5000));
        return from !== null && from > 900;
      });
      expect(claimed).toEqual([]);
    }
  });
});

describe('there is no band', () => {
  const claims = (durations: (seed: number) => number[], low = 200, high = 5000): number =>
    seeds.filter((seed) =>
      (['log', 'linear'] as const).some((scale) => slowBandFrom(drawn(durations(seed), scale, low, high)) !== null),
    ).length;

  test.each([50, 150, 600, 5000])('once the bug is fixed, in %i rides', (count) => {
    expect(claims((seed) => rides(seed, count, false))).toBe(0);
    expect(claims((seed) => [...rides(seed, count, false), 9000], 200, 10_000)).toBe(0);
  });

  test('in a tail, however long', () => {
    const tail = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 1000 }, () => 200 - 400 * Math.log(1 - random()));
    };
    // Chance makes a hill in a tail now and then; hardly ever one that stands out.
    expect(claims(tail)).toBeLessThanOrEqual(3);
  });

  test('in what is empty, single, or of one row', () => {
    expect(slowBandFrom({ edgesMs: [], cells: [] })).toBeNull();
    expect(slowBandFrom(drawn([], 'log', 1, 10))).toBeNull();
    expect(slowBandFrom(drawn([800, 2400], 'log', 500, 5000))).toBeNull();
    expect(slowBandFrom({ edgesMs: [1, 2], cells: [[0, 0, 500, 0, 0]] })).toBeNull();
  });

  test('where the long ones are most of all', () => {
    const mostly = (seed: number): number[] => rides(seed, 500, false).concat(Array.from({ length: 100 }, () => 30));
    expect(claims(mostly, 10, 5000)).toBe(0);
  });
});

test('the band begins where its spans do', () => {
  const edgesMs = [100, 200, 400, 800, 1600, 3200, 6400];
  const rows = (counts: number[]): Drawn => ({ edgesMs, cells: counts.map((count, row) => [0, row, count, 0, 0]) });
  expect(slowBandFrom(rows([10, 150, 200, 0, 0, 30]))).toBe(3200);
  expect(slowBandFrom(rows([10, 150, 200, 1, 0, 30]))).toBe(3200);
});
