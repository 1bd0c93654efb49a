import type { Location } from '@hotrod/kit/location';

import { candidates, type Driver, type NearestDrivers } from './contract.ts';

/** What the search needs of a store of drivers; one of these is one connection. */
export interface DriverStore {
  /** Ids of the nearest free drivers, nearest first. */
  nearestIds(location: Location, count: number): Promise<string[]>;
  /** Drivers, in the order asked for, without those that are gone. Fails now and then, as a busy store does. */
  read(ids: readonly string[]): Promise<Driver[]>;
}

/**
 * Finds the nearest free drivers: one search for their ids, then one read each, one after the other (which a trace
 * shows as a staircase), or one read of all. A failed read is tried again, so that a hiccup of the store is no failure of
 * the ride.
 *
 * @param manner.attempts how often one read is tried in all.
 * @param manner.oneByOne a read for each driver.
 * @throws what the last attempt threw.
 */
export async function findNearestDrivers(
  store: DriverStore,
  location: Location,
  { attempts, oneByOne }: { attempts: number; oneByOne: boolean },
): Promise<NearestDrivers> {
  const ids = await store.nearestIds(location, candidates);
  const drivers: Driver[] = [];
  let failedReads = 0;
  for (const group of oneByOne ? ids.map((id) => [id]) : [ids]) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        drivers.push(...(await store.read(group)));
        break;
      } catch (error) {
        failedReads += 1;
        if (attempt >= attempts) throw error;
      }
    }
  }
  return { drivers, failedReads };
}
