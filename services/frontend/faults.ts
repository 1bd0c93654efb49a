import type { Drivers } from '@hotrod/driver/contract';
import { withDeadline } from '@hotrod/kit/deadline';
import type { Flags } from '@hotrod/kit/flags';
import type { WorkerPool } from '@hotrod/kit/worker-pool';
import type { Routes } from '@hotrod/route/contract';

import { outsideOfTheTrace } from './telemetry.ts';

/** How often the fault retry-storm gives up before it waits. */
const impatientTries = 3;

/**
 * Drivers, asked impatiently while the fault retry-storm is on: whoever does not answer in time is asked again, although
 * the first question is still being worked on.
 */
export function createImpatientDrivers(drivers: Drivers, flags: Flags): Drivers {
  return {
    async findNearest(location) {
      const patienceMs = await flags.number('retry-storm', 0);
      const tries = patienceMs > 0 ? impatientTries : 0;
      for (let tried = 0; tried < tries; tried += 1) {
        try {
          return await withDeadline(patienceMs, () => drivers.findNearest(location));
        } catch {
          // It asks again: that is the fault.
        }
      }
      return drivers.findNearest(location);
    },
    claim: (driverId, rideId) => drivers.claim(driverId, rideId),
  };
}

/** Routes, asked outside of the trace while the fault broken-context is on. */
export function createContextlessRoutes(routes: Routes, flags: Flags): Routes {
  return {
    async compute(pickup, dropoff) {
      const broken = await flags.number('broken-context', 0);
      return broken > 0 ? outsideOfTheTrace(() => routes.compute(pickup, dropoff)) : routes.compute(pickup, dropoff);
    },
  };
}

/**
 * Keeps the pool of route workers at the size that the fault small-route-pool says, else at the configured one.
 *
 * @param configured how many workers there are without the fault.
 */
export function sizePool(pool: WorkerPool, flags: Flags, configured: number): void {
  flags.onChange(() => void flags.number('small-route-pool', 0).then((size) => pool.resize(size || configured)));
}
