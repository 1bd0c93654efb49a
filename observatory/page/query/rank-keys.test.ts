import { expect, test } from 'vitest';
import type { AttributeKey } from '../../contract/contract.ts';
import { isText, rankKeys } from './rank-keys.ts';

const key = (name: string, spans: number, type: AttributeKey['type'] = 'string'): AttributeKey => ({
  key: name,
  spans,
  type,
});
const keys = [
  key('start', 0),
  key('trace.id', 0),
  key('host.name', 900),
  key('session.id', 800),
  key('http.response.status_code', 700, 'number'),
  key('http.route', 600),
  key('db.query.text', 650),
  key('hotrod.customer.name', 500),
];
const ranked = (prefix: string): string[] => rankKeys(keys, prefix).map((each) => each.key);

test('ranks names first, ids and surroundings last, and leaves out keys without spans', () => {
  expect(ranked('')).toEqual([
    'hotrod.customer.name',
    'db.query.text',
    'http.route',
    'http.response.status_code',
    'session.id',
    'host.name',
  ]);
});

test('lists keys that begin with the typed text first, and offers keys without spans on request', () => {
  expect(ranked('h').slice(0, 4)).toEqual([
    'hotrod.customer.name',
    'http.route',
    'http.response.status_code',
    'host.name',
  ]);
  expect(ranked('trace')[0]).toBe('trace.id');
});

test('values to be looked through are those of texts that people know', () => {
  expect(keys.filter(isText).map((each) => each.key)).toEqual(['http.route', 'db.query.text', 'hotrod.customer.name']);
});
