import { setTimeout as sleep } from 'node:timers/promises';

import type { Customer, Customers } from '@hotrod/customer/contract';
import type { Driver, Drivers } from '@hotrod/driver/contract';
import { withDeadline } from '@hotrod/kit/deadline';
import { ServiceError } from '@hotrod/kit/errors';
import { createSeededRandom } from '@hotrod/kit/random';
import { createWorkerPool } from '@hotrod/kit/worker-pool';
import type { Routes } from '@hotrod/route/contract';
import { beforeEach, describe, expect, it } from 'vitest';

import type { Admission } from './admission.ts';
import { createDispatch } from './dispatch.ts';
import type { DispatchTelemetry } from './telemetry.ts';

const customer: Customer = { id: 123, name: "Rachel's Floral Designs", location: { x: 115, y: 277 } };
const order = { customerId: 123, clientId: 'c1', requestId: 'c1-1' };

let told: unknown[][];
let claims: { driverId: string; rideId: string }[];
let computed = 0;
beforeEach(() => {
  told = [];
  claims = [];
  computed = 0;
});

/** Notes what it is told, in order. */
function createTelemetry(): DispatchTelemetry {
  const note =
    (name: string) =>
    (...what: unknown[]) =>
      void told.push([name, ...what]);
  const around =
    (name: string) =>
    async <T>(work: () => Promise<T>): Promise<T> => {
      note(`${name} begins`)();
      try {
        return await work();
      } finally {
        note(`${name} ends`)();
      }
    };
  return {
    ordered: note('ordered'),
    phase: (name, work) => around(name)(work),
    customerFound: note('customer found'),
    onBehalfOf: (whom, work) => around(`on behalf of ${whom.id}`)(work),
    driversFound: note('drivers found'),
    computingRoutes: (work) => around('computing')(work),
    routesComputed: note('routes computed'),
    claimed: note('claimed'),
  };
}

/** Drivers A, B, C …, one for each number of seconds that they need. */
function createDrivers(etas: readonly number[]): Driver[] {
  return etas.map((eta, index) => ({ id: String.fromCodePoint(65 + index), location: { x: eta, y: 0 } }));
}

/** In-memory services around the drivers given; each test replaces what it is about. */
function createSuite(options: {
  etas?: readonly number[];
  customers?: Partial<Customers>;
  drivers?: Partial<Drivers>;
  compute?: Routes['compute'];
  poolSize?: number;
  pool?: ReturnType<typeof createWorkerPool>;
  admission?: Admission;
}) {
  const drivers = createDrivers(options.etas ?? [300, 90, 200]);
  const dispatch = createDispatch({
    customers: { find: () => Promise.resolve(customer), list: () => Promise.resolve([customer]), ...options.customers },
    drivers: {
      findNearest: () => Promise.resolve({ drivers, failedReads: 2 }),
      claim: () => Promise.resolve(),
      ...options.drivers,
    },
    routes: {
      compute: async (from, to) => {
        computed += 1;
        if (options.compute) return options.compute(from, to);
        return { etaSeconds: from.x, distanceMeters: from.x * 5, path: [from, to] };
      },
    },
    pool: options.pool ?? createWorkerPool(options.poolSize ?? 3),
    admission: options.admission ?? { enter: () => ({ reachedPool: () => {}, left: () => {} }) },
  });
  return () => dispatch(order, createTelemetry());
}

/** A `claim` that notes who asks for whom, and refuses these drivers. */
const claimExcept =
  (...taken: string[]): Drivers['claim'] =>
  async (driverId, rideId) => {
    claims.push({ driverId, rideId });
    if (taken.includes(driverId)) throw new ServiceError('conflict', `Driver ${driverId} has another ride.`);
  };

describe('a dispatch', () => {
  it('answers with the whole ride', async () => {
    const dispatch = createSuite({ drivers: { claim: claimExcept() } });
    expect(await dispatch()).toEqual({
      requestId: 'c1-1',
      customer,
      driver: { id: 'B', location: { x: 90, y: 0 } },
      etaSeconds: 90,
      etaMinutes: 2,
      distance: 450,
      route: [{ x: 90, y: 0 }, customer.location],
    });
    expect(claims.map(({ driverId }) => driverId)).toEqual(['B']);
  });

  it('looks for drivers where the customer is', async () => {
    const places: unknown[] = [];
    const dispatch = createSuite({
      drivers: {
        findNearest: (place) => {
          places.push(place);
          return Promise.resolve({ drivers: createDrivers([60]), failedReads: 0 });
        },
      },
    });
    await dispatch();
    expect(places).toEqual([customer.location]);
  });

  it('sends the driver with the shortest time, in whatever order the routes arrive', async () => {
    const random = createSeededRandom(4);
    for (let round = 0; round < 20; round += 1) {
      const etas = Array.from({ length: 10 }, () => Math.ceil(random() * 1_000));
      const delays = new Map(etas.map((eta) => [eta, random() * 3]));
      const dispatch = createSuite({
        etas,
        async compute(from) {
          await sleep(delays.get(from.x));
          return { etaSeconds: from.x, distanceMeters: 1, path: [] };
        },
      });
      expect((await dispatch()).etaSeconds).toBe(Math.min(...etas));
    }
  });

  it('answers at least one minute', async () => {
    expect(await createSuite({ etas: [3] })()).toMatchObject({ etaSeconds: 3, etaMinutes: 1 });
    expect(await createSuite({ etas: [89] })()).toMatchObject({ etaMinutes: 1 });
    expect(await createSuite({ etas: [91] })()).toMatchObject({ etaMinutes: 2 });
  });

  it('tells its telemetry of every phase, in order', async () => {
    await createSuite({ poolSize: 2 })();
    expect(told.map(([name]) => name)).toEqual([
      'ordered',
      'customer begins',
      'customer ends',
      'customer found',
      'on behalf of 123 begins',
      'drivers begins',
      'drivers ends',
      'drivers found',
      'routes begins',
      'computing begins',
      'routes computed',
      'computing ends',
      'routes ends',
      'claim begins',
      'claim ends',
      'claimed',
      'on behalf of 123 ends',
    ]);
    const of = (name: string) => told.find(([other]) => other === name)?.slice(1);
    expect(of('ordered')).toEqual([order, 2]);
    expect(of('customer found')).toEqual([customer]);
    expect(of('drivers found')).toMatchObject([{ failedReads: 2, drivers: [{}, {}, {}] }]);
    expect(of('routes computed')).toEqual([[expect.any(Number), expect.any(Number), expect.any(Number)]]);
    expect(of('claimed')).toEqual([
      { id: 'B', location: { x: 90, y: 0 } },
      expect.objectContaining({ etaSeconds: 90 }),
      1,
    ]);
  });
});

describe('a driver who is taken', () => {
  it('stays with the other ride, and the next best comes', async () => {
    const dispatch = createSuite({ etas: [300, 90, 200], drivers: { claim: claimExcept('B') } });
    expect(await dispatch()).toMatchObject({ driver: { id: 'C' }, etaSeconds: 200 });
    expect(claims.map(({ driverId }) => driverId)).toEqual(['B', 'C']);
    expect(told.find(([name]) => name === 'claimed')?.at(-1)).toBe(2);
  });

  it('is claimed for the same ride as the others, and for another ride next time', async () => {
    const dispatch = createSuite({ drivers: { claim: claimExcept('B') } });
    await dispatch();
    await dispatch();
    const rides = claims.map(({ rideId }) => rideId);
    expect(rides[0]).toBe(rides[1]);
    expect(rides[2]).toBe(rides[3]);
    expect(new Set(rides).size).toBe(2);
  });

  it('is searched again when others took all who were near', async () => {
    let searches = 0;
    const dispatch = createSuite({
      drivers: {
        findNearest: () => {
          searches += 1;
          const id = searches === 1 ? 'A' : 'Z';
          return Promise.resolve({ drivers: [{ id, location: { x: 90, y: 0 } }], failedReads: 0 });
        },
        claim: claimExcept('A'),
      },
    });
    expect(await dispatch()).toMatchObject({ driver: { id: 'Z' } });
    expect(claims.map(({ driverId }) => driverId)).toEqual(['A', 'Z']);
    expect(new Set(claims.map(({ rideId }) => rideId)).size).toBe(1);
  });

  it('leaves no ride when all are taken', async () => {
    const dispatch = createSuite({ drivers: { claim: claimExcept('A', 'B', 'C') } });
    await expect(dispatch()).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    expect(claims).toHaveLength(9); // all three, in each of three searches
    expect(told.some(([name]) => name === 'claimed')).toBe(false);
  });

  it('ends the dispatch when the claim itself fails', async () => {
    const down = new ServiceError('dependency_unavailable', 'driver cannot be reached.');
    const dispatch = createSuite({
      drivers: {
        claim: async (driverId, rideId) => {
          claims.push({ driverId, rideId });
          throw down;
        },
      },
    });
    await expect(dispatch()).rejects.toBe(down);
    expect(claims).toHaveLength(1);
  });
});

describe('a step that fails', () => {
  it('leaves no ride when no driver is near', async () => {
    const dispatch = createSuite({ etas: [] });
    await expect(dispatch()).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    expect(computed).toBe(0);
  });

  it.each<[string, Parameters<typeof createSuite>[0], string]>([
    [
      'customer',
      { customers: { find: () => Promise.reject(new ServiceError('not_found', 'There is no customer 123.')) } },
      'not_found',
    ],
    [
      'drivers',
      { drivers: { findNearest: () => Promise.reject(new ServiceError('dependency_timeout', 'late')) } },
      'dependency_timeout',
    ],
    ['routes', { compute: () => Promise.reject(new ServiceError('dependency_failed', 'x')) }, 'dependency_failed'],
  ])('fails the dispatch with its own error, in the phase %s, and ends that phase', async (phase, options, code) => {
    await expect(createSuite({ drivers: { claim: claimExcept() }, ...options })()).rejects.toMatchObject({ code });
    expect(told.at(-1)?.[0]).toBe(phase === 'customer' ? 'customer ends' : 'on behalf of 123 ends');
    expect(told.filter(([name]) => name === `${phase} ends`)).toHaveLength(1);
    expect(claims).toEqual([]);
  });

  it('fails the dispatch even when it is the last route of ten', async () => {
    const etas = Array.from({ length: 10 }, (_, index) => 100 - index);
    const dispatch = createSuite({
      etas,
      drivers: { claim: claimExcept() },
      async compute(from) {
        if (from.x === 91) throw new ServiceError('dependency_failed', 'route: no way');
        return { etaSeconds: from.x, distanceMeters: 1, path: [] };
      },
    });
    await expect(dispatch()).rejects.toMatchObject({ code: 'dependency_failed', message: 'route: no way' });
    expect(claims).toEqual([]);
    expect(told.some(([name]) => name === 'routes computed')).toBe(false);
  });

  it('uses no more workers for a ride that has failed', async () => {
    const pool = createWorkerPool(2);
    const dispatch = createSuite({
      etas: Array.from({ length: 10 }, (_, index) => index + 1),
      pool,
      compute: () => Promise.reject(new ServiceError('dependency_failed', 'route: no way')),
    });
    await expect(dispatch()).rejects.toMatchObject({ message: 'route: no way' });
    await pool.run(() => Promise.resolve()); // behind all that still waited
    expect(computed).toBe(2);
  });
});

describe('the worker pool', () => {
  it('is shared by all dispatches, and fully used', async () => {
    let open = 0;
    let most = 0;
    const dispatch = createSuite({
      etas: Array.from({ length: 10 }, (_, index) => index + 1),
      poolSize: 3,
      async compute(from) {
        open += 1;
        most = Math.max(most, open);
        await sleep(1);
        open -= 1;
        return { etaSeconds: from.x, distanceMeters: 1, path: [] };
      },
    });
    await Promise.all(Array.from({ length: 5 }, dispatch));
    expect(most).toBe(3);
    expect(computed).toBe(50);
  });

  it('refuses a dispatch when too many wait already', async () => {
    const pool = createWorkerPool(1, 10);
    const dispatch = createSuite({ etas: Array.from({ length: 10 }, (_, index) => index + 1), pool });
    const outcomes = await Promise.allSettled(Array.from({ length: 3 }, dispatch));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'overloaded' } });
    // Nothing of them is left behind.
    await expect(dispatch()).resolves.toMatchObject({ etaSeconds: 1 });
  });
});

describe('the door', () => {
  it('refuses a ride before any work is done for it, and is notified when a ride is over, failed or not', async () => {
    const steps: string[] = [];
    let full = false;
    const admission: Admission = {
      enter() {
        if (full) throw new ServiceError('overloaded', 'Full.');
        steps.push('entered');
        return { reachedPool: () => void steps.push('reached the pool'), left: () => void steps.push('left') };
      },
    };
    let asked = 0;
    const find = () => {
      asked += 1;
      return asked === 2 ? Promise.reject(new Error('no database')) : Promise.resolve(customer);
    };
    const dispatch = createSuite({ admission, customers: { find } });
    await dispatch();
    expect(steps.splice(0)).toEqual(['entered', 'reached the pool', 'left']);
    await expect(dispatch()).rejects.toThrow('no database');
    expect(steps.splice(0)).toEqual(['entered', 'left']);
    full = true;
    await expect(dispatch()).rejects.toMatchObject({ code: 'overloaded' });
    expect(asked).toBe(2);
  });

  it('removes the routes of a ride that nobody waits for from the queue', async () => {
    const pool = createWorkerPool(1);
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const compute = async () => {
      await gate;
      return { etaSeconds: 1, distanceMeters: 1, path: [] };
    };
    const dispatch = createSuite({ pool, compute });
    await expect(withDeadline(20, dispatch)).rejects.toMatchObject({ code: 'deadline_exceeded', status: 504 });
    expect(computed).toBe(1); // the one that had the worker
    expect(pool.pending).toBe(1);
    open();
    await expect.poll(() => pool.pending).toBe(0);
    expect(computed).toBe(1);
  });
});
