import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { noDelays, startSuite, type Suite } from '../harness/suite.ts';

const normalDelayMs = 20;
/** Far enough from the normal delay that no busy machine mistakes one for the other. */
const slowFactor = 100;
/** That all of so many requests take one way is less likely than one in a million. */
const requests = 24;

let receiver: OtlpReceiver;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
});
afterAll(() => receiver?.close());

async function startWithFactor(factor: number): Promise<Suite> {
  return startSuite({
    otlpUrl: receiver.url,
    env: {
      ...noDelays,
      DRIVER_READ_FAILURE_EVERY: '0',
      DRIVER_RIDE_DURATION_MS: '0',
      CUSTOMER_QUERY_DELAY_MS: String(normalDelayMs),
      CUSTOMER_SLOW_FACTOR: String(factor),
    },
  });
}

interface Ride {
  root: ReceivedSpan;
  statement: ReceivedSpan;
}

async function ride(suite: Suite, customer: number): Promise<Ride> {
  const { status, traceId } = await suite.dispatch(customer);
  expect(status).toBe(200);
  const isStatement = (span: ReceivedSpan) => span.service === 'customer' && 'db.query.text' in span.attributes;
  const isRoot = (span: ReceivedSpan) => span.name === 'GET /dispatch';
  const spans = await receiver.trace(traceId, (found) => found.some(isRoot) && found.some(isStatement));
  return { root: spans.find(isRoot) as ReceivedSpan, statement: spans.find(isStatement) as ReceivedSpan };
}

/** Several, a few at once: the machine's own queue is not to be taken for the database's. */
async function rideOften(suite: Suite, customer: number): Promise<Ride[]> {
  const rides: Ride[] = [];
  while (rides.length < requests) {
    rides.push(...(await Promise.all(Array.from({ length: 6 }, () => ride(suite, customer)))));
  }
  return rides;
}

const milliseconds = (span: ReceivedSpan) => Number(span.endNs - span.startNs) / 1e6;
const statements = (rides: readonly Ride[]) =>
  new Set(rides.map(({ statement }) => statement.attributes['db.query.text']));

describe('with the bug', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await startWithFactor(slowFactor);
  });
  afterAll(() => suite?.stop());

  it.each([
    [57319, 'Value Walking'],
    [88654, 'Bicycles Green'],
  ])(
    'customer %i, %s, gets a dearer statement in a part of the requests, and the root says who it was',
    async (id, name) => {
      const rides = await rideOften(suite, id);
      expect(statements(rides).size).toBe(2);
      const slow = rides.filter(({ statement }) =>
        String(statement.attributes['db.query.text']).includes('ride_history'),
      );
      const normal = rides.filter((each) => !slow.includes(each));
      // Two bands: the slowest of the normal ones is still below the quickest of the slow ones.
      for (const { root, statement } of slow) {
        expect(milliseconds(statement)).toBeGreaterThanOrEqual(normalDelayMs * slowFactor * 0.95);
        expect(root.attributes).toMatchObject({ 'hotrod.customer.id': id, 'hotrod.customer.name': name });
        expect(root.attributes['hotrod.phase.customer.duration']).toBeGreaterThan(
          (normalDelayMs * slowFactor * 0.9) / 1000,
        );
      }
      for (const { statement } of normal) expect(milliseconds(statement)).toBeLessThan(normalDelayMs * slowFactor);
    },
  );

  it('affects no other customer', async () => {
    const rides = await Promise.all([123, 392, 96354, 12323, 94317, 731].map((id) => ride(suite, id)));
    expect(statements(rides).size).toBe(1);
  });
});

describe('with the fix, a factor of 1', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await startWithFactor(1);
  });
  afterAll(() => suite?.stop());

  it('has one band', async () => {
    const rides = await rideOften(suite, 57319);
    for (const { statement } of rides) expect(milliseconds(statement)).toBeLessThan(normalDelayMs * slowFactor);
  });
});
