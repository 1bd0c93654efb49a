import { expect, test } from 'vitest';
import { distinguish } from './distinguish.ts';

const columns = 'SELECT c.id, c.name, c.location[0] AS x, c.location[1] AS y';
const usual = `${columns} FROM customer.customers AS c, pg_sleep($2 / 1000.0) WHERE c.id = $1`;
const slow = `${columns}, count(r.id) AS rides FROM customer.customers AS c LEFT JOIN customer.rides AS r ON r.c = c.id`;

test('statements that begin alike show where they part, in whole words', () => {
  const short = distinguish([usual, slow, 'SELECT id FROM driver.drivers WHERE id = $1']);
  expect(short.get(usual)).toBe('SELECT c.id, … y FROM customer.customers AS c, pg_sleep($2 / 1000.0) WHERE c.id = $1');
  expect(short.get(slow)).toMatch(/^SELECT c\.id, … y, count\(r\.id\) AS rides FROM .* LEFT JOIN /);
  expect(short.get('SELECT id FROM driver.drivers WHERE id = $1')).toBe('SELECT id FROM driver.drivers WHERE id = $1');
});

test('keeps a text whole that is short or unlike all others', () => {
  expect(distinguish([slow, 'UPDATE driver.drivers SET ride = $2']).get(slow)).toBe(slow);
  expect(distinguish(['Value Walking', 'Value Driving']).get('Value Walking')).toBe('Value Walking');
});

test('texts without spaces are cut where the difference begins', () => {
  const path = `https://shop.example/api/v2/customers/orders/${'x'.repeat(30)}`;
  const short = [...distinguish([`${path}/first`, `${path}/second`]).values()];
  expect(short).toEqual(['https://shop.example/api/v2/ … first', 'https://shop.example/api/v2/ … second']);
});
