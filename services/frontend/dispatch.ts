import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';

import type { Customers } from '@hotrod/customer/contract';
import type { Driver, Drivers } from '@hotrod/driver/contract';
import { currentDeadline } from '@hotrod/kit/deadline';
import { ServiceError } from '@hotrod/kit/errors';
import type { Location } from '@hotrod/kit/location';
import type { WorkerPool } from '@hotrod/kit/worker-pool';
import type { Route, Routes } from '@hotrod/route/contract';

import type { Admission, Admitted } from './admission.ts';
import type { Dispatch } from './contract.ts';
import type { Order } from './order.ts';
import type { DispatchTelemetry } from './telemetry.ts';

export interface DispatchDependencies {
  customers: Customers;
  drivers: Drivers;
  routes: Routes;
  pool: WorkerPool;
  admission: Admission;
}

/** How often drivers are looked for before a ride is given up. */
const searches = 3;

interface Candidate {
  driver: Driver;
  route: Route;
}

/**
 * Finds a ride for a customer: the customer's place, the nearest free drivers, a route for each of them, and from these
 * the driver who is there first and still free. A ride that would wait too long for a route worker is refused at once.
 *
 * @throws {ServiceError} the failure of any step; a ride is complete or it is an error.
 */
export function createDispatch({ customers, drivers, routes, pool, admission }: DispatchDependencies) {
  return async function dispatch(order: Order, telemetry: DispatchTelemetry): Promise<Dispatch> {
    telemetry.ordered(order, pool.size);
    const admitted = admission.enter();
    try {
      const customer = await telemetry.phase('customer', () => customers.find(order.customerId));
      telemetry.customerFound(customer);
      return await telemetry.onBehalfOf(customer, async () => {
        const { driver, route } = await findDriver(customer.location, telemetry, admitted);
        return {
          requestId: order.requestId,
          customer,
          driver,
          etaSeconds: route.etaSeconds,
          etaMinutes: Math.max(1, Math.round(route.etaSeconds / 60)),
          distance: route.distanceMeters,
          route: route.path,
        };
      });
    } finally {
      admitted.left();
    }
  };

  /**
   * The soonest driver that no other ride took in the meantime. If other rides took all that were near, drivers are
   * searched again: the search leaves out those who have a ride.
   */
  async function findDriver(to: Location, telemetry: DispatchTelemetry, admitted: Admitted): Promise<Candidate> {
    const rideId = randomUUID();
    let attempts = 0;
    for (let search = 1; search <= searches; search += 1) {
      const found = await telemetry.phase('drivers', () => drivers.findNearest(to));
      telemetry.driversFound(found);
      admitted.reachedPool();
      const candidates = await telemetry.phase('routes', () => routeAll(found.drivers, to, telemetry));
      const claimed = await telemetry.phase('claim', () => claimFirst(candidates, rideId, () => (attempts += 1)));
      if (claimed) {
        telemetry.claimed(claimed.driver, claimed.route, attempts);
        return claimed;
      }
    }
    throw new ServiceError('unavailable', 'No driver near this customer is free now; try again in a moment.');
  }

  /** A route for every driver, as many at once as the pool allows; soonest first. */
  async function routeAll(found: readonly Driver[], to: Location, telemetry: DispatchTelemetry): Promise<Candidate[]> {
    return telemetry.computingRoutes(async () => {
      const waits: number[] = [];
      // If one route fails, the ride has failed. Its routes that still wait must not keep workers from the next ride.
      const failed = new AbortController();
      // The same when nobody waits for the ride any more.
      const over = currentDeadline()?.signal;
      const signal = over ? AbortSignal.any([failed.signal, over]) : failed.signal;
      setMaxListeners(0, signal);
      const candidates = await Promise.all(
        found.map(async (driver) => {
          try {
            return await pool.run(async ({ waitMs }) => {
              waits.push(waitMs);
              try {
                return { driver, route: await routes.compute(driver.location, to) };
              } catch (error) {
                failed.abort(error); // before the worker is free for the next in line
                throw error;
              }
            }, signal);
          } catch (error) {
            throw explainLate(error);
          }
        }),
      );
      telemetry.routesComputed(waits);
      return candidates.toSorted((a, b) => a.route.etaSeconds - b.route.etaSeconds);
    });
  }

  /** The first of the candidates that can still be had; null if there is none. */
  async function claimFirst(
    candidates: readonly Candidate[],
    rideId: string,
    onAttempt: () => void,
  ): Promise<Candidate | null> {
    for (const candidate of candidates) {
      onAttempt();
      try {
        await drivers.claim(candidate.driver.id, rideId);
        return candidate;
      } catch (error) {
        if (!(error instanceof ServiceError && error.code === 'conflict')) throw error;
      }
    }
    return null;
  }
}

/** Says why a ride ran out of time while it waited for a worker, which computes routes. The error cannot know that. */
function explainLate(error: unknown): unknown {
  if (!(error instanceof ServiceError && error.code === 'deadline_exceeded')) return error;
  return new ServiceError(
    'deadline_exceeded',
    'Not all routes were computed in time: the route service is slow or hangs, or many rides are under way.',
    { cause: error },
  );
}
