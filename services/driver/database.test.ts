import type { Database, Session, Statement } from '@hotrod/kit/database';
import { createSeededRandom } from '@hotrod/kit/random';
import { beforeEach, describe, expect, it } from 'vitest';

import type { Drivers } from './contract.ts';
import { createDriversDatabase } from './database.ts';

interface Asked {
  name: string;
  values: readonly unknown[];
  session: number;
}

let asked: Asked[];
let sessions: { opened: number; open: number };
beforeEach(() => {
  asked = [];
  sessions = { opened: 0, open: 0 };
});

const ids = Array.from({ length: 10 }, (_, index) => `T7${index}`);

/** A database that answers each statement, by its name, with `answers`, or with what a healthy one would. */
function createDatabase(answers: Record<string, (values: readonly unknown[]) => unknown[]> = {}): Database {
  const rows: typeof answers = {
    'nearest-free-drivers': () => ids.map((id) => ({ id })),
    'read-driver': ([id]) => [{ id, x: 1, y: 2 }],
    'read-driver-timing-out': () => {
      throw new Error('canceling statement due to statement timeout');
    },
    'claim-driver': ([id]) => [{ id }],
    'driver-exists': ([id]) => [{ id }],
    ...answers,
  };
  const query =
    (session: number): Session['query'] =>
    async <R>({ name }: Statement, values: readonly unknown[]) => {
      asked.push({ name, values, session });
      return (rows[name]?.(values) ?? []) as R[];
    };
  const never = () => Promise.reject(new Error('not asked for here'));
  return {
    query: never,
    async withSession(work) {
      sessions.opened += 1;
      sessions.open += 1;
      try {
        return await work({ query: query(sessions.opened) });
      } finally {
        sessions.open -= 1;
      }
    },
    migrate: never,
    ready: never,
    close: never,
  };
}

function createDrivers(options: { every?: number; seed?: number; attempts?: number; database?: Database }): Drivers {
  return createDriversDatabase({
    database: options.database ?? createDatabase(),
    random: createSeededRandom(options.seed ?? 1),
    delays: { search: { meanMs: 20, deviationMs: 5 }, read: { meanMs: 10, deviationMs: 2.5 }, readFailureMs: 30 },
    readManner: () => Promise.resolve({ failureEvery: options.every ?? 5, oneByOne: true }),
    readAttempts: options.attempts ?? 3,
    rideDurationMs: 10_000,
  });
}

const reads = () => asked.filter(({ name }) => name.startsWith('read-driver'));
const failedReads = () => reads().filter(({ name }) => name === 'read-driver-timing-out');

describe('findNearest', () => {
  it('searches once and reads ten times, all on one connection', async () => {
    const { drivers } = await createDrivers({ every: 0 }).findNearest({ x: 3, y: 4 });
    expect(drivers).toEqual(ids.map((id) => ({ id, location: { x: 1, y: 2 } })));
    expect(asked.map(({ name }) => name)).toEqual(['nearest-free-drivers', ...ids.map(() => 'read-driver')]);
    expect(asked[0]?.values.slice(0, 3)).toEqual([3, 4, 10]);
    expect(reads().map(({ values }) => values[0])).toEqual(ids);
    expect(sessions).toEqual({ opened: 1, open: 0 });
  });

  it('draws a new simulated delay for each statement', async () => {
    await createDrivers({ every: 0 }).findNearest({ x: 3, y: 4 });
    const delays = asked.map(({ values }) => values.at(-1) as number);
    expect(new Set(delays).size).toBe(11);
    expect(Math.abs((delays[0] ?? 0) - 20)).toBeLessThan(5 * 5);
    for (const delay of delays.slice(1)) expect(Math.abs(delay - 10)).toBeLessThan(5 * 2.5);
  });

  it('fails every fifth read of a search, which is retried and counted', async () => {
    const drivers = createDrivers({ every: 5, seed: 7 });
    for (let search = 0; search < 50; search += 1) {
      asked = [];
      const found = await drivers.findNearest({ x: 0, y: 0 });
      expect(found.drivers.map(({ id }) => id)).toEqual(ids);
      expect(found.failedReads).toBe(failedReads().length);
      const positions = reads().flatMap(({ name }, index) => (name === 'read-driver' ? [] : [index]));
      expect(positions.length).toBeGreaterThanOrEqual(2);
      for (const [index, position] of positions.entries())
        expect(position - (positions[index - 1] ?? position - 5)).toBe(5);
      for (const { values } of failedReads()) expect(values[1]).toBe(30);
    }
  });

  it('fails other reads in other searches', async () => {
    const drivers = createDrivers({ every: 5 });
    const first = new Set<number>();
    for (let search = 0; search < 60; search += 1) {
      asked = [];
      await drivers.findNearest({ x: 0, y: 0 });
      first.add(reads().findIndex(({ name }) => name === 'read-driver-timing-out'));
    }
    expect([...first].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  it('fails no ride while many are searching at once', async () => {
    const drivers = createDrivers({ every: 2, attempts: 2 });
    const found = await Promise.all(Array.from({ length: 50 }, () => drivers.findNearest({ x: 0, y: 0 })));
    expect(found.every(({ drivers: all }) => all.length === ids.length)).toBe(true);
  });

  it('fails no read when the setting is 0', async () => {
    const drivers = createDrivers({ every: 0 });
    for (let search = 0; search < 20; search += 1) await drivers.findNearest({ x: 0, y: 0 });
    expect(reads()).toHaveLength(200);
    expect(failedReads()).toEqual([]);
  });

  it('fails when every read fails, and gives the connection back', async () => {
    await expect(createDrivers({ every: 1 }).findNearest({ x: 0, y: 0 })).rejects.toThrow('statement timeout');
    expect(reads()).toHaveLength(3);
    expect(sessions).toEqual({ opened: 1, open: 0 });
  });
});

describe('claim', () => {
  it('takes the driver for the ride, for as long as it lasts', async () => {
    await createDrivers({}).claim('T70', 'ride 1');
    expect(asked).toEqual([{ name: 'claim-driver', values: ['T70', 'ride 1', 10_000], session: 1 }]);
  });

  it('is a conflict when another ride was first', async () => {
    const database = createDatabase({ 'claim-driver': () => [] });
    await expect(createDrivers({ database }).claim('T70', 'ride 2')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is not_found when there is no such driver', async () => {
    const database = createDatabase({ 'claim-driver': () => [], 'driver-exists': () => [] });
    await expect(createDrivers({ database }).claim('T7X', 'ride 2')).rejects.toMatchObject({ code: 'not_found' });
    expect(sessions).toEqual({ opened: 1, open: 0 });
  });
});
