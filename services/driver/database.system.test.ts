import { fileURLToPath } from 'node:url';

import { createDatabase, type Database } from '@hotrod/kit/database';
import { createLogger } from '@hotrod/kit/logging';
import { createSeededRandom } from '@hotrod/kit/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startPostgres } from '../../tests/harness/suite.ts';
import type { Drivers } from './contract.ts';
import { createDriversDatabase } from './database.ts';

const logger = createLogger('test', 'silent');
const migrations = fileURLToPath(new URL('./migrations', import.meta.url));
const instant = { meanMs: 0, deviationMs: 0 };
const seeded = 5_000;
/** Long enough for the other statements of a test, short enough to wait for. */
const shortRideMs = 1_500;

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let database: Database;
const open: Database[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
  database = connect();
});
afterAll(async () => {
  await Promise.all(open.map((each) => each.close()));
  await postgres?.stop();
});

function connect(poolSize = 20): Database {
  const url = postgres.url('driver');
  const connected = createDatabase({
    url,
    schema: 'driver',
    poolSize,
    connectTimeoutMs: 10_000,
    maxWaitMs: 10_000,
    statementTimeoutMs: 10_000,
    logger,
  });
  open.push(connected);
  return connected;
}

/** One driver after the other, every Nth read failing; or all with one statement. */
const reading =
  (failureEvery: number, oneByOne = true) =>
  () =>
    Promise.resolve({ failureEvery, oneByOne });

function createDrivers(options: Partial<Parameters<typeof createDriversDatabase>[0]> = {}): Drivers {
  return createDriversDatabase({
    database,
    random: createSeededRandom(1),
    delays: { search: instant, read: instant, readFailureMs: 0 },
    readManner: reading(0),
    readAttempts: 3,
    rideDurationMs: 600_000,
    ...options,
  });
}

const select = <R extends object>(text: string, values: unknown[] = []) =>
  database.query<R>({ name: text.slice(0, 60), text }, values);
const countDrivers = async () =>
  (await select<{ count: number }>('SELECT count(*)::int AS count FROM driver.drivers'))[0]?.count;

describe('migrations', () => {
  it('are safe where several processes start at once, and where they start again', async () => {
    await Promise.all([database, connect(2), connect(2)].map((each) => each.migrate(migrations)));
    await database.migrate(migrations);
    expect(await countDrivers()).toBe(seeded);
    expect(await select('SELECT file FROM driver.migrations ORDER BY file')).toEqual([
      { file: '001-drivers.sql' },
      { file: '002-time-out.sql' },
    ]);
  });

  it('leave no lock behind', async () => {
    // It goes with the connection, whose end Postgres is told of and nobody waits for.
    await expect.poll(() => select("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")).toEqual([]);
  });

  it('seed drivers of the form and in the city that the original has', async () => {
    const wrong = await select(
      "SELECT id FROM driver.drivers WHERE id !~ '^T7[0-9]{5}C$' OR NOT location <@ box '((0,0),(1000,1000))'",
    );
    expect(wrong).toEqual([]);
  });
});

describe('the nearest drivers', () => {
  it('are the ten nearest, nearest first', async () => {
    for (const place of [
      { x: 115, y: 277 },
      { x: 0, y: 0 },
      { x: 1000, y: 1000 },
    ]) {
      const { drivers } = await createDrivers().findNearest(place);
      const all = await select<{ id: string; x: number; y: number }>(
        'SELECT id, location[0] AS x, location[1] AS y FROM driver.drivers',
      );
      const distance = ({ x, y }: { x: number; y: number }) => Math.hypot(x - place.x, y - place.y);
      const nearest = all.map(distance).toSorted((a, b) => a - b);
      const found = drivers.map(({ location }) => distance(location));
      expect(found).toHaveLength(10);
      found.forEach((metres, index) => expect(metres).toBeCloseTo(nearest[index] ?? -1, 6));
    }
  });

  it('are found by the index, not by reading them all, also once the plan is a generic one', async () => {
    const search = `SELECT id FROM driver.drivers WHERE busy_until <= now() ORDER BY location <-> point($1, $2) LIMIT $3`;
    await database.withSession(async (session) => {
      const run = (text: string) => session.query<{ 'QUERY PLAN': string }>({ name: text.slice(0, 60), text }, []);
      await run('SET plan_cache_mode = force_generic_plan');
      await run(`PREPARE nearest (float8, float8, int) AS ${search}`);
      const plan = await run('EXPLAIN (ANALYZE, TIMING OFF) EXECUTE nearest(115, 277, 10)');
      await run('DEALLOCATE nearest');
      await run('RESET plan_cache_mode');
      const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
      expect(lines).toMatch(/Index Scan using drivers_by_location on drivers/);
      expect(lines).not.toContain('Seq Scan');
    });
  });

  it('are the same, in the same order, when one statement reads them all', async () => {
    const place = { x: 500, y: 500 };
    const single = await createDrivers().findNearest(place);
    const all = await createDrivers({ readManner: reading(0, false) }).findNearest(place);
    expect(all).toEqual(single);
    expect(all.drivers).toHaveLength(10);
  });

  it('are read again where a read times out, with the SQLSTATE of a timeout', async () => {
    const found = await createDrivers({ readManner: reading(5) }).findNearest({ x: 500, y: 500 });
    expect(found.drivers).toHaveLength(10);
    expect(found.failedReads).toBeGreaterThanOrEqual(2);
    await expect(
      createDrivers({ readManner: reading(1), readAttempts: 1 }).findNearest({ x: 500, y: 500 }),
    ).rejects.toMatchObject({
      code: 'deadline_exceeded',
      cause: { code: '57014', message: 'canceling statement due to statement timeout' },
    });
  });

  it('take the time that they pretend to need inside the statements', async () => {
    const delays = { search: { meanMs: 120, deviationMs: 0 }, read: { meanMs: 20, deviationMs: 0 }, readFailureMs: 0 };
    const start = performance.now();
    await createDrivers({ delays }).findNearest({ x: 500, y: 500 });
    const elapsed = performance.now() - start;
    expect(elapsed).toBeGreaterThanOrEqual(120 + 10 * 20 - 5);
    expect(elapsed).toBeLessThan(10 * (120 + 10 * 20));
  });
});

describe('a claim', () => {
  it('is given to one of many who ask at once, and the others know', async () => {
    const drivers = createDrivers();
    const [driver] = (await drivers.findNearest({ x: 700, y: 100 })).drivers;
    const id = driver?.id ?? '';
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => drivers.claim(id, `ride ${index}`)),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(49);
    for (const { reason } of refused) expect(reason).toMatchObject({ name: 'ServiceError', code: 'conflict' });
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(await select('SELECT ride FROM driver.drivers WHERE id = $1', [id])).toEqual([{ ride: `ride ${winner}` }]);
  });

  it('takes the driver out of the next search', async () => {
    const drivers = createDrivers();
    const place = { x: 100, y: 900 };
    const [first, second] = (await drivers.findNearest(place)).drivers;
    await drivers.claim(first?.id ?? '', 'ride');
    const after = await drivers.findNearest(place);
    expect(after.drivers).toHaveLength(10);
    expect(after.drivers[0]).toEqual(second);
  });

  it('is given again to the same ride, which may not have got the answer', async () => {
    const drivers = createDrivers();
    const [driver] = (await drivers.findNearest({ x: 300, y: 300 })).drivers;
    await drivers.claim(driver?.id ?? '', 'ride');
    await drivers.claim(driver?.id ?? '', 'ride');
    await expect(drivers.claim(driver?.id ?? '', 'another')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('ends by itself when the ride is over', async () => {
    const drivers = createDrivers({ rideDurationMs: shortRideMs });
    const place = { x: 900, y: 500 };
    const [driver] = (await drivers.findNearest(place)).drivers;
    const start = performance.now();
    await drivers.claim(driver?.id ?? '', 'ride');
    expect((await drivers.findNearest(place)).drivers[0]?.id).not.toBe(driver?.id);
    await expect
      .poll(async () => (await drivers.findNearest(place)).drivers[0]?.id, { timeout: 20_000, interval: 50 })
      .toBe(driver?.id);
    expect(performance.now() - start).toBeGreaterThanOrEqual(shortRideMs - 50);
    await drivers.claim(driver?.id ?? '', 'another');
  });

  it('is not_found for a driver who does not exist', async () => {
    await expect(createDrivers().claim('T700000C', 'ride')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('takes whatever a stranger sends for data', async () => {
    await expect(createDrivers().claim("x'; DELETE FROM driver.drivers; --", 'ride')).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await countDrivers()).toBe(seeded);
  });
});
