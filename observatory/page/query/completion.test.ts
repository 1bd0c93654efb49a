import { describe, expect, test } from 'vitest';
import { complete, expectedAt, isWords, traceIdOf } from './completion.ts';

/** What is expected where the | stands. */
function at(marked: string) {
  const caret = marked.indexOf('|');
  const { kind, key, prefix } = expectedAt(marked.replace('|', ''), caret);
  return [kind, key, prefix];
}

describe('at the caret', () => {
  test.each([
    ['|', 'key', '', ''],
    ['hot|', 'key', '', 'hot'],
    ['hotrod.customer.name |', 'operator', 'hotrod.customer.name', ''],
    ['a !ex|', 'operator', 'a', '!ex'],
    ['a = |', 'value', 'a', ''],
    ['a =|', 'value', 'a', ''],
    ['a = "Val|', 'value', 'a', 'Val'],
    ['a = "Value Wal|king" and b', 'value', 'a', 'Value Wal'],
    ['a = "x" |', 'joiner', '', ''],
    ['a = "x" an|', 'joiner', '', 'an'],
    ['a exists and |', 'key', '', ''],
    ['a !exists or (b|', 'key', '', 'b'],
    ['not |', 'key', '', ''],
    ['a in (|', 'value', 'a', ''],
    ['a in ("x", |', 'value', 'a', ''],
    ['a not in ("x") |', 'joiner', '', ''],
    ['(a = 1) |', 'joiner', '', ''],
    ['duration > 2|', 'value', 'duration', '2'],
    ['"odd key" |', 'operator', '"odd key"', ''],
    // Not the same as error, which is no attribute.
    ['"error" = |', 'value', '"error"', ''],
    ['a contains |', 'value', 'a', ''],
  ])('of %s comes %s', (marked, ...expected) => {
    expect(at(marked)).toEqual(expected);
  });
});

test('a completion takes the place of what was typed, and leaves the rest', () => {
  const text = 'a = "Val and b exists';
  const expected = expectedAt('cust = "x"', 4);
  expect(complete('cust = "x"', expected, 'hotrod.customer.name')).toEqual({
    text: 'hotrod.customer.name = "x"',
    caret: 21,
  });
  expect(complete(text.slice(0, 8), expectedAt(text.slice(0, 8), 8), '"Value Walking"')).toEqual({
    text: 'a = "Value Walking" ',
    caret: 20,
  });
});

test('a trace id is known, alone and within a traceparent', () => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736';
  expect(traceIdOf(` ${id.toUpperCase()} `)).toBe(id);
  expect(traceIdOf(`00-${id}-00f067aa0ba902b7-01`)).toBe(id);
  expect(traceIdOf('0'.repeat(32))).toBeNull();
  expect(traceIdOf(`trace.id = "${id}"`)).toBeNull();
  expect(traceIdOf(id.slice(1))).toBeNull();
});

test('bare words are told from conditions', () => {
  expect(['walk', "Rachel's Floral Designs", 'Value Walking'].map(isWords)).toEqual([true, true, true]);
  expect(['a = 1', 'name contains "x"', 'a exists', ' '].map(isWords)).toEqual([false, false, false, false]);
});
