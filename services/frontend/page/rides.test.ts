import { describe, expect, test } from 'vitest';
import type { Outcome, Ride } from './api.ts';
import { createRides, driveTime, keepNewest, keptOrders } from './rides.ts';
import type { Order } from './rides.ts';
import { noTelemetry } from './telemetry.ts';
import type { PageTelemetry, RideEnd } from './telemetry.ts';

const customer = { id: 123, name: "Rachel's Floral Designs", location: { x: 115, y: 277 } };
const driver = { id: 'T712345C', location: { x: 120, y: 270 } };
const ride: Ride = { customer, driver, etaSeconds: 60, route: [driver.location, customer.location] };
const failure = { title: 'No answer within 15 s', detail: 'Overloaded.', code: 'timeout', status: undefined };
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

/** A clock and timers that go on when told to. */
function createWorld(answers: Outcome<Ride>[], telemetry: PageTelemetry = noTelemetry) {
  let time = 1_000;
  const timers: { at: number; callback: () => void }[] = [];
  const asked: string[] = [];
  let number = 0;
  const rides = createRides({
    session: { id: 'k3f9ab', nextRequestId: () => `k3f9ab-${(number += 1)}` },
    telemetry: () => telemetry,
    fetchRide: (customerId, sessionId, requestId) => {
      asked.push(`${customerId} ${sessionId} ${requestId}`);
      time += 812;
      const answer = answers.shift();
      if (!answer) throw new Error('no more answers');
      return Promise.resolve(answer);
    },
    now: () => time,
    after: (ms, callback) => void timers.push({ at: time + ms, callback }),
  });
  const pass = (ms: number): void => {
    time += ms;
    for (const timer of timers.splice(0)) {
      if (timer.at <= time) timer.callback();
      else timers.push(timer);
    }
  };
  return { rides, asked, pass };
}

describe('an order', () => {
  test('is dispatching until the answer is there', async () => {
    const { rides, asked } = createWorld([{ traceId, value: ride }]);
    const answered = rides.order(customer);
    expect(asked).toEqual(['123 k3f9ab k3f9ab-1']);
    expect(rides.orders.value).toMatchObject([{ requestId: 'k3f9ab-1', customer, state: { kind: 'dispatching' } }]);
    await answered;
    expect(rides.orders.value).toMatchObject([{ state: { kind: 'driving' } }]);
  });

  test('becomes a ride, arrives, and frees the car', async () => {
    const { rides, pass } = createWorld([{ traceId, value: ride }]);
    await rides.order(customer);
    expect(rides.orders.value).toMatchObject([
      { latencyMs: 812, traceId, state: { kind: 'driving', ride, departedAtMs: 1_812, driveMs: 6_000 } },
    ]);
    expect(rides.news.value).toBe("T712345C comes to Rachel's Floral Designs in 1 min; answered in 812 ms");
    pass(5_999);
    expect(rides.orders.value[0]?.state.kind).toBe('driving');
    pass(1);
    expect(rides.orders.value).toMatchObject([{ state: { kind: 'arrived', onMap: true } }]);
    expect(rides.news.value).toBe("T712345C has arrived at Rachel's Floral Designs");
    pass(5_000);
    expect(rides.orders.value).toMatchObject([{ state: { kind: 'arrived', onMap: false } }]);
  });

  test('that fails says why, and keeps its trace', async () => {
    const { rides } = createWorld([{ traceId, failure }]);
    await rides.order(customer);
    expect(rides.orders.value).toMatchObject([{ latencyMs: 812, traceId, state: { kind: 'failed', failure } }]);
    expect(rides.news.value).toBe("No ride for Rachel's Floral Designs: No answer within 15 s. Overloaded.");
  });

  test('does not disturb the others', async () => {
    const { rides, pass } = createWorld([
      { traceId, value: ride },
      { traceId, failure },
    ]);
    await Promise.all([rides.order(customer), rides.order(customer)]);
    expect(rides.orders.value.map(({ requestId, state }) => [requestId, state.kind])).toEqual([
      ['k3f9ab-2', 'failed'],
      ['k3f9ab-1', 'driving'],
    ]);
    pass(10_000);
    expect(rides.orders.value.map(({ state }) => state.kind)).toEqual(['failed', 'arrived']);
  });

  test('is one span, whose trace is shown where no answer names one', async () => {
    const ends: RideEnd[] = [];
    const telemetry: PageTelemetry = {
      ...noTelemetry,
      startRide: () => ({ traceId: 'from the span', run: (start) => start(), end: (end) => void ends.push(end) }),
    };
    const { rides } = createWorld(
      [
        { traceId: undefined, failure },
        { traceId, value: ride },
      ],
      telemetry,
    );
    await rides.order(customer);
    expect(rides.orders.value[0]?.traceId).toBe('from the span');
    await rides.order(customer);
    expect(rides.orders.value[0]?.traceId).toBe(traceId);
    expect(ends).toEqual([{ errorType: 'timeout', detail: 'No answer within 15 s' }, { ride }]);
  });
});

test('a drive is shown for seconds, however long it is', () => {
  expect([0, 18, 60, 600].map(driveTime)).toEqual([3_000, 3_000, 6_000, 12_000]);
});

test('old orders are removed, but none that is under way', () => {
  const orders = Array.from({ length: keptOrders + 3 }, (_, index) =>
    orderIn(index, index === keptOrders + 1 ? { kind: 'dispatching' } : { kind: 'failed', failure }),
  );
  const kept = keepNewest(orders);
  expect(kept).toHaveLength(keptOrders + 1);
  expect(kept.at(-1)?.state.kind).toBe('dispatching');
});

function orderIn(number: number, state: Order['state']): Order {
  return {
    requestId: String(number),
    customer,
    orderedAtMs: 0,
    latencyMs: undefined,
    traceId: undefined,
    state,
  };
}
