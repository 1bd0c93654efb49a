import { ServiceError } from '@hotrod/kit/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { type Dispatch, type RideEvent, rideEventSchema } from './contract.ts';
import { createRideFeed, type FeedLimits, type RideFeed } from './ride-feed.ts';

const dispatched: Dispatch = {
  requestId: 'tab-1',
  customer: { id: 123, name: "Rachel's Floral Designs", location: { x: 115, y: 277 } },
  driver: { id: 'T70', location: { x: 1, y: 2 } },
  etaSeconds: 90,
  etaMinutes: 2,
  distance: 450,
  route: [{ x: 1, y: 2 }],
};
const order = { customerId: 123, clientId: 'tab', requestId: 'tab-1' };
const overloaded = new ServiceError('overloaded', 'Too much.');
const noHurry = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function create(limits: Partial<FeedLimits> = {}) {
  return createRideFeed({ messageIntervalMs: 100, ...limits }, () => Date.now());
}

/** Follows the rides, and keeps all that it is told. */
function follow(feed: RideFeed, { clientId = null as string | null, reads = (): boolean => true } = {}) {
  const messages: { name: string; events: RideEvent[] }[] = [];
  const follower = { messages, ended: false, stop: () => {}, all: () => messages.flatMap(({ events }) => events) };
  const subscription = feed.subscribe({
    clientId,
    send(name, data) {
      const parsed: unknown = JSON.parse(data);
      messages.push({ name, events: name === 'rides' ? z.array(rideEventSchema).parse(parsed) : [] });
      return reads();
    },
    end: () => (follower.ended = true),
  });
  if (typeof subscription === 'string') throw new Error(subscription);
  follower.stop = subscription;
  return follower;
}

describe('a ride feed', () => {
  it('reports a ride from its order to its answer, in few messages', () => {
    const feed = create();
    const page = follow(feed);
    expect(page.messages).toEqual([{ name: 'rides', events: [] }]);
    const ride = feed.ordered(order);
    vi.advanceTimersByTime(40);
    ride.dispatched(dispatched, 'a'.repeat(32));
    feed.ordered(order).failed(overloaded, null);
    expect(page.messages).toHaveLength(1);
    vi.advanceTimersByTime(60);
    expect(page.messages).toHaveLength(2);
    const [ordered, answered, other, failed] = page.all();
    expect(ordered).toEqual({ kind: 'ordered', id: expect.any(String), customerId: 123 });
    expect(answered).toEqual({
      kind: 'dispatched',
      id: ordered?.id,
      customerId: 123,
      latencyMs: 40,
      traceId: 'a'.repeat(32),
      driverId: 'T70',
      etaSeconds: 90,
      route: dispatched.route,
    });
    expect(failed).toMatchObject({ kind: 'failed', id: other?.id, code: 'overloaded', traceId: null });
    expect(other?.id).not.toBe(ordered?.id);
  });

  it('sends new readers what is under way and what came last, with its age, and nothing twice', () => {
    const feed = create({ recentRides: 2 });
    for (let n = 0; n < 3; n += 1) feed.ordered({ ...order, customerId: n }).failed(overloaded, null);
    feed.ordered({ ...order, customerId: 7 });
    vi.advanceTimersByTime(250);
    const first = follow(feed);
    feed.ordered({ ...order, customerId: 8 });
    const second = follow(feed);
    vi.advanceTimersByTime(100);
    const told = (page: typeof first) => page.all().map(({ kind, customerId, ageMs }) => [kind, customerId, ageMs]);
    const before = [
      ['failed', 1, 250],
      ['failed', 2, 250],
      ['ordered', 7, 250],
    ];
    expect(told(first)).toEqual([...before, ['ordered', 8, undefined]]);
    expect(told(second)).toEqual([...before, ['ordered', 8, 0]]);
  });

  it('sends the id of an order only to the client that ordered', () => {
    const feed = create();
    const [own, other, nobody] = [follow(feed, { clientId: 'tab' }), follow(feed, { clientId: 'x' }), follow(feed)];
    feed.ordered(order);
    vi.advanceTimersByTime(100);
    const late = follow(feed, { clientId: 'tab' });
    const ids = [own, late, other, nobody].map((page) => page.all().map(({ requestId }) => requestId));
    expect(ids).toEqual([['tab-1'], ['tab-1'], [undefined], [undefined]]);
  });

  it('drops a reader that does not read, and accepts no more readers than allowed', () => {
    const feed = create({ subscribers: 2 });
    let reads = true;
    const slow = follow(feed, { reads: () => reads });
    const good = follow(feed);
    expect(() => follow(feed)).toThrow('full');
    reads = false;
    feed.ordered(order);
    vi.advanceTimersByTime(100);
    expect([slow.ended, good.ended]).toEqual([true, false]);
    follow(feed).stop();
    follow(feed);
    expect(() => follow(feed)).toThrow('full');
  });

  it('bounds the events between two messages, and keeps none without readers', () => {
    const feed = create({ eventsPerMessage: 3 });
    for (let n = 0; n < 5; n += 1) feed.ordered(order).failed(overloaded, null);
    expect(vi.getTimerCount()).toBe(0);
    const page = follow(feed);
    const before = page.all().length;
    for (let n = 0; n < 5; n += 1) feed.ordered(order);
    vi.advanceTimersByTime(100);
    expect(page.all().length - before).toBe(3);
    page.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends a sign of life while nothing happens', () => {
    const feed = create({ beatIntervalMs: 1_000 });
    const page = follow(feed);
    vi.advanceTimersByTime(2_500);
    expect(page.messages.map(({ name }) => name)).toEqual(['rides', 'beat', 'beat']);
  });

  it('says that it leaves, and ends with the last ride under way', () => {
    const feed = create();
    const page = follow(feed);
    const ride = feed.ordered(order);
    feed.leave(noHurry);
    expect(page.messages.map(({ name }) => name)).toEqual(['rides', 'rides', 'leaving']);
    expect(page.ended).toBe(false);
    expect(() => follow(feed)).toThrow('leaving');
    ride.dispatched(dispatched, null);
    expect(page.all().at(-1)).toMatchObject({ kind: 'dispatched' });
    expect(page.ended).toBe(true);
  });

  it('ends at once when it leaves with nothing under way, and at the latest when there is no more time', () => {
    const idle = create();
    const page = follow(idle);
    idle.leave(noHurry);
    expect(page.ended).toBe(true);

    const busy = create();
    const waiting = follow(busy);
    busy.ordered(order);
    const hurry = new AbortController();
    busy.leave(hurry.signal);
    expect(waiting.ended).toBe(false);
    hurry.abort();
    expect(waiting.ended).toBe(true);
  });
});
