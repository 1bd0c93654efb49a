import { ServiceError } from '@hotrod/kit/errors';
import { parseLocation } from '@hotrod/kit/location';
import express, { type Express } from 'express';
import { z } from 'zod';

import type { Drivers } from './contract.ts';
import { telemetry } from './telemetry.ts';

/** Only printable characters: Postgres takes no NUL in a text, and no id of ours has anything else. */
const id = z.string().regex(/^[\x20-\x7e]+$/);
const claimBody = z.object({ driverId: id.max(32), rideId: id.max(200) });

/** `GET /nearest-drivers?location=x,y` and `POST /claim`. */
export function driverRoutes(drivers: Drivers): (app: Express) => void {
  return (app) => {
    app.get('/nearest-drivers', async (request, response) => {
      const found = await drivers.findNearest(parseLocation('location', request.query['location']));
      telemetry.driversFound(found);
      response.json(found);
    });
    app.post('/claim', express.json({ limit: '1kb' }), async (request, response) => {
      const parsed = claimBody.safeParse(request.body);
      if (!parsed.success)
        throw new ServiceError('invalid_argument', 'The body must be JSON with "driverId" and "rideId".');
      const { driverId, rideId } = parsed.data;
      await drivers.claim(driverId, rideId);
      telemetry.driverClaimed(driverId);
      response.json({ driverId, rideId });
    });
  };
}
