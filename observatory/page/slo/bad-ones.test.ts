import { expect, test } from 'vitest';
import { badOnes } from './bad-ones.ts';
import { sharesOf } from './shares.ts';

const day = 86_400_000;
const nowMs = 1_800_000_000_000;
const slo = { filter: 'http.route = "/dispatch"', good: 'duration < 1.5s', windowMs: day };
const box = { fromMs: null, toMs: null, minMs: 1500, maxMs: null };

test('what is too slow becomes the selection, the good ones stay as its baseline', () => {
  const { alone, among } = badOnes(slo, nowMs, null);
  expect(alone).toEqual({ from: nowMs - day, to: nowMs, filter: slo.filter, box, view: 'compare' });
  expect(among).toBeNull();
  expect(badOnes({ ...slo, good: 'duration <= 2ms' }, nowMs, null).alone.box).toEqual({ ...box, minMs: 2.000001 });
});

test('what no box can hold is listed, and can be lit among all', () => {
  const bad = 'error != false';
  const { alone, among } = badOnes({ ...slo, good: 'error = false' }, nowMs, null);
  expect(alone).toMatchObject({ filter: `${slo.filter} and ${bad}`, view: 'traces' });
  expect(among).toMatchObject({ filter: slo.filter, lit: bad });
  for (const good of ['duration < 1s and error = false', 'duration > 1s', 'not duration < 1s', 'a < 5']) {
    expect(badOnes({ ...slo, good }, nowMs, null).alone.box).toBeUndefined();
  }
});

test('the range is the window, but no more than what is stored', () => {
  const oldest = nowMs - 300_500;
  expect(badOnes(slo, nowMs + 1, oldest).alone).toMatchObject({ from: nowMs - 301_000, to: nowMs + 1000 });
  expect(badOnes(slo, nowMs, nowMs - 3 * day).alone).toMatchObject({ from: nowMs - day, to: nowMs });
});

test('the burn chart shows the share of bad spans for each step, and nothing without spans or where the steps differ', () => {
  const all = { times: [0, 60_000, 120_000], count: [10, 0, 4] };
  expect(sharesOf(all, { times: all.times, count: [1, 0, 4] })).toEqual([0.1, null, 1]);
  expect(sharesOf(all, { times: [60_000, 120_000, 180_000], count: [1, 0, 4] })).toBeNull();
});
