import type { Database } from '@hotrod/kit/database';
import type { Flags } from '@hotrod/kit/flags';

import type { Customer, Customers } from './contract.ts';
import { telemetry } from './telemetry.ts';

/** The leak stops here, so that a demo does not die of it. */
const mostLeaked = 1_000;

/**
 * Customers with the faults of `faults/` that are about them. Each is off unless its flag is switched on.
 *
 * @param openDatabase a pool of so many connections, for the fault that has too few.
 * @param customersOver the same customers over another pool.
 */
export function createFaultyCustomers(options: {
  customers: Customers;
  flags: Flags;
  openDatabase: (poolSize: number) => Database;
  customersOver: (database: Database) => Customers;
}): { customers: Customers; close(): Promise<void> } {
  const { customers, flags, openDatabase, customersOver } = options;
  const narrow = new Map<number, { database: Database; customers: Customers }>();
  const leaked: { customer: Customer; ballast: Buffer }[] = [];
  const seen = new Set<number>();

  /** Fault pool-of-one: every look-up goes through a pool that is too small. */
  async function source(): Promise<Customers> {
    const connections = await flags.number('pool-of-one', 0);
    if (connections === 0) return customers;
    let pool = narrow.get(connections);
    if (!pool) {
      const database = openDatabase(connections);
      narrow.set(connections, (pool = { database, customers: customersOver(database) }));
    }
    return pool.customers;
  }

  /** Fault cold-cache: a customer whom this process has not seen yet costs several look-ups. */
  async function findCold(id: number): Promise<Customer> {
    const lookups = await flags.number('cold-cache', 0);
    const found = await source();
    if (lookups === 0) {
      seen.clear();
      return found.find(id);
    }
    const hit = seen.has(id);
    telemetry.cacheAsked(hit);
    const extra = hit ? 0 : lookups - 1;
    for (let lookup = 0; lookup < extra; lookup += 1) await found.find(id);
    const customer = await found.find(id);
    seen.add(id);
    return customer;
  }

  /** Fault memory-leak: every answer is kept, and none is ever used again. */
  async function leak(customer: Customer): Promise<void> {
    const kibibytes = await flags.number('memory-leak', 0);
    if (kibibytes === 0) {
      leaked.length = 0;
      return;
    }
    if (leaked.length < mostLeaked) leaked.push({ customer, ballast: Buffer.alloc(kibibytes * 1024, 1) });
    telemetry.cacheKept(leaked.length);
  }

  return {
    customers: {
      async find(id) {
        const customer = await findCold(id);
        await leak(customer);
        return customer;
      },
      list: () => customers.list(),
    },
    close: async () => {
      await Promise.all([...narrow.values()].map(({ database }) => database.close()));
    },
  };
}
