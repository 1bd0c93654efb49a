import { expect, test } from 'vitest';
import { autoLast, rangeAt } from './range.ts';

const live = { last: '10m', from: null, to: null };

test('a live range ends on a whole column, so that columns keep their spans from tick to tick', () => {
  const first = rangeAt(live, 1_700_000_000_500, 240);
  const second = rangeAt(live, 1_700_000_001_900, 240);
  expect(first.stepMs).toBe(3000);
  expect(first.toMs % first.stepMs).toBe(0);
  expect((second.toMs - first.toMs) % first.stepMs).toBe(0);
  expect(first.toMs).toBeGreaterThanOrEqual(1_700_000_000_500);
  expect(first).toMatchObject({ live: true, fromMs: first.toMs - 600_000 });
});

test('a column is never narrower than a second', () => {
  expect(rangeAt({ ...live, last: '1m' }, 1_700_000_000_000, 600).stepMs).toBe(1000);
});

test('a fixed range stays as it was given', () => {
  const fixed = { last: '10m', from: 1_700_000_000_123, to: 1_700_003_600_456 };
  expect(rangeAt(fixed, 1_800_000_000_000, 240)).toEqual({
    fromMs: 1_700_000_000_123,
    toMs: 1_700_003_600_456,
    stepMs: 16_000,
    live: false,
  });
});

test('an automatic range is the shortest that holds all that is stored', () => {
  const now = 1_700_000_000_000;
  expect(autoLast(now - 30_000, now)).toBe('1m');
  expect(autoLast(now - 61_000, now)).toBe('2m');
  expect(autoLast(now - 121_000, now)).toBe('5m');
  expect(autoLast(now - 3_600_000, now)).toBe('10m');
  expect(autoLast(null, now)).toBe('10m');
});
