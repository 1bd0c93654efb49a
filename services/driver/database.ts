import type { Database, Session, Statement } from '@hotrod/kit/database';
import { type Delay, drawDelayMs } from '@hotrod/kit/delays';
import { ServiceError } from '@hotrod/kit/errors';
import type { Random } from '@hotrod/kit/random';

import type { Driver, Drivers } from './contract.ts';
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

const readDrivers: Statement = {
  name: 'read-drivers',
  text: 'SELECT d.id, d.location[0] AS x, d.location[1] AS y FROM driver.drivers AS d, pg_sleep($2 / 1000.0) WHERE d.id = ANY($1)',
};

const readDriversTimingOut: Statement = {
  name: 'read-drivers-timing-out',
  text: 'SELECT d.id, d.location[0] AS x, d.location[1] AS y FROM driver.drivers AS d, driver.time_out($2) WHERE d.id = ANY($1)',
};

// One statement, so that of two rides that want the same driver exactly one gets it. The end of a ride needs no message:
// the driver is free as soon as `busy_until` has passed, whatever became of the service that claimed it.
const claimDriver: Statement = {
  name: 'claim-driver',
  text: `UPDATE driver.drivers SET busy_until = now() + $3 * interval '1 millisecond', ride = $2
WHERE id = $1 AND (busy_until <= now() OR ride = $2)
RETURNING id`,
};

const driverExists: Statement = { name: 'driver-exists', text: 'SELECT id FROM driver.drivers WHERE id = $1' };

interface Row {
  id: string;
  x: number;
  y: number;
}

function toDriver({ id, x, y }: Row): Driver {
  return { id, location: { x, y } };
}

export interface DriverDelays {
  search: Delay;
  read: Delay;
  /** How long a failing read takes, in milliseconds. */
  readFailureMs: number;
}

/** How a search reads its drivers. */
export interface ReadManner {
  /** Every Nth read times out; 0: none. */
  failureEvery: number;
  /** A statement for each driver, one after the other; else one statement for all. */
  oneByOne: boolean;
}

/** Drivers in Postgres. */
export function createDriversDatabase(options: {
  database: Database;
  random: Random;
  delays: DriverDelays;
  /** Asked at each search: it may change while the service runs. */
  readManner: () => Promise<ReadManner>;
  readAttempts: number;
  rideDurationMs: number;
}): Drivers {
  const { database, random, delays } = options;
  /**
   * Every Nth read fails. Each search counts from a place of its own. With one count over all searches, one driver's read
   * and all its retries would now and then be hit, and a ride would fail for nothing.
   */
  function createStore(session: Session, failureEvery: number): DriverStore {
    let reads = Math.floor(random() * failureEvery);
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
      async read(ids) {
        reads += 1;
        const fails = failureEvery > 0 && reads % failureEvery === 0;
        const [id, ...others] = ids;
        const [usual, timingOut] =
          others.length > 0 ? [readDrivers, readDriversTimingOut] : [readDriver, readDriverTimingOut];
        const rows = await session.query<Row>(fails ? timingOut : usual, [
          others.length > 0 ? ids : id,
          fails ? delays.readFailureMs : drawDelayMs(random, delays.read),
        ]);
        const byId = new Map(rows.map((row) => [row.id, toDriver(row)]));
        return ids.flatMap((each) => byId.get(each) ?? []);
      },
    };
  }

  return {
    async findNearest(location) {
      const { failureEvery, oneByOne } = await options.readManner();
      const attempts = options.readAttempts;
      return database.withSession((session) =>
        findNearestDrivers(createStore(session, failureEvery), location, { attempts, oneByOne }),
      );
    },
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
