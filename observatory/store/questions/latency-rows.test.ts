import { assert, constantFrom, double, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latencyEdges } from './latency-rows.ts';
import { stepNanoseconds, stepStarts, timeSteps } from './time-steps.ts';

describe('the rows of a heatmap', () => {
  it('end at 1, 2 or 5 times a power of ten', () => {
    const ends = (scale: 'log' | 'linear', shortest: number, longest: number): number[] => {
      const edges = latencyEdges(scale, shortest, longest, 10);
      return [edges[0] ?? 0, edges.at(-1) ?? 0];
    };
    expect(ends('log', 3e6, 2.4e9)).toEqual([2e6, 5e9]);
    // A log scale spans a decade at least, and 5e9 itself must lie below the end.
    expect(ends('log', 800e6, 900e6)).toEqual([100e6, 1e9]);
    expect(ends('log', 1e9, 5e9)).toEqual([1e9, 10e9]);
    expect(ends('linear', 3e6, 2.4e9)).toEqual([0, 5e9]);
    expect(ends('log', 0, 0)).toEqual([1000, 10_000]);
  });

  it('are even on a linear scale, but for a last one that holds what took far longer than all else', () => {
    expect(latencyEdges('linear', 1, 10.3e9, 6, 2.7e9)).toEqual([0, 1e9, 2e9, 3e9, 4e9, 5e9, 20e9]);
    // Not far enough to be worth it.
    expect(latencyEdges('linear', 1, 9e9, 5, 2.7e9)).toEqual([0, 2e9, 4e9, 6e9, 8e9, 10e9]);
    expect(latencyEdges('linear', 1, 10.3e9, 1, 2.7e9)).toEqual([0, 20e9]);
    expect(latencyEdges('log', 1e9, 10.3e9, 4, 2.7e9).at(-1)).toBe(20e9);
  });

  it('are even on a log scale, too, but for a last one that holds what took ten times as long and more', () => {
    const edges = latencyEdges('log', 600e6, 117e9, 5, 2.7e9);
    expect(edges[0]).toBe(500e6);
    expect(edges.slice(-2)).toEqual([5e9, 200e9]);
    const ratios = edges.slice(1, -1).map((edge, index) => edge / (edges[index] ?? 1));
    for (const ratio of ratios) expect(ratio).toBeCloseTo(10 ** 0.25, 6);
    expect(latencyEdges('log', 600e6, 117e9, 1, 2.7e9)).toEqual([500e6, 200e9]);
  });

  it('fit into 64 bits, whatever a broken clock made of a duration', () => {
    for (const scale of ['log', 'linear'] as const) {
      for (const [shortest, longest] of [
        [1, 5e18],
        [5e18, 2 ** 63],
      ] as const) {
        const edges = latencyEdges(scale, shortest, longest, 100);
        expect(BigInt(edges.at(-1) ?? 0)).toBeLessThan(2n ** 63n);
        expect(edges).toEqual(edges.toSorted((left, right) => left - right));
        expect(new Set(edges).size).toBe(101);
      }
    }
  });

  it('are ascending whole nanoseconds that hold every duration', () => {
    assert(
      property(
        constantFrom('log' as const, 'linear' as const),
        double({ min: 0, max: 1e15, noNaN: true }),
        double({ min: 0, max: 1e15, noNaN: true }),
        double({ min: 0, max: 1, noNaN: true }),
        integer({ min: 1, max: 100 }),
        (scale, one, other, part, rows) => {
          const [shortest, longest] = [Math.min(one, other), Math.max(one, other)];
          const edges = latencyEdges(scale, shortest, longest, rows, shortest + part * (longest - shortest));
          expect(edges).toHaveLength(rows + 1);
          for (const [index, edge] of edges.entries()) {
            expect(Number.isSafeInteger(edge)).toBe(true);
            expect(edge).toBeGreaterThan(edges[index - 1] ?? -1);
          }
          expect(edges.at(-1)).toBeGreaterThan(longest);
          expect(edges[0]).toBeLessThanOrEqual(Math.max(1000, shortest));
        },
      ),
    );
  });
});

describe('steps of time', () => {
  it('are whole seconds of a natural width, no more than asked for, and cover the range', () => {
    expect(timeSteps(0, 12_000, 240)).toEqual({ stepMs: 1000, count: 12 });
    expect(timeSteps(0, 600_000, 240)).toEqual({ stepMs: 5000, count: 120 });
    expect(timeSteps(0, 1_800_000, 240)).toEqual({ stepMs: 10_000, count: 180 });
    expect(timeSteps(0, 500, 240)).toEqual({ stepMs: 1000, count: 1 });
    expect(stepStarts(7, 1000, 3)).toEqual([7, 1007, 2007]);
    expect(stepNanoseconds(timeSteps(0, 9_223_372_036_854, 2).stepMs)).toBe(4_611_686_400_000_000_000n);
    // One step may hold all the time there is, and more.
    expect(stepNanoseconds(timeSteps(0, 9_223_372_036_854, 1).stepMs)).toBe(2n ** 63n - 1n);
    assert(
      property(integer({ min: 1, max: 2 ** 40 }), integer({ min: 1, max: 1000 }), (range, most) => {
        const { stepMs, count } = timeSteps(5, 5 + range, most);
        expect(stepMs % 1000).toBe(0);
        expect(count).toBeLessThanOrEqual(most);
        expect(count * stepMs).toBeGreaterThanOrEqual(range);
      }),
    );
  });
});
