import { AsyncLocalStorage } from 'node:async_hooks';

import type { Customer } from '@hotrod/customer/contract';
import type { Driver, NearestDrivers } from '@hotrod/driver/contract';
import type { ServiceError } from '@hotrod/kit/errors';
import { formatLocation } from '@hotrod/kit/location';
import type { Route } from '@hotrod/route/contract';
import { createCounter } from '@hotrod/telemetry/metric';
import {
  activeSpan,
  baggageValue,
  currentTraceparent,
  enrich,
  markFailed,
  type Span,
  withBaggage,
  withoutContext,
  withSpan,
} from '@hotrod/telemetry/span';

import type { Order } from './order.ts';

type Phase = 'customer' | 'drivers' | 'routes' | 'claim';

/** What a dispatch tells of itself. The request's own span becomes one wide event: all that an analyst may ask for. */
export interface DispatchTelemetry {
  ordered(order: Order, poolSize: number): void;
  /** Runs a phase and notes its duration, also if it fails. */
  phase<T>(name: Phase, work: () => Promise<T>): Promise<T>;
  customerFound(customer: Customer): void;
  /** Runs `work` with the customer's name in the baggage, so that every service behind knows for whom it works. */
  onBehalfOf<T>(customer: Customer, work: () => Promise<T>): Promise<T>;
  driversFound(found: NearestDrivers): void;
  /** Runs `work` in a span of its own, so that the waits for the worker pool have a place to be seen. */
  computingRoutes<T>(work: () => Promise<T>): Promise<T>;
  /** @param waitsMs how long each route waited for a worker, in milliseconds. */
  routesComputed(waitsMs: readonly number[]): void;
  /** @param attempts how many drivers were asked. */
  claimed(driver: Driver, route: Route, attempts: number): void;
}

const scope = '@hotrod/frontend';
const dispatches = createCounter(scope, 'hotrod.dispatch.count');

/** A service behind this one. */
type ServiceBehind = 'customer' | 'driver' | 'route';

/** The dispatch under way, wherever its work has got to: its span, and the releases that have served it so far. */
const underWay = new AsyncLocalStorage<{ root: Span | undefined; releases: Map<ServiceBehind, Set<string>> }>();

/** How many releases of one service are noted. More than two never serve one dispatch, unless something is very wrong. */
const mostReleases = 4;

/** Telemetry of one dispatch, to be created while the request's span is active. */
export function createDispatchTelemetry(root: Span | undefined = activeSpan()): DispatchTelemetry {
  /** Milliseconds by phase; a phase that is gone through again adds to its own. */
  const spent = new Map<Phase, number>();
  return {
    ordered: (order, poolSize) =>
      enrich(root, {
        'hotrod.client.id': order.clientId,
        'hotrod.request.id': order.requestId,
        'hotrod.customer.id': order.customerId,
        'hotrod.route.pool.size': poolSize,
      }),
    async phase(name, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        const total = (spent.get(name) ?? 0) + performance.now() - start;
        spent.set(name, total);
        enrich(root, { [`hotrod.phase.${name}.duration`]: seconds(total) });
      }
    },
    customerFound: ({ name, location }) =>
      enrich(root, {
        'hotrod.customer.name': name,
        'hotrod.customer.location': formatLocation(location),
      }),
    onBehalfOf: (customer, work) => withBaggage('hotrod.customer.name', customer.name, work),
    driversFound: ({ drivers, failedReads }) =>
      enrich(root, { 'hotrod.driver.candidates': drivers.length, 'hotrod.driver.read.failures': failedReads }),
    computingRoutes: (work) => withSpan(scope, 'compute routes', work),
    routesComputed: (waitsMs) =>
      enrich(root, {
        'hotrod.route.count': waitsMs.length,
        'hotrod.route.pool.wait.max': seconds(Math.max(0, ...waitsMs)),
        'hotrod.route.pool.wait.total': seconds(waitsMs.reduce((sum, wait) => sum + wait, 0)),
      }),
    claimed: (driver, route, attempts) =>
      enrich(root, {
        'hotrod.driver.id': driver.id,
        'hotrod.driver.distance': route.distanceMeters,
        'hotrod.driver.claim.attempts': attempts,
        'hotrod.ride.eta': route.etaSeconds,
      }),
  };
}

/** Notes on the dispatch under way which release of a service behind this one answered. Elsewhere nothing happens. */
export function servedBy(service: ServiceBehind, release: string): void {
  const dispatch = underWay.getStore();
  if (!dispatch) return;
  const releases = dispatch.releases.get(service) ?? new Set();
  if (releases.has(release) || releases.size >= mostReleases) return;
  dispatch.releases.set(service, releases.add(release));
  enrich(dispatch.root, { [`hotrod.release.${service}`]: [...releases].toSorted().join(', ') });
}

/**
 * Runs a dispatch as part of a session. A caller without baggage (curl) names neither session nor request, so both are
 * added: the client's id for the session's, and the request's id. So every service behind knows the ids that the root
 * span has. From here on {@link servedBy} knows whose span to enrich.
 */
export function inSession<T>(order: Order, work: () => Promise<T>): Promise<T> {
  const dispatch = { root: activeSpan(), releases: new Map<ServiceBehind, Set<string>>() };
  const served = () => underWay.run(dispatch, work);
  const withRequest = () =>
    baggageValue('hotrod.request.id') === order.requestId
      ? served()
      : withBaggage('hotrod.request.id', order.requestId, served);
  if (baggageValue('session.id') !== undefined) return withRequest();
  enrich(activeSpan(), { 'session.id': order.clientId });
  return withBaggage('session.id', order.clientId, withRequest);
}

/** The request's id that came in the baggage. */
export function requestIdFromBaggage(): string | undefined {
  return baggageValue('hotrod.request.id');
}

/**
 * Counts a dispatch and names the failure of one that failed. Its span is marked failed only if the failure is ours
 * (5xx): for what the caller is to blame for, the conventions leave a server's span alone.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status
 */
export function dispatchEnded(error?: ServiceError): void {
  if (error === undefined) {
    dispatches.add(1, { 'hotrod.dispatch.outcome': 'success' });
    return;
  }
  dispatches.add(1, { 'hotrod.dispatch.outcome': error.status < 500 ? 'refused' : 'failure' });
  if (error.status < 500) enrich(activeSpan(), { 'error.type': error.code });
  else markFailed(activeSpan(), error);
}

/** Notes which fault flags a dispatch met. */
export function faultsInForce(flags: readonly string[]): void {
  if (flags.length > 0) enrich(activeSpan(), { 'hotrod.fault.flags': [...flags] });
}

/** Runs `work` outside of the dispatch's trace and without its baggage. */
export const outsideOfTheTrace = withoutContext;

/** The trace that the page joins; null if telemetry is off. */
export const documentTraceparent = currentTraceparent;

/** The trace of the request that is being answered, 32 hexadecimal digits; null if telemetry is off. */
export function currentTraceId(): string | null {
  return currentTraceparent()?.split('-')[1] ?? null;
}

/** Seconds, to the microsecond: the unit of durations in OpenTelemetry. */
function seconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1_000_000;
}
