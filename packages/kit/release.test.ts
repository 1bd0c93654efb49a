import { expect, it } from 'vitest';

import { acceptRelease } from './release.ts';

it.each(['0.1.0', '0.1.0+1a2b3c4', '2026-11-29_1', 'x'.repeat(64)])('accepts the release %s', (told) => {
  expect(acceptRelease(told)).toBe(told);
});

it.each([
  ['nothing', undefined],
  ['an empty one', ''],
  ['one that is too long', 'x'.repeat(65)],
  ['one with a blank', '0.1.0 beta'],
  ['one with a comma, which parts releases in an attribute', '1,2'],
  ['one with a line end', '0.1.0\n'],
  ['one that came twice', ['1', '2']],
])('does not accept %s', (_, told) => {
  expect(acceptRelease(told)).toBeNull();
});
