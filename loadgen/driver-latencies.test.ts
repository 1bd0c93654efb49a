import { expect, it } from 'vitest';

import { createLatencies } from './driver-latencies.ts';

it.each([0.01, 0.5, 0.95, 0.99, 1])('is off by 1 %% at most at the share %d', (share) => {
  const latencies = createLatencies();
  for (let milliseconds = 1; milliseconds <= 10_000; milliseconds += 1) latencies.add(milliseconds);
  const exact = Math.ceil(share * 10_000);
  expect(Math.abs(latencies.percentile(share) / exact - 1)).toBeLessThanOrEqual(0.0101);
  expect(latencies.count).toBe(10_000);
});

it('is 0 without latencies, and bounded when one took very long', () => {
  const latencies = createLatencies();
  expect(latencies.percentile(0.95)).toBe(0);
  latencies.add(Infinity);
  expect(latencies.percentile(0.95)).toBeGreaterThan(290_000);
  expect(latencies.percentile(0.95)).toBeLessThan(310_000);
});
