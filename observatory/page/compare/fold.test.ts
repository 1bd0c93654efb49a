import { expect, test } from 'vitest';
import type { CompareAttribute, CompareValue } from '../../contract/contract.ts';
import { foldAlike, foldValues, headlineOf, namesOf } from './fold.ts';

const value = (name: string, evidence: number, selected = 1, baseline = 2): CompareValue => ({
  value: name,
  selected,
  baseline,
  evidence,
});
const attribute = (key: string, values: CompareValue[], same: string[] = []): CompareAttribute => ({
  key,
  same,
  kind: 'categories',
  score: 1,
  significant: true,
  distinct: values.length,
  values,
});

test('values with evidence are in sight, in their order; those with none or next to none are folded', () => {
  const values = [value('none', 0), value('weak', 0.01), value('half', 0.25), value('strong', 0.5)];
  const { shown, rest } = foldValues(values);
  expect(shown.map((each) => each.value)).toEqual(['half', 'strong']);
  expect(rest.map((each) => each.value)).toEqual(['none', 'weak']);
  expect(headlineOf(values)?.value).toBe('strong');
});

test('shows the values with the strongest evidence; without evidence, the first ones', () => {
  const many = Array.from({ length: 12 }, (_, index) => value(`bin ${index}`, 0.1 + index / 100));
  expect(foldValues(many).shown.map((each) => each.value)).toEqual([7, 8, 9, 10, 11].map((bin) => `bin ${bin}`));
  const none = many.map((each) => ({ ...each, evidence: 0 }));
  expect(foldValues(none).shown).toEqual(none.slice(0, 5));
});

test('attributes with the same counts are folded into one row', () => {
  const found = foldAlike([
    attribute('name', [value('a', 0.5, 3, 4), value('b', 0.1, 5, 6)], ['location']),
    attribute('eta', [value('c', 0.5, 1, 1)]),
    attribute('id', [value('7', 0.1, 5, 6), value('9', 0.5, 3, 4)], ['url']),
  ]);
  expect(found.map(({ key, same }) => [key, ...same])).toEqual([['name', 'location', 'id', 'url'], ['eta']]);
});

test('attributes are counted with those that they stand for', () => {
  expect(namesOf([attribute('a', [], ['b', 'c']), attribute('d', [])])).toEqual(['a', 'b', 'c', 'd']);
});
