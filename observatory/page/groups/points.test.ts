import { expect, test } from 'vitest';
import type { Breakdown } from '../../api/contract.ts';
import { pointsFor } from './points.ts';

const of = (...counts: number[]): Breakdown => ({
  by: ['a'],
  groups: counts.map((count) => ({
    values: ['a'],
    filter: `a = "${count}"`,
    count,
    errors: 0,
    errorRate: 0,
    p50Ms: 1,
    p95Ms: 1,
    p99Ms: 1,
    maxMs: 1,
  })),
  totalGroups: counts.length,
  total: 0,
  measure: 'p50',
  times: [],
  stepMs: 0,
});

test('lines are as fine as the rarest of their groups allows', () => {
  expect(pointsFor(of(13_000, 1200))).toBe(120);
  expect(pointsFor(of(13_000, 130))).toBe(60);
  expect(pointsFor(of(66, 12))).toBe(20);
  expect(pointsFor(of())).toBe(120);
  expect(pointsFor(null)).toBe(120);
});

test('a group without a line does not matter', () => {
  expect(pointsFor(of(...Array.from({ length: 10 }, () => 1000), 1))).toBe(120);
});
