import type { ServiceClient } from '@hotrod/kit/client';
import { formatLocation } from '@hotrod/kit/location';
import { z } from 'zod';

import { type Drivers, nearestDriversSchema } from './contract.ts';

/** The driver service, over HTTP. */
export function createDriversClient(client: ServiceClient): Drivers {
  return {
    findNearest: (location) =>
      client.get('/nearest-drivers', { location: formatLocation(location) }, nearestDriversSchema),
    claim: async (driverId, rideId) => {
      await client.post('/claim', { driverId, rideId }, z.unknown());
    },
  };
}
