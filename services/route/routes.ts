import { type Delay, pause } from '@hotrod/kit/delays';
import { parseLocation } from '@hotrod/kit/location';
import type { Random } from '@hotrod/kit/random';
import type { Express } from 'express';

import { computeRoute } from './compute-route.ts';
import { telemetry } from './telemetry.ts';

/** `GET /route?pickup=x,y&dropoff=x,y`. */
export function routeRoutes(options: {
  /** Runs before each calculation; throws if that is to fail. */
  faults?: () => Promise<void>;
  random: Random;
  delay: Delay;
  speedMetersPerSecond: number;
}): (app: Express) => void {
  return (app) => {
    app.get('/route', async (request, response) => {
      const pickup = parseLocation('pickup', request.query['pickup']);
      const dropoff = parseLocation('dropoff', request.query['dropoff']);
      const start = performance.now();
      await options.faults?.();
      await pause(options.random, options.delay);
      const route = computeRoute(pickup, dropoff, options.speedMetersPerSecond);
      telemetry.routeComputed(route, (performance.now() - start) / 1000);
      response.json(route);
    });
  };
}
