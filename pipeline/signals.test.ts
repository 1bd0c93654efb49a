import { expect, test } from 'vitest';

import { createInterrupt } from './signals.ts';

test.each([
  ['one signal ends', [0], ['end']],
  ['signals that come together are one', [0, 0, 500], ['end']],
  ['a second signal forces', [0, 501], ['end', 'force']],
  ['a signal that comes twice and a second one force', [0, 3, 2_000], ['end', 'force']],
])('%s', (_what, timesMs, expected) => {
  const done: string[] = [];
  let clockMs = 0;
  const interrupt = createInterrupt({ end: () => done.push('end'), force: () => done.push('force') }, () => clockMs);
  for (const timeMs of timesMs) {
    clockMs = 10_000 + timeMs;
    interrupt();
  }
  expect(done).toEqual(expected);
});
