import { createMovingMean, refuseLongWait } from '@hotrod/kit/expected-wait';
import type { WorkerPool } from '@hotrod/kit/worker-pool';

/** One ride that was let in. */
export interface Admitted {
  /** From now on its routes are counted in the pool's own line. May be called again. */
  reachedPool(): void;
  /** The ride is over, whatever came of it. */
  left(): void;
}

/** Decides at the door whether a ride can be served in time. */
export interface Admission {
  /** @throws {ServiceError} `overloaded`, with the time after which to try again. */
  enter(): Admitted;
}

/**
 * The pool of route workers is what a dispatch has to wait for under load. The routes that wait there already are only
 * half of the truth: rides that still look for their customer will stand in that line before the one that comes now. So
 * the rides that are let in are counted with all routes that they will ask for.
 *
 *   expected wait = (routes of rides on their way + routes in the pool) × time of a route / workers − time until a ride
 *   reaches the pool
 *
 * @param routesPerRide how many routes a ride asks for.
 * @param maxWaitMs the longest expected wait for a worker that a ride is let in with, in milliseconds.
 */
export function createAdmission(options: { pool: WorkerPool; routesPerRide: number; maxWaitMs: number }): Admission {
  const { pool, routesPerRide, maxWaitMs } = options;
  /** Rides that were let in and have not reached the pool. */
  let onTheirWay = 0;
  const wayMs = createMovingMean();

  return {
    enter() {
      const routes = onTheirWay * routesPerRide + pool.pending;
      const waitMs = (routes * pool.meanTaskMs) / pool.size - wayMs.value();
      const what = `one of ${pool.size} route workers (ROUTE_WORKER_POOL_SIZE)`;
      refuseLongWait({ waitMs, maxWaitMs, needsMs: wayMs.value(), what });
      const enteredMs = performance.now();
      let isOnItsWay = true;
      onTheirWay += 1;
      const leaveTheWay = () => {
        if (!isOnItsWay) return false;
        isOnItsWay = false;
        onTheirWay -= 1;
        return true;
      };
      return {
        reachedPool() {
          if (leaveTheWay()) wayMs.add(performance.now() - enteredMs);
        },
        left() {
          leaveTheWay();
        },
      };
    },
  };
}
