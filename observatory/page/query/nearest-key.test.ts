import { expect, test } from 'vitest';
import type { AttributeKey } from '../../contract/contract.ts';
import { parseFilter } from '../../filter/parse.ts';
import { nearestKey, renameKey, unknownKeys } from './nearest-key.ts';

const known: AttributeKey[] = [
  ['duration', 0],
  ['http.route', 600],
  ['hotrod.customer.name', 500],
  ['hotrod.customer.id', 500],
  ['db.query.text', 650],
].map(([key, spans]) => ({ key: String(key), spans: Number(spans), type: 'string' }));

test.each([
  ['hotrod.customer.nam', 'hotrod.customer.name'],
  ['hotrod.costumer.name', 'hotrod.customer.name'],
  ['customer.name', 'hotrod.customer.name'],
  ['http.rout', 'http.route'],
  ['HTTP.Route', 'http.route'],
  ['nothing.alike.at.all', null],
  ['', null],
])('for %s the nearest key is %s', (word, expected) => {
  expect(nearestKey(word, known)).toBe(expected);
});

test('reports each unknown key once; fields and known keys are not reported', () => {
  const filter = parseFilter('custmer.name = "a" or not (custmer.name = "b") and duration > 2s and http.route exists');
  expect(unknownKeys(filter, known)).toEqual([{ key: 'custmer.name', nearest: 'hotrod.customer.name' }]);
  expect(unknownKeys(parseFilter('trace.span_count > 2 and name = "x"'), known)).toEqual([]);
});

test('reports no key before the known keys are loaded', () => {
  expect(unknownKeys(parseFilter('a = 1'), [])).toEqual([]);
});

test('the nearest key takes the place of the unknown one, and of nothing within texts', () => {
  expect(renameKey('nam = "nam" and not nam exists', 'nam', 'hotrod.customer.name')).toBe(
    'hotrod.customer.name = "nam" and not hotrod.customer.name exists',
  );
});
