import { createServiceClient, type ServiceClient } from '@hotrod/kit/client';
import { ServiceError } from '@hotrod/kit/errors';
import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createCustomersClient } from './client.ts';
import type { Customer, Customers } from './contract.ts';
import { customerRoutes } from './routes.ts';

const rachel: Customer = { id: 123, name: "Rachel's Floral Designs", location: { x: 115, y: 277 } };
const asked: number[] = [];
const customers: Customers = {
  async find(id) {
    asked.push(id);
    if (id !== rachel.id) throw new ServiceError('not_found', `There is no customer ${id}.`);
    return rachel;
  },
  list: () => Promise.resolve([rachel]),
};

let server: RunningServer;
let client: ServiceClient;
let remote: Customers;
beforeAll(async () => {
  const app = createApp({ logger: createLogger('test', 'silent'), ready: {}, routes: customerRoutes(customers) });
  server = await listen(app, '127.0.0.1', 0);
  client = createServiceClient({ service: 'customer', baseUrl: server.url, timeoutMs: 5_000, connections: 2 });
  remote = createCustomersClient(client);
});
afterAll(async () => {
  await client.close();
  await server.close();
});

describe('the customer service, through its own client', () => {
  it('finds a customer, and lists all', async () => {
    expect(await remote.find(123)).toEqual(rachel);
    expect(await remote.list()).toEqual([rachel]);
  });

  it('says by the same error that there is none', async () => {
    await expect(remote.find(999)).rejects.toMatchObject({
      name: 'ServiceError',
      code: 'not_found',
      message: 'There is no customer 999.',
    });
  });

  it.each([
    '',
    '?customer=',
    '?customer=abc',
    '?customer=1.5',
    '?customer=-1',
    '?customer=1e3',
    '?customer=%20123',
    '?customer=123%0A',
    '?customer=9999999999',
    '?customer=123&customer=392',
    '?customer[]=123',
    '?customer[$gt]=1',
  ])('refuses %j before any database is asked', async (query) => {
    const before = asked.length;
    const response = await fetch(`${server.url}/customer${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_argument' });
    expect(asked).toHaveLength(before);
  });
});
