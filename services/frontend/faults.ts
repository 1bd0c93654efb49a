import type { Drivers } from '@hotrod/driver/contract';
import type { Flags } from '@hotrod/kit/flags';
import type { Routes } from '@hotrod/route/contract';

import { outsideOfTheTrace } from './telemetry.ts';

/** Fault retry-storm gives up so often before it waits. */
const impatientTries = 3;

/**
 * Drivers, asked impatiently where the fault retry-storm is on: whoever does not answer in time is asked again, although
 * the first question is still being worked on.
 */
export function createImpatientDrivers(drivers: Drivers, flags: Flags): Drivers {
  return {
    async findNearest(location, signal) {
      const patienceMs = await flags.number('retry-storm', 0);
      const tries = patienceMs > 0 ? impatientTries : 0;
      for (let tried = 0; tried < tries; tried += 1) {
        try {
          return await drivers.findNearest(location, AbortSignal.timeout(patienceMs));
        } catch {
          // Asked again: that is the fault.
        }
      }
      return drivers.findNearest(location, signal);
    },
    claim: (driverId, rideId) => drivers.claim(driverId, rideId),
  };
}

/** Routes, asked outside of the trace where the fault broken-context is on. */
export function createContextlessRoutes(routes: Routes, flags: Flags): Routes {
  return {
    async compute(pickup, dropoff) {
      const broken = await flags.number('broken-context', 0);
      return broken > 0 ? outsideOfTheTrace(() => routes.compute(pickup, dropoff)) : routes.compute(pickup, dropoff);
    },
  };
}
