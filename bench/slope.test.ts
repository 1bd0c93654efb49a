import { expect, it } from 'vitest';

import { slopeOf } from './slope.ts';

it('a line has its slope, with no error', () => {
  const { slope, error } = slopeOf([0, 1, 2, 5].map((x) => ({ x, y: 3 - 2 * x })));
  expect(slope).toBeCloseTo(-2);
  expect(error).toBeCloseTo(0);
});

it('the error is that of the textbook: y = 1, 3, 2 has slope 0.5 ± 0.866', () => {
  const { slope, error } = slopeOf([1, 3, 2].map((y, x) => ({ x, y })));
  expect(slope).toBeCloseTo(0.5);
  expect(error).toBeCloseTo(Math.sqrt(3) / 2);
});
