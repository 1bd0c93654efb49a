import { expect, test } from 'vitest';
import { findCustomers, sortByName } from './customers.ts';

const location = { x: 0, y: 0 };
const customers = [
  { id: 392, name: 'Trom Chocolatier', location },
  { id: 123, name: "Rachel's Floral Designs", location },
  { id: 12323, name: 'Lambent Illumination', location },
  { id: 35871, name: 'Farm Coffee', location },
  { id: 567, name: 'amazing Coffee Roasters', location },
];
const namesFor = (query: string): string[] => findCustomers(customers, query).map(({ name }) => name);

test('customers are sorted by name, whatever their case, and the given list stays as it is', () => {
  expect(sortByName(customers).map(({ id }) => id)).toEqual([567, 35871, 12323, 123, 392]);
  expect(customers[0]?.id).toBe(392);
});

test('a search finds parts of names, in any case and order of the words', () => {
  expect(namesFor('COFFEE')).toEqual(['Farm Coffee', 'amazing Coffee Roasters']);
  expect(namesFor(' coffee  farm ')).toEqual(['Farm Coffee']);
});

test('apostrophes and accents do not matter', () => {
  expect(namesFor('rachels')).toEqual(["Rachel's Floral Designs"]);
  expect(namesFor('rachel’s')).toEqual(["Rachel's Floral Designs"]);
  expect(namesFor('Flòral')).toEqual(["Rachel's Floral Designs"]);
});

test('a number finds the ids that begin with it', () => {
  expect(namesFor('123')).toEqual(["Rachel's Floral Designs", 'Lambent Illumination']);
  expect(namesFor('23')).toEqual([]);
});

test('an empty search finds all', () => {
  expect(namesFor('  ')).toHaveLength(customers.length);
});
