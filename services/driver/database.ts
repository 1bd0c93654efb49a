import type { Database, Session, Statement } from '@hotrod/kit/database';
import { type Delay, drawDelayMs } from '@hotrod/kit/delays';
import { ServiceError } from '@hotrod/kit/errors';
import type { Random } from '@hotrod/kit/random';

import type { Drivers } from './contract.ts';
import { type DriverStore, findNearestDrivers } from './nearest-drivers.ts';

// The index on location answers `<->` nearest first, so this reads a handful of rows of thousands.
const nearestFreeDrivers: Statement = {
  name: 'nearest-free-drivers',
  text: `SELECT d.id
FROM pg_sleep($4 / 1000.0), LATERAL (
  SELECT id FROM driver.drivers WHERE busy_until <= now() ORDER BY location <-> point($1, $2) LIMIT $3
) AS d`,
};

const readDriver: Statement = {
  name: 'read-driver',
  text: 'SELECT d.id, d.location[0] AS x, d.location[1] AS y FROM driver.drivers AS d, pg_sleep($2 / 1000.0) WHERE d.id = $1',
};

const readDriverTimingOut: Statement = {
  name: 'read-driver-timing-out',
  text: 'SELECT d.id, d.location[0] AS x, d.location[1] AS y FROM driver.drivers AS d, driver.time_out($2) WHERE d.id = $1',
};

// One statement, so that of two rides that want the same driver exactly one gets it. A ride's end needs no message:
// the driver is free as soon as `busy_until` has passed, whatever became of the service that claimed it.
const claimDriver: Statement = {
  name: 'claim-driver',
  text: `UPDATE driver.drivers SET busy_until = now() + $3 * interval '1 millisecond', ride = $2
WHERE id = $1 AND (busy_until <= now() OR ride = $2)
RETURNING id`,
};

const driverExists: Statement = { name: 'driver-exists', text: 'SELECT id FROM driver.drivers WHERE id = $1' };

export interface DriverDelays {
  search: Delay;
  read: Delay;
  /** How long a failing read takes, in milliseconds. */
  readFailureMs: number;
}

/** Drivers in Postgres. */
export function createDriversDatabase(options: {
  database: Database;
  random: Random;
  delays: DriverDelays;
  readFailureEvery: number;
  readAttempts: number;
  rideDurationMs: number;
}): Drivers {
  const { database, random, delays, readFailureEvery } = options;
  /**
   * Every Nth read fails, counted in each search from a random start. A count over all searches would now
   * and then hit one driver's read and all its retries, and a ride would fail for nothing.
   */
  function createStore(session: Session): DriverStore {
    let reads = Math.floor(random() * readFailureEvery);
    return {
      async nearestIds({ x, y }, count) {
        const rows = await session.query<{ id: string }>(nearestFreeDrivers, [
          x,
          y,
          count,
          drawDelayMs(random, delays.search),
        ]);
        return rows.map((row) => row.id);
      },
      async read(id) {
        reads += 1;
        const fails = readFailureEvery > 0 && reads % readFailureEvery === 0;
        const [row] = await session.query<{ id: string; x: number; y: number }>(
          fails ? readDriverTimingOut : readDriver,
          [id, fails ? delays.readFailureMs : drawDelayMs(random, delays.read)],
        );
        return row ? { id: row.id, location: { x: row.x, y: row.y } } : null;
      },
    };
  }

  return {
    findNearest: (location) =>
      database.withSession((session) => findNearestDrivers(createStore(session), location, options.readAttempts)),
    claim: (driverId, rideId) =>
      database.withSession(async (session) => {
        const claimed = await session.query(claimDriver, [driverId, rideId, options.rideDurationMs]);
        if (claimed.length > 0) return;
        const known = await session.query(driverExists, [driverId]);
        throw known.length > 0
          ? new ServiceError('conflict', `Driver ${driverId} has another ride.`)
          : new ServiceError('not_found', `There is no driver ${driverId}.`);
      }),
  };
}
