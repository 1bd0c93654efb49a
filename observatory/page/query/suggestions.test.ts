import { expect, test } from 'vitest';
import type { AttributeKey } from '../../contract/contract.ts';
import { expectedAt } from './completion.ts';
import { suggestAtOnce } from './suggestions.ts';

const known: AttributeKey[] = ['duration', 'hotrod.customer.id', 'hotrod.customer.name', 'http.route'].map((key) => ({
  key,
  spans: 100,
  type: 'string',
}));
const atOnce = (text: string): string[] | undefined =>
  suggestAtOnce(expectedAt(text, text.length), known)?.map((offer) => offer.text);

test('keys are offered from those that are known, and none that has not the letters typed', () => {
  expect(atOnce('cust')).toEqual(['hotrod.customer.name', 'hotrod.customer.id']);
  expect(atOnce('dur')).toEqual(['duration']);
  expect(atOnce('root.cust')).toEqual(['root.hotrod.customer.name', 'root.hotrod.customer.id']);
  expect(atOnce('')?.slice(0, 2)).toEqual(['duration', 'service']);
});

test('operators and fixed values are offered at once, other values are for the API to tell', () => {
  expect(atOnce('error = t')).toEqual(['true']);
  expect(atOnce('http.route ex')).toEqual(['exists']);
  expect(atOnce('http.route = ')).toBeUndefined();
});
