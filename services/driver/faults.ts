import { setTimeout as sleep } from 'node:timers/promises';

import type { Flags } from '@hotrod/kit/flags';
import type { Logger } from '@hotrod/kit/logging';

import type { Drivers } from './contract.ts';
import type { ReadManner } from './database.ts';

/** Drivers with the faults of `faults/` that are about them. Each is off unless its flag is switched on. */
export function createFaultyDrivers(drivers: Drivers, flags: Flags, logger: Logger): Drivers {
  return {
    async findNearest(location) {
      // Fault slow-release: the flag's targeting rule says in which release.
      const waitMs = await flags.number('slow-release', 0);
      if (waitMs > 0) await sleep(waitMs);
      // Fault log-flood.
      const lines = await flags.number('log-flood', 0);
      for (let line = 1; line <= lines; line += 1) logger.info({ line, of: lines }, 'Looking at a cell of the map');
      return drivers.findNearest(location);
    },
    claim: (driverId, rideId) => drivers.claim(driverId, rideId),
  };
}

/**
 * How a search reads its drivers: as the faults driver-timeouts and sequential-lookups say, else as it is configured.
 *
 * @param failureEvery every Nth read times out if no flag says otherwise; 0: none.
 */
export function readMannerOf(flags: Flags, failureEvery: number): () => Promise<ReadManner> {
  return async () => ({
    failureEvery: await flags.number('driver-timeouts', failureEvery),
    oneByOne: (await flags.number('sequential-lookups', 1)) > 0,
  });
}
