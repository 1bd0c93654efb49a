import { expect, it } from 'vitest';

import { createRateLimit } from './rate-limit.ts';

it('allows a burst, then a rate per second, and never saves up more than the burst', () => {
  let nowMs = 0;
  const limit = createRateLimit(10, 20, () => nowMs);
  expect(limit.take(20)).toBe(true);
  expect(limit.take(1)).toBe(false);
  nowMs = 500;
  expect(limit.take(6)).toBe(false); // and nothing is taken
  expect(limit.take(5)).toBe(true);
  nowMs = 3_600_000;
  expect(limit.take(21)).toBe(false);
  expect(limit.take(20)).toBe(true);
});
