import { expect, it } from 'vitest';

import { createTraceFilter } from './trace-filter.ts';

const traceId = (number: number): string => number.toString(16).padStart(32, '7');

it('always finds a trace that was added, and rarely reports another', () => {
  const filter = createTraceFilter();
  for (let number = 0; number < 100_000; number += 1) filter.add(traceId(number));
  let denied = 0;
  let claimed = 0;
  for (let number = 0; number < 100_000; number += 1) {
    if (!filter.mayHave(traceId(number))) denied += 1;
    if (filter.mayHave(traceId(100_000 + number))) claimed += 1;
  }
  expect(denied).toBe(0);
  expect(claimed).toBeLessThan(20);
});
