import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { Customer, Outcome, Ride } from './api.ts';
import type { Failure } from './failure.ts';
import { formatDuration, formatEta } from './format.ts';
import type { Session } from './session.ts';
import type { PageTelemetry } from './telemetry.ts';

/** What has become of an order. A car that has arrived stays on the map for a moment, then is free again. */
export type OrderState =
  | { kind: 'dispatching' }
  | { kind: 'driving'; ride: Ride; departedAtMs: number; driveMs: number }
  | { kind: 'arrived'; ride: Ride; onMap: boolean }
  | { kind: 'failed'; failure: Failure };

/** One click on a customer. */
export interface Order {
  requestId: string;
  customer: Customer;
  /** On the clock of `performance.now()`, like every `…AtMs` here. */
  orderedAtMs: number;
  /** From the click to the answer; undefined until there is one. */
  latencyMs: number | undefined;
  traceId: string | undefined;
  state: OrderState;
}

/** The newest orders, and how to place one more. */
export interface Rides {
  /** Newest first. */
  readonly orders: ReadonlySignal<readonly Order[]>;
  /** The last thing that happened, as a sentence; for the eye on a phone, and for the ear. */
  readonly news: ReadonlySignal<string>;
  /** Orders a ride. Settles when the answer is there, whatever it is; never rejects. */
  order(customer: Customer): Promise<void>;
}

export interface RidesOptions {
  session: Session;
  telemetry: () => PageTelemetry;
  fetchRide: (customerId: number, sessionId: string, requestId: string) => Promise<Outcome<Ride>>;
  /** Milliseconds on a clock that never goes back. */
  now: () => number;
  /** Calls back after so many milliseconds. */
  after: (ms: number, callback: () => void) => void;
}

/** How many orders are kept. Older ones are found in the traces. */
export const keptOrders = 100;
/** How long a car that has arrived stays on the map. */
const restMs = 5_000;

/** Orders of this page, from the click to the arrival. */
export function createRides({ session, telemetry, fetchRide, now, after }: RidesOptions): Rides {
  const orders = signal<readonly Order[]>([]);
  const news = signal('');

  const change = (requestId: string, with_: Partial<Order>): void => {
    orders.value = orders.value.map((order) => (order.requestId === requestId ? { ...order, ...with_ } : order));
  };

  return {
    orders,
    news,
    async order(customer) {
      const requestId = session.nextRequestId();
      const span = telemetry().startRide(customer, requestId);
      const orderedAtMs = now();
      const order: Order = {
        requestId,
        customer,
        orderedAtMs,
        latencyMs: undefined,
        traceId: span.traceId,
        state: { kind: 'dispatching' },
      };
      orders.value = keepNewest([order, ...orders.value]);
      news.value = `Ordering a ride for ${customer.name}`;

      const outcome = await span.run(() => fetchRide(customer.id, session.id, requestId));
      const answeredAtMs = now();
      const answered = { latencyMs: answeredAtMs - orderedAtMs, traceId: outcome.traceId ?? span.traceId };
      if ('failure' in outcome) {
        const { failure } = outcome;
        span.end({ errorType: failure.code, detail: failure.title });
        change(requestId, { ...answered, state: { kind: 'failed', failure } });
        news.value = `No ride for ${customer.name}: ${failure.title}. ${failure.detail}`.trim();
        return;
      }
      const ride = outcome.value;
      span.end({ ride });
      const driveMs = driveTime(ride.etaSeconds);
      change(requestId, { ...answered, state: { kind: 'driving', ride, departedAtMs: answeredAtMs, driveMs } });
      news.value = `${ride.driver.id} comes to ${customer.name} in ${formatEta(ride.etaSeconds)}; answered in ${formatDuration(answered.latencyMs)}`;
      after(driveMs, () => {
        change(requestId, { state: { kind: 'arrived', ride, onMap: true } });
        news.value = `${ride.driver.id} has arrived at ${customer.name}`;
        after(restMs, () => change(requestId, { state: { kind: 'arrived', ride, onMap: false } }));
      });
    },
  };
}

/** How long the drive takes on the map, in milliseconds: a tenth of the truth, but neither a blink nor a bore. */
export function driveTime(etaSeconds: number): number {
  return Math.min(12_000, Math.max(3_000, etaSeconds * 100));
}

/** The newest orders, and older ones only as long as they are still under way. */
export function keepNewest(orders: readonly Order[]): readonly Order[] {
  if (orders.length <= keptOrders) return orders;
  return orders.filter(
    ({ state }, index) => index < keptOrders || state.kind === 'dispatching' || state.kind === 'driving',
  );
}

/** How far a driving car has come, 0 to 1. @param nowMs on the clock of the order */
export function shareDriven(state: Extract<OrderState, { kind: 'driving' }>, nowMs: number): number {
  return Math.min(1, Math.max(0, (nowMs - state.departedAtMs) / state.driveMs));
}
