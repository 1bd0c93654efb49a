import { expect, test } from 'vitest';
import { describeBox } from './describe-box.ts';
import { parseMs } from './parse-ms.ts';
import { alikeText, counts, shares, unitOf, valueLabel } from './value-text.ts';

const value = { value: 'Value Walking', selected: 88, baseline: 109, evidence: 0.4 };

test('a row shows shares and counts, selection first', () => {
  expect(shares(value, 173, 1827)).toBe('51 % against 6 %');
  expect(counts(value, 173, 1827)).toBe('88 of 173, 109 of 1,827');
  expect(shares({ ...value, selected: 0, baseline: 0 }, 0, 0)).toBe('0 % against 0 %');
});

test('a row names its value, its interval, what is missing and what is folded', () => {
  expect(valueLabel(value)).toBe('Value Walking');
  expect(valueLabel({ ...value, value: null })).toBe('missing');
  expect(valueLabel({ ...value, value: '' })).toBe('empty text');
  expect(valueLabel({ ...value, value: null, other: 1200 })).toBe('Other (1,200)');
  expect(valueLabel({ ...value, value: null, low: 100, high: 250.5 })).toBe('100 to below 250.5');
  expect(valueLabel({ ...value, value: null, low: 100 })).toBe('100 or more');
  expect(valueLabel({ ...value, value: null, high: 100 }, ' s')).toBe('below 100 s');
  expect(valueLabel({ ...value, value: '7' }, ' s')).toBe('7');
});

test('attributes that split alike are counted together', () => {
  const attribute = {
    key: 'a',
    same: ['b', 'c'],
    kind: 'categories' as const,
    score: 1,
    significant: true,
    distinct: 2,
    values: [],
  };
  expect(alikeText(attribute)).toBe('3 fields split alike: a, b, c');
  expect(alikeText({ ...attribute, same: [] })).toBe('');
});

test.each([
  ['hotrod.ride.eta', ' s'],
  ['hotrod.route.pool.wait.max', ' s'],
  ['hotrod.driver.distance', ' m'],
  ['http.response.body.size', ' B'],
  ['trace.slowest_statement_ms', ' ms'],
  ['trace.service_ms.customer', ' ms'],
  ['hotrod.driver.claim.attempts', ''],
])('the numbers of %s have the unit "%s"', (key, unit) => {
  expect(unitOf(key)).toBe(unit);
});

test('a box is described in words', () => {
  const none = { fromMs: null, toMs: null, minMs: null, maxMs: null };
  expect(describeBox({ ...none, minMs: 1554.6 })).toBe('that took 1.55 s or more');
  expect(describeBox({ ...none, maxMs: 800 })).toBe('that took less than 800 ms');
  expect(describeBox({ ...none, minMs: 100, maxMs: 800 })).toBe('that took 100 ms to 800 ms');
  expect(describeBox({ ...none, fromMs: 0, toMs: 60_000, minMs: 1 })).toMatch(/^that took .* between .* and .*$/);
});

test('reads a typed duration without a unit', () => {
  expect(parseMs('1.5 s')).toBe(1500);
  expect(parseMs('800')).toBe(800);
  expect(parseMs(' 2min ')).toBe(120_000);
  for (const none of ['', 's', '-1s', '1 hour', '1,5s']) expect(parseMs(none)).toBeNull();
});
