import type { WorkerPool } from '@hotrod/kit/worker-pool';
import { withDeadline } from '@hotrod/kit/deadline';
import { describe, expect, it } from 'vitest';

import { createAdmission } from './admission.ts';

/** A pool of five workers that take 50 ms for a route: a hundred routes a second, ten rides of ten routes each. */
function createPool(pending = 0, meanTaskMs = 50): WorkerPool {
  return { size: 5, resize: () => {}, pending, meanTaskMs, run: () => Promise.reject(new Error('not for this test')) };
}

/** How many rides are let in at once. */
function countLetIn(pool: WorkerPool, maxWaitMs = 2_000): { letIn: number; refusal: unknown } {
  const admission = createAdmission({ pool, routesPerRide: 10, maxWaitMs });
  for (let letIn = 0; letIn < 1_000; letIn += 1) {
    try {
      admission.enter();
    } catch (refusal) {
      return { letIn, refusal };
    }
  }
  return { letIn: 1_000, refusal: null };
}

describe('the admission of rides', () => {
  it('admits rides until the next one would wait too long, counting those under way', () => {
    // Twenty rides are two seconds of work; the twenty-first may still wait for them.
    expect(countLetIn(createPool())).toMatchObject({
      letIn: 21,
      refusal: { code: 'overloaded', status: 503, retryAfterSeconds: 1 },
    });
    expect(countLetIn(createPool(100)).letIn).toBe(11);
    expect(countLetIn(createPool(300)).letIn).toBe(0);
    expect(countLetIn(createPool(), 500).letIn).toBe(6);
  });

  it('refuses no ride before a route was measured', () => {
    expect(countLetIn(createPool(10_000, 0)).letIn).toBe(1_000);
  });

  it('says when to try again: when the wait is short enough', () => {
    expect(countLetIn(createPool(700)).refusal).toMatchObject({ retryAfterSeconds: 5 });
  });

  it('refuses what would be served after its caller stops waiting', () => {
    expect(withDeadline(1_000, () => countLetIn(createPool()).letIn)).toBe(10);
  });

  it('forgets rides that have reached the pool or are over', () => {
    const admission = createAdmission({ pool: createPool(), routesPerRide: 10, maxWaitMs: 2_000 });
    for (let ride = 0; ride < 100; ride += 1) admission.enter().reachedPool();
    for (let ride = 0; ride < 100; ride += 1) {
      const admitted = admission.enter();
      admitted.reachedPool();
      admitted.left();
    }
    for (let ride = 0; ride < 100; ride += 1) admission.enter().left();
  });
});
