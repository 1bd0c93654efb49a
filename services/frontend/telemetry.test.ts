import { ServiceError } from '@hotrod/kit/errors';
import { baggageValue } from '@hotrod/telemetry/span';
import { type SpanRecorder, startSpanRecorder } from '@hotrod/telemetry/span-recorder';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createDispatchTelemetry, dispatchEnded, inSession, requestIdFromBaggage, servedBy } from './telemetry.ts';

let recorder: SpanRecorder;
beforeEach(() => {
  recorder = startSpanRecorder();
});
afterEach(() => recorder.stop());

const order = { customerId: 123, clientId: 'c1', requestId: 'c1-1' };
const customer = { id: 123, name: 'Zeal Wheels', location: { x: 879, y: 556 } };
const driver = { id: 'T70', location: { x: 1, y: 2 } };
const route = { etaSeconds: 90, distanceMeters: 450, path: [] };

/** Runs work in the span of a request that came with this baggage, and returns what that span says. */
async function inRequest(work: () => Promise<unknown>, baggage: Record<string, string> = {}) {
  const { attributes, status } = await recorder.inRequest(work, baggage);
  return { ...attributes, status };
}

/** What goes on to the services behind. */
const travelling = () => ({
  session: baggageValue('session.id'),
  request: baggageValue('hotrod.request.id'),
  customer: baggageValue('hotrod.customer.name'),
});

describe('which releases served a dispatch', () => {
  it('is set on the span of the request, whatever span is active when a service answers', async () => {
    const attributes = await inRequest(() =>
      inSession(order, async () => {
        const telemetry = createDispatchTelemetry();
        await telemetry.onBehalfOf(customer, () =>
          telemetry.computingRoutes(async () => {
            await Promise.resolve();
            servedBy('route', '2');
            servedBy('route', '10');
            servedBy('route', '2');
          }),
        );
        servedBy('customer', '1.2.3');
      }),
    );
    expect(attributes).toMatchObject({ 'hotrod.release.customer': '1.2.3', 'hotrod.release.route': '10, 2' });
    expect(attributes).not.toHaveProperty('hotrod.release.driver');
  });

  it('does not reach another dispatch that is under way at the same time', async () => {
    const served = (release: string) =>
      inRequest(() =>
        inSession(order, async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          servedBy('customer', release);
        }),
      );
    const [first, second] = await Promise.all([served('1'), served('2')]);
    expect(first).toMatchObject({ 'hotrod.release.customer': '1' });
    expect(second).toMatchObject({ 'hotrod.release.customer': '2' });
  });

  it('is bounded in number', async () => {
    const attributes = await inRequest(() =>
      inSession(order, async () => {
        for (let release = 1; release <= 9; release += 1) servedBy('driver', String(release));
      }),
    );
    expect(attributes).toMatchObject({ 'hotrod.release.driver': '1, 2, 3, 4' });
  });

  it('is dropped when no dispatch is under way', async () => {
    const attributes = await inRequest(async () => servedBy('customer', '1'));
    expect(attributes).not.toHaveProperty('hotrod.release.customer');
  });
});

describe('the telemetry of a dispatch', () => {
  it('makes the span of the request one wide event, also from within another span', async () => {
    const attributes = await inRequest(async () => {
      const telemetry = createDispatchTelemetry();
      telemetry.ordered(order, 5);
      telemetry.customerFound(customer);
      telemetry.driversFound({ drivers: [driver, driver], failedReads: 2 });
      await telemetry.computingRoutes(async () => telemetry.routesComputed([0, 30, 12.5]));
      telemetry.claimed(driver, route, 3);
    });
    expect(attributes).toEqual({
      'hotrod.client.id': 'c1',
      'hotrod.request.id': 'c1-1',
      'hotrod.customer.id': 123,
      'hotrod.customer.name': 'Zeal Wheels',
      'hotrod.customer.location': '879,556',
      'hotrod.driver.id': 'T70',
      'hotrod.driver.candidates': 2,
      'hotrod.driver.distance': 450,
      'hotrod.driver.read.failures': 2,
      'hotrod.driver.claim.attempts': 3,
      'hotrod.ride.eta': 90,
      'hotrod.route.count': 3,
      'hotrod.route.pool.size': 5,
      'hotrod.route.pool.wait.max': 0.03,
      'hotrod.route.pool.wait.total': 0.0425,
      status: { code: 0 },
    });
    expect(recorder.spans().map(({ name }) => name)).toEqual(['compute routes', 'request']);
  });

  it('has no wait when there was no route', async () => {
    const attributes = await inRequest(async () => createDispatchTelemetry().routesComputed([]));
    expect(attributes).toMatchObject({ 'hotrod.route.count': 0, 'hotrod.route.pool.wait.max': 0 });
  });

  it('notes how many seconds each phase took, also of the one that failed', async () => {
    const attributes = await inRequest(async () => {
      const telemetry = createDispatchTelemetry();
      await telemetry.phase('customer', () => new Promise((resolve) => setTimeout(resolve, 30)));
      await telemetry.phase('drivers', () => Promise.reject(new Error('x'))).catch(() => {});
    });
    // Timers may fire a millisecond early.
    expect(attributes).toMatchObject({ 'hotrod.phase.customer.duration': expect.any(Number) });
    expect((attributes as Record<string, unknown>)['hotrod.phase.customer.duration']).toBeGreaterThanOrEqual(0.028);
    expect((attributes as Record<string, unknown>)['hotrod.phase.customer.duration']).toBeLessThan(3);
    expect(attributes).toHaveProperty(['hotrod.phase.drivers.duration']);
    expect(attributes).not.toHaveProperty(['hotrod.phase.claim.duration']);
  });

  it('sends the name of the customer on to the services behind', async () => {
    await inRequest(async () => {
      await createDispatchTelemetry().onBehalfOf(customer, async () => {
        expect(travelling().customer).toBe('Zeal Wheels');
      });
      expect(travelling().customer).toBeUndefined();
    });
  });

  it('works without telemetry', async () => {
    const telemetry = createDispatchTelemetry(undefined);
    telemetry.ordered(order, 5);
    expect(await telemetry.phase('claim', () => Promise.resolve(7))).toBe(7);
  });
});

describe('inSession', () => {
  it.each<[string, Record<string, string>, ReturnType<typeof travelling>['session']]>([
    ['nothing', {}, 'c1'],
    ['a session alone', { 'session.id': 's1' }, 's1'],
    ['a session and this request', { 'session.id': 's1', 'hotrod.request.id': 'c1-1' }, 's1'],
    ['a request id that was not fit to be one', { 'session.id': 's1', 'hotrod.request.id': 'two words' }, 's1'],
  ])('passes session and request on to every service for a caller who sent %s', async (_what, sent, session) => {
    let seen;
    await inRequest(() => inSession(order, async () => void (seen = travelling())), sent);
    expect(seen).toEqual({ session, request: 'c1-1', customer: undefined });
  });

  it('gives the root span the session that was generated for it', async () => {
    expect(await inRequest(() => inSession(order, async () => {}))).toMatchObject({ 'session.id': 'c1' });
  });

  it('reads the request id that came', async () => {
    await inRequest(async () => expect(requestIdFromBaggage()).toBe('r7'), { 'hotrod.request.id': 'r7' });
    expect(requestIdFromBaggage()).toBeUndefined();
  });
});

describe('dispatchEnded', () => {
  it('marks the request that failed with the name of its failure, and no other', async () => {
    expect(await inRequest(async () => dispatchEnded(new ServiceError('unavailable', 'No driver.')))).toEqual({
      'error.type': 'unavailable',
      status: { code: 2, message: 'No driver.' },
    });
    expect(await inRequest(async () => dispatchEnded())).toEqual({ status: { code: 0 } });
  });

  it('names the failure of a request that was wrong, and leaves its span unmarked', async () => {
    expect(await inRequest(async () => dispatchEnded(new ServiceError('not_found', 'No customer.')))).toEqual({
      'error.type': 'not_found',
      status: { code: 0 },
    });
  });
});
