import { describe, expect, it } from 'vitest';

import { withDeadline } from './deadline.ts';
import { createMovingMean, refuseLongWait } from './expected-wait.ts';

describe('a moving mean', () => {
  it('is undefined at first, then the first value, then follows the newest', () => {
    const mean = createMovingMean();
    expect(mean.value()).toBe(0);
    mean.add(100);
    expect(mean.value()).toBe(100);
    for (let times = 0; times < 50; times += 1) mean.add(200);
    expect(mean.value()).toBeGreaterThan(199);
  });
});

describe('a wait', () => {
  const what = 'a worker';

  it('is accepted up to its limit', () => {
    refuseLongWait({ waitMs: 2_000, maxWaitMs: 2_000, what });
    refuseLongWait({ waitMs: -300, maxWaitMs: 2_000, what });
  });

  it('beyond its limit is refused, with the time to try again', () => {
    expect(() => refuseLongWait({ waitMs: 4_500, maxWaitMs: 2_000, what })).toThrow(
      expect.objectContaining({ code: 'overloaded', status: 503, retryAfterSeconds: 3 }),
    );
  });

  it('beyond the deadline of the request is refused, too', () => {
    const wait = (waitMs: number, needsMs = 0) =>
      withDeadline(1_000, () => refuseLongWait({ waitMs, needsMs, maxWaitMs: 2_000, what }));
    wait(500);
    expect(() => wait(1_500)).toThrow('until a worker is free');
    expect(() => wait(500, 800)).toThrow('until a worker is free');
    wait(0, 5_000); // nobody waits here: whether it is in time is not for the line to say
  });
});
