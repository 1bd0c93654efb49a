import { randomUUID } from 'node:crypto';

import type { ServiceError } from '@hotrod/kit/errors';

import type { Dispatch, RideEvent } from './contract.ts';
import type { Order } from './order.ts';

/** One who follows the rides. */
export interface Subscriber {
  /** Whoever orders under this name is told the ids of its own orders; null for nobody. */
  clientId: string | null;
  /** Takes a message. False if so many messages wait to be read already that the subscriber is dropped. */
  send(name: FeedMessage, data: string): boolean;
  /** The feed has ended for this subscriber. */
  end(): void;
}

/**
 * `rides`: an array of {@link RideEvent}. `beat`: nothing has happened for a while, and the feed is alive. `leaving`:
 * this process ends. It still tells of rides that are under way; the process that follows tells of new ones.
 */
export type FeedMessage = 'rides' | 'beat' | 'leaving';

/** A ride from its order on, to be called once with what came of it. */
export interface FollowedRide {
  dispatched(dispatch: Dispatch, traceId: string | null): void;
  failed(error: ServiceError, traceId: string | null): void;
}

/** Tells pages of all rides of this process. It costs a dispatch two objects and no waiting, however slow a reader. */
export interface RideFeed {
  ordered(order: Order): FollowedRide;
  /**
   * Tells a subscriber what is under way and what came last, and from then on what happens.
   *
   * @returns a function that ends it, or why it is not taken: there are too many, or this process ends.
   */
  subscribe(subscriber: Subscriber): (() => void) | 'full' | 'leaving';
  /**
   * Takes nobody more. Subscribers are ended with the last ride under way, or when `hurry` aborts, so that no server
   * waits for them.
   */
  leave(hurry: AbortSignal): void;
}

/** What bounds a feed. */
export interface FeedLimits {
  subscribers: number;
  /** Rides with an answer that a new subscriber is told. */
  recentRides: number;
  /** How many events a message holds at most. Further ones are not told. */
  eventsPerMessage: number;
  /** How long events wait for company, in milliseconds. */
  messageIntervalMs: number;
  /** How often a message is sent at least, so that both ends notice when the other has gone, in milliseconds. */
  beatIntervalMs: number;
}

const defaultLimits: FeedLimits = {
  subscribers: 64,
  recentRides: 50,
  eventsPerMessage: 500,
  messageIntervalMs: 100,
  beatIntervalMs: 10_000,
};

/** An event, who ordered, and when it happened on the clock of `performance.now()`. */
interface Happened {
  event: RideEvent;
  order: Order;
  atMs: number;
}

/** @param now milliseconds on a clock that never goes back. */
export function createRideFeed(
  limits: Partial<FeedLimits> = {},
  now: () => number = () => performance.now(),
): RideFeed {
  const { subscribers: mostSubscribers, recentRides, eventsPerMessage, ...intervals } = { ...defaultLimits, ...limits };
  const subscribers = new Set<Subscriber>();
  const underWay = new Map<string, Happened>();
  const recent: Happened[] = [];
  let pending: Happened[] = [];
  let message: NodeJS.Timeout | undefined;
  let beat: NodeJS.Timeout | undefined;
  let isLeaving = false;

  function publish(happened: Happened): void {
    if (subscribers.size === 0 || pending.length >= eventsPerMessage) return;
    pending.push(happened);
    message ??= setTimeout(flush, intervals.messageIntervalMs).unref();
  }

  function flush(): void {
    clearTimeout(message);
    message = undefined;
    const happened = pending;
    pending = [];
    if (happened.length === 0) return;
    const clients = new Set(happened.map(({ order }) => order.clientId));
    const forOthers = JSON.stringify(happened.map(({ event }) => event));
    tell('rides', ({ clientId }) =>
      clientId !== null && clients.has(clientId) ? JSON.stringify(happened.map(asSeenBy(clientId))) : forOthers,
    );
  }

  function tell(name: FeedMessage, dataFor: (subscriber: Subscriber) => string): void {
    for (const subscriber of subscribers) if (!subscriber.send(name, dataFor(subscriber))) drop(subscriber);
  }

  function drop(subscriber: Subscriber): void {
    if (subscribers.delete(subscriber)) subscriber.end();
    if (subscribers.size === 0) stopTimers();
  }

  function stopTimers(): void {
    clearTimeout(message);
    clearInterval(beat);
    [message, beat, pending] = [undefined, undefined, []];
  }

  function endAll(): void {
    flush();
    for (const subscriber of subscribers) drop(subscriber);
  }

  function ended(id: string, order: Order, event: RideEvent): void {
    underWay.delete(id);
    const happened = { event, order, atMs: now() };
    recent.push(happened);
    if (recent.length > recentRides) recent.shift();
    publish(happened);
    if (isLeaving && underWay.size === 0) endAll();
  }

  return {
    ordered(order) {
      const ride = { id: randomUUID(), customerId: order.customerId };
      const atMs = now();
      const happened: Happened = { event: { kind: 'ordered', ...ride }, order, atMs };
      underWay.set(ride.id, happened);
      publish(happened);
      const latency = () => Math.round((now() - atMs) * 10) / 10;
      return {
        dispatched: ({ driver, etaSeconds, route }, traceId) =>
          ended(ride.id, order, {
            kind: 'dispatched',
            ...ride,
            latencyMs: latency(),
            traceId,
            driverId: driver.id,
            etaSeconds,
            route,
          }),
        failed: ({ code }, traceId) =>
          ended(ride.id, order, { kind: 'failed', ...ride, latencyMs: latency(), traceId, code }),
      };
    },
    subscribe(subscriber) {
      if (isLeaving) return 'leaving';
      if (subscribers.size >= mostSubscribers) return 'full';
      flush(); // the others get these events first, so that nothing comes twice
      const see = asSeenBy(subscriber.clientId);
      const sofar = [...recent, ...underWay.values()].map((happened) => ({
        ...see(happened),
        ageMs: Math.round(now() - happened.atMs),
      }));
      subscribers.add(subscriber);
      beat ??= setInterval(() => tell('beat', () => '{}'), intervals.beatIntervalMs).unref();
      if (!subscriber.send('rides', JSON.stringify(sofar))) drop(subscriber);
      return () => {
        subscribers.delete(subscriber);
        if (subscribers.size === 0) stopTimers();
      };
    },
    leave(hurry) {
      isLeaving = true;
      flush();
      tell('leaving', () => '{}');
      if (underWay.size === 0 || hurry.aborted) endAll();
      else hurry.addEventListener('abort', endAll, { once: true });
    },
  };
}

/** Only the client of a ride learns whose it is. */
function asSeenBy(clientId: string | null): (happened: Happened) => RideEvent {
  return ({ event, order }) => (order.clientId === clientId ? { ...event, requestId: order.requestId } : event);
}
