import type { Customer } from '@hotrod/customer/contract';
import { ServiceError } from '@hotrod/kit/errors';
import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { dispatchSchema, pageConfigSchema } from './contract.ts';
import type { Order } from './order.ts';
import { createRideFeed } from './ride-feed.ts';
import { frontendRoutes } from './routes.ts';

const customer: Customer = { id: 123, name: "Rachel's Floral Designs", location: { x: 115, y: 277 } };
const release = { traceUrl: null, observatoryUrl: null, release: '1.2.3', revision: 'abc1234', environment: 'local' };

let orders: Order[];
let lines: Record<string, unknown>[];
let server: RunningServer;
beforeAll(async () => {
  const logger = createLogger('test', 'info', {
    write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const routes = frontendRoutes({
    async dispatch(order) {
      orders.push(order);
      if (order.customerId === 999) throw new ServiceError('not_found', 'There is no customer 999.');
      if (order.customerId === 500) throw new Error('password=hunter2');
      return {
        requestId: order.requestId,
        customer,
        driver: { id: 'T70', location: { x: 1, y: 2 } },
        etaSeconds: 90,
        etaMinutes: 2,
        distance: 450,
        route: [],
      };
    },
    customers: { find: () => Promise.resolve(customer), list: () => Promise.resolve([customer]) },
    release,
    logger,
    feed: createRideFeed(),
  });
  server = await listen(createApp({ logger, ready: {}, routes }), '127.0.0.1', 0);
});
beforeEach(() => {
  orders = [];
  lines = [];
});
afterAll(() => server.close());

const dispatch = (query: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/dispatch${query}`, { headers });

describe('GET /dispatch', () => {
  it('answers with the ride, and logs it in one line', async () => {
    const response = await dispatch('?customer=123', { client: 'c1' });
    expect(response.status).toBe(200);
    const ride = dispatchSchema.parse(await response.json());
    expect(ride.driver.id).toBe('T70');
    expect(orders).toEqual([{ customerId: 123, clientId: 'c1', requestId: ride.requestId }]);
    expect(lines).toMatchObject([{ msg: 'Ride dispatched', customer: customer.name, driver: 'T70', eta_seconds: 90 }]);
  });

  it('gives an order without an id its own, each another', async () => {
    await Promise.all([dispatch('?customer=123'), dispatch('?customer=123')]);
    expect(new Set(orders.map(({ requestId }) => requestId)).size).toBe(2);
    expect(orders.map(({ clientId }) => clientId)).toEqual(['anonymous', 'anonymous']);
  });

  it.each(['', 'x'.repeat(65), 'two words', 'tab\there', 'ünicode'])(
    'calls a client anonymous whose id is not fit for a log: %j',
    async (client) => {
      await dispatch('?customer=123', { client: Buffer.from(client).toString('latin1') });
      expect(orders).toMatchObject([{ clientId: 'anonymous' }]);
    },
  );

  it.each(['', '?customer=', '?customer=abc', '?customer=1.5', '?customer=-1', '?customer=1&customer=2', '?id=123'])(
    'refuses %j before anything is asked',
    async (query) => {
      const response = await dispatch(query);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'invalid_argument' });
      expect(orders).toEqual([]);
    },
  );

  it('answers with the failure of the dispatch', async () => {
    const response = await dispatch('?customer=999');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'not_found', detail: 'There is no customer 999.' });
    expect(lines.map(({ msg }) => msg)).toEqual(['There is no customer 999.']);
  });

  it('answers 500 for what nobody foresaw, without telling what, and logs why', async () => {
    const response = await dispatch('?customer=500');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('hunter2');
    expect(lines).toMatchObject([{ level: 50, err: { message: 'password=hunter2' } }]);
  });
});

describe('GET /config', () => {
  it('tells the page all that it needs', async () => {
    const config = pageConfigSchema.parse(await (await fetch(`${server.url}/config`)).json());
    expect(config).toEqual({ customers: [customer], city: { width: 1000, height: 1000 }, ...release });
  });
});
