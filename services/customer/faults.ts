import type { Flags } from '@hotrod/kit/flags';

import type { Customer, Customers } from './contract.ts';
import { telemetry } from './telemetry.ts';

/** The leak stops here, so that a demo does not die of it. */
const mostLeaked = 1_000;

/**
 * Customers with the faults of `faults/` that are about them. Each is off unless its flag is switched on.
 *
 * @param withPool the same customers over a pool of so many connections.
 */
export function createFaultyCustomers(options: {
  customers: Customers;
  flags: Flags;
  withPool: (size: number) => Customers;
}): Customers {
  const { customers, flags, withPool } = options;
  const leaked: { customer: Customer; ballast: Buffer }[] = [];
  const seen = new Set<number>();

  /** Fault pool-of-one: every look-up goes through a pool that is too small. */
  async function source(): Promise<Customers> {
    const connections = await flags.number('pool-of-one', 0);
    return connections > 0 ? withPool(connections) : customers;
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
    for (let lookup = 1; !hit && lookup < lookups; lookup += 1) await found.find(id);
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
    async find(id) {
      const customer = await findCold(id);
      await leak(customer);
      return customer;
    },
    list: () => customers.list(),
  };
}
