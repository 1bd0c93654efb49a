import { expect, test } from 'vitest';
import type { CompareAttribute } from '../../../contract/contract.ts';
import { byReadability, foldAlike } from './compare-fold.ts';
import type { Split } from './compare-rank.ts';

const sides = { selected: 88, baseline: 1827 };
const split = (selected: number, baseline: number): Split => ({ selected, baseline });
const others = Array.from({ length: 28 }, () => split(0, 58));
const place = { key: 'hotrod.customer.location', splits: [split(45, 109), split(43, 94), ...others] };
/** A few rides lack it. */
const name = { key: 'hotrod.customer.name', splits: [split(44, 107), split(41, 94), ...others.slice(1), split(0, 53)] };
const release = { key: 'service.version', splits: [split(88, 900), split(0, 927)] };
const folded = (...items: { key: string; splits: Split[] }[]): string[][] =>
  foldAlike(items, (item) => item.splits, sides).map((group) => group.map(({ key }) => key));

test('attributes that split the sides nearly alike are one', () => {
  expect(folded(place, release, name)).toEqual([[place.key, name.key], [release.key]]);
});

test('attributes of another number of telling values, or without any, stay apart', () => {
  const oneOnly = { key: 'one', splits: [split(45, 109), split(43, 1718)] };
  const even = [1, 2].map((each) => ({ key: `even ${each}`, splits: [split(44, 913), split(44, 914)] }));
  expect(folded(place, oneOnly, ...even)).toEqual([[place.key], ['one'], ['even 1'], ['even 2']]);
});

test('a card goes by a name, then an id, before places, addresses and queries', () => {
  const attribute = (key: string, value = 'x'): CompareAttribute => ({
    key,
    same: [],
    kind: 'categories',
    score: 1,
    significant: true,
    distinct: 2,
    values: [{ value, selected: 1, baseline: 1, evidence: 1 }],
  });
  const keys = [
    attribute('url.query', 'customer=88654'),
    attribute('hotrod.pickup', '958,654'),
    attribute('hotrod.customer.location', 'somewhere'),
    attribute('plan'),
    attribute('hotrod.customer.id', '88654'),
    attribute('hotrod.customer.name', 'Bicycles Green'),
  ];
  expect(keys.toSorted(byReadability).map(({ key }) => key)).toEqual([
    'hotrod.customer.name',
    'hotrod.customer.id',
    'plan',
    'hotrod.pickup',
    'hotrod.customer.location',
    'url.query',
  ]);
});
