import { describe, expect, test } from 'vitest';
import { exactDuration, filterDuration, formatDuration } from './duration.ts';
import { formatBytes, formatCount, formatPercent, formatRate, plural } from './number.ts';
import { serviceColour, serviceColours } from './service-colour.ts';
import { formatSql } from './sql.ts';
import { formatAgo, formatClock, formatMoment, formatNanoClock, formatSince, isoNano, timeTicks } from './time.ts';

test.each([
  [0, '0 ms'],
  [0.00012, '120 ns'],
  [0.0452, '45.2 µs'],
  [0.9996, '1 ms'],
  [1.5, '1.5 ms'],
  [812.4, '812 ms'],
  [999.6, '1 s'],
  [2412, '2.41 s'],
  [59_960, '1 min'],
  [72_000, '1 min 12 s'],
  [3_599_600, '1 h'],
  [7_500_000, '2 h 5 min'],
  [90_000_000, '1 d 1 h'],
  [-30, '−30 ms'],
  [Number.NaN, '–'],
])('%d ms reads %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('a duration in a filter keeps six digits and its unit', () => {
  expect(filterDuration(1554.59753)).toBe('1.5546s');
  expect(filterDuration(812.123456)).toBe('812.123ms');
  expect(filterDuration(0.000731)).toBe('731ns');
  expect(exactDuration(2380.123456)).toBe('2,380.123456 ms');
});

test.each([
  [0, '0 %'],
  [1, '100 %'],
  [0.509, '51 %'],
  [0.0596, '6 %'],
  [0.0621, '6.2 %'],
  [0.0996, '10 %'],
  [0.991, '99.1 %'],
  [0.9999, '> 99.9 %'],
  [0.0004, '0.04 %'],
  [0.000_01, '< 0.01 %'],
])('the ratio %d reads %s', (ratio, text) => {
  expect(formatPercent(ratio)).toBe(text);
});

test('counts, rates and sizes', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
  expect(formatRate(3.24)).toBe('3.2/s');
  expect(formatRate(0.05)).toBe('3/min');
  expect(formatBytes(38_400_000)).toBe('38.4 MB');
  expect(plural(1, 'span')).toBe('1 span');
  expect(plural(0, 'match', 'matches')).toBe('0 matches');
});

describe('instants', () => {
  test('keep every nanosecond', () => {
    expect(isoNano('1795252550123456789')).toBe('2026-11-21T09:15:50.123456789Z');
    expect(formatNanoClock('1795252550000000007')).toMatch(/^\d\d:\d\d:50\.000000007$/);
  });

  test('say how long ago they were', () => {
    expect(formatAgo(1000, 6000)).toBe('5 s ago');
    expect(formatAgo(0, 180_000)).toBe('3 min ago');
    expect(formatAgo(9000, 1000)).toBe('0 s ago');
  });

  test('have ticks at round times, no more than there is room for', () => {
    const from = Date.UTC(2026, 10, 21, 9, 5, 38);
    const ticks = timeTicks(from, from + 600_000, 10, 0);
    expect(ticks.map(({ ms }) => (ms / 60_000) % 60)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    const days = timeTicks(Date.UTC(2026, 10, 14), Date.UTC(2026, 10, 21), 8, 0);
    expect(days).toHaveLength(7);
  });
});

describe('SQL is laid out', () => {
  test('one clause a line, joins and conditions below them', () => {
    const sql = `select c.id, c.name from customers c
      join ledger l on l.customer_id = c.id and l.kind in ('a and b', 'from') where c.id = $1 order by l.booked_at desc limit 1`;
    expect(formatSql(sql)).toBe(
      [
        'select c.id, c.name',
        'from customers c',
        '  join ledger l',
        '  on l.customer_id = c.id',
        "  and l.kind in ('a and b', 'from')",
        'where c.id = $1',
        'order by l.booked_at desc',
        'limit 1',
      ].join('\n'),
    );
  });

  test('but within parentheses and quotes it stays as it was', () => {
    const sql = `SELECT (SELECT max(x) FROM t WHERE y = 'a  b') AS m, "odd  name" FROM u WHERE z BETWEEN 1 AND 2`;
    expect(formatSql(sql)).toContain(`(SELECT max(x) FROM t WHERE y = 'a  b') AS m, "odd  name"`);
    expect(formatSql(sql).replaceAll(/\s/g, '')).toBe(sql.replaceAll(/\s/g, ''));
  });

  test('and a short one stays on its line', () => {
    expect(formatSql('select  1\n from t')).toBe('select 1 from t');
  });
});

test('a service has one colour, with and without its prefix; unknown ones one of ten', () => {
  expect(serviceColour('customer')).toBe('var(--service-customer)');
  expect(serviceColour('hotrod-driver')).toBe('var(--service-driver)');
  expect(serviceColour('checkout')).toMatch(/^var\(--service-other-([1-9]|10)\)$/);
  expect(serviceColour('checkout')).toBe(serviceColour('checkout'));
});

test('services seen together each have another colour, whatever their order, while there are any', () => {
  const names = ['gateway', 'billing', 'inventory', 'mail', 'search', 'auth', 'cart', 'shipping', 'ads', 'stock'];
  const colour = serviceColours([...names, 'customer']);
  expect(new Set(names.map(colour)).size).toBe(10);
  expect(colour('customer')).toBe('var(--service-customer)');
  const turned = serviceColours(['customer', ...names.toReversed()]);
  expect(names.map(turned)).toEqual(names.map(colour));
  expect(serviceColours(['alone'])('alone')).toBe(serviceColour('alone'));
  expect(serviceColours([...names, 'one-more'])('one-more')).toMatch(/^var\(--service-other-/);
});

test('an instant of another day carries its date, one of today does not', () => {
  const now = Date.UTC(2026, 10, 21, 12, 0);
  expect(formatSince(now - 60_000, now)).toBe(formatClock(now - 60_000));
  expect(formatSince(now - 48 * 3_600_000, now)).toBe(formatMoment(now - 48 * 3_600_000));
});
