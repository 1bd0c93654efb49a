import { createSeededRandom } from '@hotrod/kit/random';
import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { createServiceClient, type ServiceClient } from '@hotrod/kit/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createRoutesClient } from './client.ts';
import type { Routes } from './contract.ts';
import { routeRoutes } from './routes.ts';

const logger = createLogger('test', 'silent');
let server: RunningServer;
let client: ServiceClient;
let routes: Routes;
beforeAll(async () => {
  const delay = { meanMs: 0, deviationMs: 0 };
  const handlers = routeRoutes({ random: createSeededRandom(1), delay, speedMetersPerSecond: 5 });
  server = await listen(createApp({ logger, ready: {}, routes: handlers }), '127.0.0.1', 0);
  client = createServiceClient({ service: 'route', baseUrl: server.url, timeoutMs: 5_000, connections: 2 });
  routes = createRoutesClient(client);
});
afterAll(async () => {
  await client.close();
  await server.close();
});

describe('the route service, through its own client', () => {
  it('answers with a route', async () => {
    expect(await routes.compute({ x: 0.5, y: 0 }, { x: 1.5, y: 2 })).toEqual({
      distanceMeters: 150,
      etaSeconds: 30,
      path: [
        { x: 0.5, y: 0 },
        { x: 1.5, y: 0 },
        { x: 1.5, y: 2 },
      ],
    });
  });

  it.each([
    ['', 'pickup'],
    ['?pickup=1,2', 'dropoff'],
    ['?pickup=1,2&dropoff=there', 'dropoff'],
    ['?pickup=1,2&pickup=3,4&dropoff=3,4', 'pickup'],
  ])('refuses %j, naming the parameter', async (query, parameter) => {
    const response = await fetch(`${server.url}/route${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'invalid_argument',
      detail: expect.stringContaining(`"${parameter}"`),
    });
  });
});
