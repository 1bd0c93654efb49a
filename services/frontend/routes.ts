import { randomUUID } from 'node:crypto';

import type { Customers } from '@hotrod/customer/contract';
import { ServiceError, toServiceError } from '@hotrod/kit/errors';
import type { Logger } from '@hotrod/kit/logging';
import type { Express, Request } from 'express';
import { z } from 'zod';

import type { Dispatch, PageConfig } from './contract.ts';
import { foreignId, type Order } from './order.ts';
import type { FollowedRide, RideFeed } from './ride-feed.ts';
import {
  createDispatchTelemetry,
  currentTraceId,
  dispatchEnded,
  type DispatchTelemetry,
  faultsInForce,
  inSession,
  requestIdFromBaggage,
} from './telemetry.ts';

const customerId = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

/** The city's size in its own units, of fifty metres each. */
const city = { width: 1000, height: 1000 };

/** `GET /dispatch?customer=ID` and `GET /config`. */
export function frontendRoutes(options: {
  dispatch: (order: Order, telemetry: DispatchTelemetry) => Promise<Dispatch>;
  customers: Customers;
  release: Omit<PageConfig, 'customers' | 'city'>;
  logger: Logger;
  /** Is called for every ride. */
  feed: RideFeed;
  /** Keys of the fault flags in force. */
  faults?: () => readonly string[];
}): (app: Express) => void {
  const { dispatch, customers, release, logger, feed } = options;
  return (app) => {
    app.get('/dispatch', async (request, response) => {
      let ride: FollowedRide | undefined;
      try {
        const order = parseOrder(request);
        ride = feed.ordered(order);
        faultsInForce(options.faults?.() ?? []);
        const dispatched = await inSession(order, () => dispatch(order, createDispatchTelemetry()));
        dispatchEnded();
        ride.dispatched(dispatched, currentTraceId());
        logger.info(
          { customer: dispatched.customer.name, driver: dispatched.driver.id, eta_seconds: dispatched.etaSeconds },
          'Ride dispatched',
        );
        response.json(dispatched);
      } catch (error) {
        const failure = toServiceError(error);
        dispatchEnded(failure);
        ride?.failed(failure, currentTraceId());
        throw error;
      }
    });
    app.get('/config', async (_request, response) => {
      const config: PageConfig = { customers: await customers.list(), city, ...release };
      response.json(config);
    });
  };
}

function parseOrder(request: Request): Order {
  const parsed = customerId.safeParse(request.query['customer']);
  if (!parsed.success)
    throw new ServiceError('invalid_argument', 'The parameter "customer" must be a whole number, such as 123.');
  return {
    customerId: parsed.data,
    clientId: acceptable(request.get('client')) ?? 'anonymous',
    requestId: acceptable(requestIdFromBaggage()) ?? randomUUID(),
  };
}

function acceptable(id: string | undefined): string | undefined {
  return foreignId.safeParse(id).data;
}
