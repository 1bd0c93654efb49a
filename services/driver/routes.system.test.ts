import { createServiceClient, type ServiceClient } from '@hotrod/kit/client';
import { ServiceError } from '@hotrod/kit/errors';
import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createDriversClient } from './client.ts';
import type { Drivers } from './contract.ts';
import { driverRoutes } from './routes.ts';

const found = { drivers: [{ id: 'T70', location: { x: 1, y: 2 } }], failedReads: 2 };
const claims: string[][] = [];
const drivers: Drivers = {
  findNearest: (location) => Promise.resolve(location.x === 500 ? { drivers: [], failedReads: 0 } : found),
  async claim(driverId, rideId) {
    claims.push([driverId, rideId]);
    if (driverId === 'taken') throw new ServiceError('conflict', 'Driver taken has another ride.');
  },
};

let server: RunningServer;
let client: ServiceClient;
let remote: Drivers;
beforeAll(async () => {
  const app = createApp({ logger: createLogger('test', 'silent'), ready: {}, routes: driverRoutes(drivers) });
  server = await listen(app, '127.0.0.1', 0);
  client = createServiceClient({ service: 'driver', baseUrl: server.url, timeoutMs: 5_000, connections: 2 });
  remote = createDriversClient(client);
});
afterAll(async () => {
  await client.close();
  await server.close();
});

describe('the driver service, through its own client', () => {
  it('finds drivers', async () => {
    expect(await remote.findNearest({ x: 1, y: 2 })).toEqual(found);
    expect(await remote.findNearest({ x: 500, y: 2 })).toEqual({ drivers: [], failedReads: 0 });
  });

  it('claims a driver', async () => {
    await remote.claim('T70', 'ride 1');
    expect(claims.at(-1)).toEqual(['T70', 'ride 1']);
  });

  it('says by the same error that a driver is taken', async () => {
    await expect(remote.claim('taken', 'ride 1')).rejects.toMatchObject({
      code: 'conflict',
      message: 'Driver taken has another ride.',
    });
  });

  it.each(['', '?location=', '?location=here', '?location=1,2&location=3,4'])(
    'refuses a search for %j',
    async (query) => {
      const response = await fetch(`${server.url}/nearest-drivers${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'invalid_argument' });
    },
  );

  it.each([
    {},
    { driverId: 'T70' },
    { driverId: '', rideId: 'x' },
    { driverId: 7, rideId: 'x' },
    { driverId: 'x'.repeat(33), rideId: 'x' },
    { driverId: 'T70', rideId: 'x'.repeat(201) },
    { driverId: 'T\0', rideId: 'x' }, // Postgres takes no NUL
    { driverId: 'T70', rideId: 'ride\0' },
    [],
    null,
  ])('refuses the claim %j', async (body) => {
    const before = claims.length;
    await expect(client.post('/claim', body, z.unknown())).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(claims).toHaveLength(before);
  });

  it('refuses a claim that is no JSON', async () => {
    const response = await fetch(`${server.url}/claim`, { method: 'POST', body: 'driverId=T70' });
    expect(response.status).toBe(400);
  });
});
