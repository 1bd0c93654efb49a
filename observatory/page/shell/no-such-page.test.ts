import { expect, test } from 'vitest';
import { defaultState, formatState } from '../state/url-state.ts';
import { isPage } from './no-such-page.tsx';

test('knows the addresses of states as pages, and no others', () => {
  const pathOf = (address: string): string => new URL(address, 'http://localhost').pathname;
  expect(isPage(pathOf(formatState(defaultState)))).toBe(true);
  expect(isPage(pathOf(formatState({ ...defaultState, traceId: 'a/b c' })))).toBe(true);
  expect(['/traces', '/trace/', '/trace/a/b', '/explore/x'].filter(isPage)).toEqual([]);
});
