import { expect, test } from 'vitest';
import { walk } from './walk.ts';

const lines = [{ values: [null, 5, null, 5] }, { values: [1, 9, 2, 5] }, { values: [null, null, null, null] }];

test('keys walk along a line past its gaps, and stop at its ends', () => {
  expect(walk(lines, null, 'ArrowRight')).toEqual({ line: 0, index: 3 });
  expect(walk(lines, { line: 0, index: 3 }, 'ArrowLeft')).toEqual({ line: 0, index: 1 });
  expect(walk(lines, { line: 0, index: 1 }, 'ArrowLeft')).toEqual({ line: 0, index: 1 });
  expect(walk(lines, { line: 1, index: 2 }, 'Home')).toEqual({ line: 1, index: 0 });
  expect(walk(lines, { line: 1, index: 2 }, 'End')).toEqual({ line: 1, index: 3 });
});

test('keys walk from line to line at the same time, those in the same point too', () => {
  expect(walk(lines, { line: 0, index: 1 }, 'ArrowUp')).toEqual({ line: 1, index: 1 });
  expect(walk(lines, { line: 1, index: 1 }, 'ArrowUp')).toEqual({ line: 1, index: 1 });
  expect(walk(lines, { line: 1, index: 1 }, 'ArrowDown')).toEqual({ line: 0, index: 1 });
  expect(walk(lines, { line: 0, index: 3 }, 'ArrowDown')).toEqual({ line: 1, index: 3 });
  expect(walk(lines, { line: 1, index: 3 }, 'ArrowUp')).toEqual({ line: 0, index: 3 });
});

test('ignores other keys, and lines without points', () => {
  expect(walk(lines, null, 'a')).toBeNull();
  expect(walk([{ values: [null] }], null, 'ArrowRight')).toBeNull();
  expect(walk([], null, 'ArrowRight')).toBeNull();
});
