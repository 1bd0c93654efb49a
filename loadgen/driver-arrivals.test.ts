import { describe, expect, it } from 'vitest';

import { type Arrivals, createArrivals } from './driver-arrivals.ts';

function due(arrivals: Arrivals, untilMs: number, most = 10_000): number[] {
  const instants: number[] = [];
  while (instants.length < most && arrivals.next() < untilMs) {
    instants.push(arrivals.next());
    arrivals.take();
  }
  return instants;
}
const steady = (rate: number, seconds = 1e6) => [
  { target: rate, seconds: 0 },
  { target: rate, seconds },
];

describe('a steady rate', () => {
  it('is due at t0 + i / rate', () => {
    const instants = due(createArrivals(steady(5), 1_000, false), 2_000);
    expect(instants.map((at) => Math.round(at * 1e6) / 1e6)).toEqual([1_000, 1_200, 1_400, 1_600, 1_800]);
  });

  it('returns the same instant until it is taken', () => {
    const arrivals = createArrivals(steady(5), 0, false);
    expect([arrivals.next(), arrivals.next()]).toEqual([0, 0]);
    arrivals.take();
    expect(arrivals.next()).toBeCloseTo(200, 6);
  });

  it('does not drift over a day', () => {
    const instants = due(createArrivals(steady(7), 0, false), 86_400_000, 1_000_000);
    expect(instants).toHaveLength(7 * 86_400);
    expect(instants.at(-1)).toBeCloseTo(((7 * 86_400 - 1) / 7) * 1000, 2);
  });
});

describe('a ramp', () => {
  it('sends as many as the area under it', () => {
    // 0 to 10/s in 20 s: 100 dispatches, the k-th when t² / 4000 ms has grown to k × 1000 / … i.e. t = √(4k) s
    const instants = due(createArrivals([{ target: 10, seconds: 20 }], 0, false), 20_000);
    expect(instants).toHaveLength(100);
    for (const [k, at] of instants.entries()) expect(at / 1000).toBeCloseTo(Math.sqrt(4 * k), 6);
  });

  it('falls to nothing and stays there', () => {
    const arrivals = createArrivals(
      [
        { target: 10, seconds: 0 },
        { target: 0, seconds: 19.9 },
      ],
      0,
      false,
    );
    expect(due(arrivals, Infinity).length).toBe(100);
    expect(arrivals.next()).toBe(Infinity);
  });

  it('keeps the fraction of the next request over a pause', () => {
    const arrivals = createArrivals(
      [
        { target: 1, seconds: 0 },
        { target: 1, seconds: 1.5 },
        { target: 0, seconds: 0 },
        { target: 0, seconds: 10 },
        { target: 1, seconds: 0 },
        { target: 1, seconds: 5 },
      ],
      0,
      false,
    );
    expect(due(arrivals, 20_000).map((at) => Math.round(at))).toEqual([
      0, 1_000, 12_000, 13_000, 14_000, 15_000, 16_000,
    ]);
  });
});

describe('the end of a plan', () => {
  it('ends it', () => expect(due(createArrivals(steady(10, 1), 0, false), Infinity)).toHaveLength(10));
  it('begins it again when it repeats', () => {
    expect(due(createArrivals(steady(10, 1), 0, true), 60_000).length).toBe(600);
  });
  it('comes at once when the plan has no length, even if it repeats', () => {
    expect(createArrivals([], 0, true).next()).toBe(Infinity);
    expect(createArrivals([{ target: 5, seconds: 0 }], 0, true).next()).toBe(Infinity);
  });
});

describe('a new rate', () => {
  it('holds from the instant on, counting what has grown', () => {
    const arrivals = createArrivals(steady(1), 0, false);
    due(arrivals, 1); // the one at 0
    arrivals.setRate(10, 500); // half of the next has grown; the other half takes 50 ms now
    expect(due(arrivals, 800).map((at) => Math.round(at))).toEqual([550, 650, 750]);
    expect(arrivals.rateAt(600)).toBeCloseTo(10, 9);
  });

  it('begins a load that had none', () => {
    const arrivals = createArrivals([], 0, false);
    arrivals.setRate(4, 3_000);
    expect(due(arrivals, 4_000).map((at) => Math.round(at))).toEqual([3_000, 3_250, 3_500, 3_750]);
  });

  it('of 0 pauses the load; the rate after it starts without a burst', () => {
    const arrivals = createArrivals(steady(10), 0, false);
    due(arrivals, 950);
    arrivals.setRate(0, 950);
    expect(arrivals.next()).toBe(Infinity);
    arrivals.setRate(10, 60_000);
    expect(due(arrivals, 60_200).map((at) => Math.round(at))).toEqual([60_050, 60_150]);
  });

  it('sends what was due before the change once', () => {
    const arrivals = createArrivals(steady(10), 0, false);
    arrivals.take();
    expect(arrivals.next()).toBeCloseTo(100, 6);
    arrivals.setRate(10, 250); // 100 and 200 were due; a driver takes them before it sets a rate, so one is left at most
    expect(due(arrivals, 500).map((at) => Math.round(at))).toEqual([250, 350, 450]);
  });
});

it('gives the rate at each instant', () => {
  const arrivals = createArrivals(
    [
      { target: 10, seconds: 20 },
      { target: 10, seconds: 5 },
    ],
    0,
    false,
  );
  expect(arrivals.rateAt(10_000)).toBeCloseTo(5, 9);
  arrivals.setRate(3, 10_000);
  expect(arrivals.rateAt(20_000)).toBeCloseTo(3, 9);
});
