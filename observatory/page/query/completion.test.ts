import { describe, expect, test } from 'vitest';
import { complete, expectedAt } from './completion.ts';

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
