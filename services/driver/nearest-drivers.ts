import type { Location } from '@hotrod/kit/location';

import { candidates, type Driver, type NearestDrivers } from './contract.ts';

/** What the search needs of a store of drivers; one of these is one connection. */
export interface DriverStore {
  /** Ids of the nearest free drivers, nearest first. */
  nearestIds(location: Location, count: number): Promise<string[]>;
  /** One driver; null where it is gone. Fails now and then, as a busy store does. */
  read(id: string): Promise<Driver | null>;
  /** All of them at once, in the order asked for, without those that are gone; null where only single ones are read. */
  readAll: ((ids: readonly string[]) => Promise<Driver[]>) | null;
}

/**
 * Finds the nearest free drivers: one search for their ids, then one read each, one after the other (which a trace
 * shows as a staircase). A failed read is tried again, so that a hiccup of the store is no failure of the ride.
 *
 * @param attempts how often one read is tried in all.
 * @throws what the last attempt threw.
 */
export async function findNearestDrivers(
  store: DriverStore,
  location: Location,
  attempts: number,
): Promise<NearestDrivers> {
  const ids = await store.nearestIds(location, candidates);
  if (store.readAll) return { drivers: await store.readAll(ids), failedReads: 0 };
  const drivers: Driver[] = [];
  let failedReads = 0;
  for (const id of ids) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const driver = await store.read(id);
        if (driver) drivers.push(driver);
        break;
      } catch (error) {
        failedReads += 1;
        if (attempt >= attempts) throw error;
      }
    }
  }
  return { drivers, failedReads };
}
