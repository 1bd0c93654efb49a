import type { Database, Statement } from '@hotrod/kit/database';
import { createSeededRandom } from '@hotrod/kit/random';
import { beforeEach, describe, expect, it } from 'vitest';

import { createCustomersDatabase } from './database.ts';

const slowOnes = [57319, 88654];
const others = [123, 392, 567, 731, 12323, 57318, 57320, 88653, 88655];
const requests = 2_000;

let asked: { statement: Statement; id: number; delayMs: number }[];
beforeEach(() => {
  asked = [];
});

function createCustomers(options: { slowFactor: number; deviationMs?: number; rows?: unknown[]; seed?: number }) {
  const never = () => Promise.reject(new Error('not asked for here'));
  const database: Database = {
    async query<R>(statement: Statement, values: readonly unknown[]) {
      const [id, delayMs] = values as [number, number];
      asked.push({ statement, id, delayMs });
      return (options.rows ?? [{ id, name: 'Somebody', x: 3, y: 4 }]) as R[];
    },
    withSession: never,
    migrate: never,
    ready: never,
    close: never,
  };
  return createCustomersDatabase({
    database,
    random: createSeededRandom(options.seed ?? 11),
    delay: { meanMs: 400, deviationMs: options.deviationMs ?? 0 },
    slowFactor: options.slowFactor,
  });
}

describe('finding a customer', () => {
  it('answers with the customer', async () => {
    const customers = createCustomers({ slowFactor: 5 });
    expect(await customers.find(123)).toEqual({ id: 123, name: 'Somebody', location: { x: 3, y: 4 } });
  });

  it('fails when there is none', async () => {
    const customers = createCustomers({ slowFactor: 5, rows: [] });
    await expect(customers.find(999)).rejects.toMatchObject({
      code: 'not_found',
      message: 'There is no customer 999.',
    });
  });

  it('passes the id as a parameter, never as text of the statement', async () => {
    await createCustomers({ slowFactor: 5 }).find(123);
    expect(asked[0]?.id).toBe(123);
    expect(asked[0]?.statement.text).not.toContain('123');
  });
});

describe('the planted bug', () => {
  it.each(slowOnes)(
    'makes about half of the requests for %i run a slower statement, which takes five times as long',
    async (id) => {
      const customers = createCustomers({ slowFactor: 5 });
      for (let request = 0; request < requests; request += 1) await customers.find(id);
      const [normal] = asked.filter(({ delayMs }) => delayMs === 400);
      const [dear] = asked.filter(({ delayMs }) => delayMs === 2_000);
      const share = asked.filter(({ statement }) => statement === dear?.statement).length / requests;
      // Half, within five standard errors: √(¼ ÷ n) each.
      expect(Math.abs(share - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / requests));
      expect(dear?.statement.name).not.toBe(normal?.statement.name);
      for (const { statement, delayMs } of asked) expect(delayMs).toBe(statement === dear?.statement ? 2_000 : 400);
    },
  );

  it('affects no other customer', async () => {
    const customers = createCustomers({ slowFactor: 5 });
    for (const id of others) for (let request = 0; request < 100; request += 1) await customers.find(id);
    expect(new Set(asked.map(({ statement }) => statement.name))).toEqual(new Set(['find-customer']));
    expect(new Set(asked.map(({ delayMs }) => delayMs))).toEqual(new Set([400]));
  });

  it('is gone when the factor is 1: one change of one number', async () => {
    const customers = createCustomers({ slowFactor: 1 });
    for (const id of slowOnes) for (let request = 0; request < 200; request += 1) await customers.find(id);
    expect(new Set(asked.map(({ delayMs }) => delayMs))).toEqual(new Set([400]));
  });

  it('makes two separate bands with the default delays', async () => {
    const customers = createCustomers({ slowFactor: 5, deviationMs: 40 });
    for (let request = 0; request < requests; request += 1) await customers.find(57319);
    const delays = asked.map(({ delayMs }) => delayMs).toSorted((a, b) => a - b);
    const gaps = delays.map((delay, index) => delay - (delays[index - 1] ?? delay));
    expect(Math.max(...gaps)).toBeGreaterThan(400);
    expect(delays.filter((delay) => delay > 1_000).length / requests).toBeCloseTo(0.5, 1);
  });
});

describe('the list', () => {
  it('returns the customers of the database', async () => {
    const customers = createCustomers({ slowFactor: 5, rows: [{ id: 1, name: 'A', x: 2, y: 3 }] });
    expect(await customers.list()).toEqual([{ id: 1, name: 'A', location: { x: 2, y: 3 } }]);
  });
});
