import type { ServiceClient } from '@hotrod/kit/client';
import { formatLocation } from '@hotrod/kit/location';

import { type Routes, routeSchema } from './contract.ts';

/** The route service, over HTTP. */
export function createRoutesClient(client: ServiceClient): Routes {
  return {
    compute: (pickup, dropoff) =>
      client.get('/route', { pickup: formatLocation(pickup), dropoff: formatLocation(dropoff) }, routeSchema),
  };
}
