import { fileURLToPath } from 'node:url';

import { createDatabase, type Database } from '@hotrod/kit/database';
import { createLogger } from '@hotrod/kit/logging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startPostgres } from '../../tests/harness/suite.ts';
import type { Customers } from './contract.ts';
import { createCustomersDatabase } from './database.ts';

const migrations = fileURLToPath(new URL('./migrations', import.meta.url));

/** Name and place of every customer, as HotROD has always had them, by id. */
const known: Record<number, [name: string, x: number, y: number]> = {
  123: ["Rachel's Floral Designs", 115, 277],
  392: ['Trom Chocolatier', 577, 322],
  567: ['Amazing Coffee Roasters', 211, 653],
  731: ['Japanese Desserts', 728, 326],
  12323: ['Lambent Illumination', 123, 456],
  32392: ['Flux Water Gear', 456, 678],
  73451: ['Cipher Publishing', 545, 312],
  55673: ['Erudite Learning', 546, 853],
  44802: ['Quad Goals', 545, 385],
  18745: ['Obelus Concepts', 321, 583],
  23552: ['Zeal Wheels', 879, 556],
  23412: ['Moxie Marketing', 455, 687],
  23341: ['Bonefete Fun', 231, 159],
  69420: ['Bravura Inc', 573, 456],
  39001: ['Admire Arts', 887, 123],
  78945: ['Vortex Solar', 321, 456],
  59201: ['Sanguine Skincare', 984, 156],
  20885: ['Epic Adventure Inc', 354, 159],
  20482: ['Cogent Data', 759, 654],
  22083: ['Candor Corp', 489, 657],
  15864: ['Inspire Fitness Co', 456, 489],
  34320: ['Strat Security', 654, 357],
  38752: ['Innovation Arch', 459, 354],
  23155: ['Eco Focus', 153, 584],
  88654: ['Bicycles Green', 784, 215],
  35871: ['Farm Coffee', 658, 324],
  98457: ['Go Pastries', 657, 125],
  64853: ['Micro Planes', 328, 125],
  46321: ['Enhance Cars', 954, 236],
  57319: ['Value Walking', 958, 654],
  94317: ['Boost Fitness', 326, 125],
  96354: ['Vibrance Software', 125, 358],
};
const customersById = Object.entries(known).map(([id, [name, x, y]]) => ({ id: Number(id), name, location: { x, y } }));

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let database: Database;
const open: Database[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
  database = connect();
  await database.migrate(migrations);
});
afterAll(async () => {
  await Promise.all(open.map((each) => each.close()));
  await postgres?.stop();
});

function connect(): Database {
  const url = postgres.url('customer');
  const logger = createLogger('test', 'silent');
  const connected = createDatabase({
    url,
    schema: 'customer',
    poolSize: 10,
    connectTimeoutMs: 10_000,
    maxWaitMs: 10_000,
    statementTimeoutMs: 10_000,
    logger,
  });
  open.push(connected);
  return connected;
}

/** @param draw what the source of random numbers gives: below 0.5, the slow customers are slow. */
function createCustomers(options: { meanMs?: number; draw?: number } = {}): Customers {
  return createCustomersDatabase({
    database,
    random: () => options.draw ?? 0.9,
    delay: { meanMs: options.meanMs ?? 0, deviationMs: 0 },
    slowFactor: 5,
  });
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

describe('customers in Postgres', () => {
  it('are the 32 of HotROD, by name', async () => {
    const byName = customersById.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(byName).toHaveLength(32);
    expect(await createCustomers().list()).toEqual(byName);
  });

  it.each([0.1, 0.9])('are found one by one, each the same by either statement (%d)', async (draw) => {
    const customers = createCustomers({ draw });
    for (const customer of customersById) expect(await customers.find(customer.id)).toEqual(customer);
  });

  it.each([0, 999, 2_147_483_647])('are not found where there is no %i', async (id) => {
    await expect(createCustomers().find(id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('are migrated once, however often services start, and at once', async () => {
    await Promise.all([database, connect(), connect()].map((each) => each.migrate(migrations)));
    expect(await createCustomers().list()).toHaveLength(32);
    const count = { name: 'count', text: 'SELECT count(*)::int AS rides FROM customer.ride_history' };
    expect(await database.query(count, [])).toEqual([{ rides: 32 * 60 }]);
  });
});

describe('the time of a lookup', () => {
  const meanMs = 60;

  it.each([
    ['is the delay', 123, 0.1, 1],
    ['is the delay of a slow customer who is lucky', 57319, 0.9, 1],
    ['is five times that, once, of one who is not', 88654, 0.1, 5],
  ])('%s, inside the statement (%i)', async (_what, id, draw, factor) => {
    const elapsed = await millisecondsOf(() => createCustomers({ meanMs, draw }).find(id));
    expect(elapsed).toBeGreaterThanOrEqual(factor * meanMs - 5);
    // Slept for each of the 60 rides of the history it would be longer by far.
    expect(elapsed).toBeLessThan(factor * meanMs * 40);
  });

  it('does not hold others up: lookups run side by side', async () => {
    const customers = createCustomers({ meanMs: 1_000 });
    const elapsed = await millisecondsOf(() => Promise.all(Array.from({ length: 10 }, () => customers.find(123))));
    expect(elapsed).toBeLessThan(10 * 1_000);
  });
});
