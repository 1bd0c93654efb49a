import { describe, expect, test } from 'vitest';
import { formatDuration, formatEta, formatRunning } from './format.ts';

describe('formatDuration', () => {
  test.each([
    [0, '0 ms'],
    [0.4, '0 ms'],
    [812.4, '812 ms'],
    [999.4, '999 ms'],
    [999.5, '1 s'],
    [2_413.7, '2.41 s'],
    [9_994, '9.99 s'],
    [9_996, '10 s'],
    [15_000, '15 s'],
    [24_130, '24.1 s'],
    [59_949, '59.9 s'],
    [59_999, '1 min'],
    [65_000, '1 min 5 s'],
  ])('%f ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatEta', () => {
  test.each([
    [0, '1 s'],
    [18, '18 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [125, '2 min'],
  ])('%f seconds are %s', (seconds, text) => {
    expect(formatEta(seconds)).toBe(text);
  });
});

test('a running time shows tenths and never runs backwards', () => {
  expect(formatRunning(1_234)).toBe('1.2 s');
  expect(formatRunning(-16)).toBe('0.0 s');
});
