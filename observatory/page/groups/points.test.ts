import { expect, test } from 'vitest';
import type { Breakdown } from '../../contract/contract.ts';
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

test('lines are as fine as most of their groups allow', () => {
  expect(pointsFor(of(13_000, 1200))).toBe(120);
  expect(pointsFor(of(13_000, 1200, 165, 119))).toBe(60);
  expect(pointsFor(of(66, 40, 30, 25))).toBe(20);
  expect(pointsFor(of())).toBe(120);
  expect(pointsFor(null, 60)).toBe(60);
});

test('a sparse group does not make the lines of others coarser', () => {
  expect(pointsFor(of(1000, 1000, 1000, 3))).toBe(120);
  expect(pointsFor(of(...Array.from({ length: 10 }, () => 1000), ...Array.from({ length: 30 }, () => 1)))).toBe(120);
});

test('keeps the resolution while counts vary a little', () => {
  expect(pointsFor(of(118), 60)).toBe(60);
  expect(pointsFor(of(118), 30)).toBe(30);
  expect(pointsFor(of(90), 60)).toBe(30);
});
