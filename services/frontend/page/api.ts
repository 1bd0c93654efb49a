import type { Dispatch, PageConfig, RideEvent } from '../contract.ts';
import { answerFailure, badAnswerFailure, failureOf } from './failure.ts';
import type { Failure } from './failure.ts';

export type { PageConfig, RideEvent };
export type Customer = PageConfig['customers'][number];
/** A place in the city, both axes from 0 to 1000. */
export type Point = Customer['location'];
/** A car on its way (GET /dispatch): what the page shows of it. */
export type Ride = Pick<Dispatch, 'customer' | 'driver' | 'etaSeconds' | 'route'>;

/** What came back for a request: a value or why there is none. And the trace it left, if the server said which. */
export type Outcome<T> = { traceId: string | undefined } & ({ value: T } | { failure: Failure });

/** Longest wait for /config. */
const configTimeoutMs = 10_000;
/** Longest wait for a ride. The slowest planned answer takes about 3 s; the rest is a queue, and queues end. */
const rideTimeoutMs = 15_000;

/** Asks the server for the customers, the city and the release. Never throws. */
export function fetchConfig(): Promise<Outcome<PageConfig>> {
  return request(new URL('config', document.baseURI), {}, configTimeoutMs, parseConfig);
}

/** Opens the stream of all rides; those of this session carry the ids of their orders. */
export function openEvents(sessionId: string): EventSource {
  const url = new URL('events', document.baseURI);
  url.searchParams.set('client', sessionId);
  return new EventSource(url);
}

/**
 * Orders a ride. Sends who asks as `client` header and as W3C baggage, so that every service behind can tell whom it
 * works for. Never throws.
 *
 * @param requestId names this request: the session and a number.
 */
export function fetchRide(customerId: number, sessionId: string, requestId: string): Promise<Outcome<Ride>> {
  const url = new URL('dispatch', document.baseURI);
  url.searchParams.set('customer', String(customerId));
  const headers = { client: sessionId, baggage: `session.id=${sessionId},hotrod.request.id=${requestId}` };
  return request(url, headers, rideTimeoutMs, parseRide);
}

async function request<T>(
  url: URL,
  headers: Record<string, string>,
  timeoutMs: number,
  parse: (body: unknown) => T | undefined,
): Promise<Outcome<T>> {
  let traceId: string | undefined;
  try {
    const response = await fetch(url, { method: 'GET', headers, signal: AbortSignal.timeout(timeoutMs) });
    traceId = traceIdOf(response.headers.get('traceresponse'));
    const text = await response.text();
    if (!response.ok) return { traceId, failure: answerFailure(response.status, parseJson(text)) };
    const value = parse(parseJson(text));
    return value === undefined ? { traceId, failure: badAnswerFailure() } : { traceId, value };
  } catch (error) {
    return { traceId, failure: failureOf(error, timeoutMs) };
  }
}

/** The trace id in a `traceresponse` header (`00-<trace id>-<span id>-<flags>`), undefined if there is none. */
export function traceIdOf(traceresponse: string | null): string | undefined {
  const traceId = traceresponse?.match(/^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/)?.[1];
  return traceId === undefined || /^0+$/.test(traceId) ? undefined : traceId;
}

/** The page's configuration out of an answer's body; undefined if the body is something else. */
export function parseConfig(body: unknown): PageConfig | undefined {
  if (!isRecord(body) || !Array.isArray(body.customers) || !body.customers.every(isCustomer)) return undefined;
  const city = isRecord(body.city) ? body.city : {};
  return {
    customers: body.customers,
    traceUrl: typeof body.traceUrl === 'string' && body.traceUrl !== '' ? body.traceUrl : null,
    observatoryUrl: typeof body.observatoryUrl === 'string' ? body.observatoryUrl : null,
    release: typeof body.release === 'string' ? body.release : 'unknown',
    revision: typeof body.revision === 'string' ? body.revision : null,
    environment: typeof body.environment === 'string' ? body.environment : 'unknown',
    city: {
      width: isFiniteNumber(city.width) ? city.width : 1000,
      height: isFiniteNumber(city.height) ? city.height : 1000,
    },
  };
}

/** A ride out of an answer's body; undefined if the body is something else. */
export function parseRide(body: unknown): Ride | undefined {
  if (!isRecord(body) || !isCustomer(body.customer) || !isRecord(body.driver)) return undefined;
  const { customer, driver, etaSeconds } = body;
  if (typeof driver.id !== 'string' || !isPoint(driver.location) || !isFiniteNumber(etaSeconds)) return undefined;
  const given = Array.isArray(body.route) && body.route.every(isPoint) ? body.route : [];
  const route = given.length >= 2 ? given : [driver.location, customer.location];
  return { customer, driver: { id: driver.id, location: driver.location }, etaSeconds, route };
}

/** The events in a message of the stream (GET /events); those that this page does not know are left out. */
export function parseEvents(text: string): RideEvent[] {
  const events = parseJson(text);
  return Array.isArray(events) ? events.filter(isRideEvent) : [];
}

function isRideEvent(value: unknown): value is RideEvent {
  if (!isRecord(value) || typeof value.id !== 'string' || !isFiniteNumber(value.customerId)) return false;
  if (value.ageMs !== undefined && !isFiniteNumber(value.ageMs)) return false;
  if (value.kind === 'ordered') return true;
  if (!isFiniteNumber(value.latencyMs) || (value.traceId !== null && typeof value.traceId !== 'string')) return false;
  if (value.kind === 'failed') return typeof value.code === 'string';
  return (
    value.kind === 'dispatched' &&
    typeof value.driverId === 'string' &&
    isFiniteNumber(value.etaSeconds) &&
    Array.isArray(value.route) &&
    value.route.length > 0 &&
    value.route.every(isPoint)
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isCustomer(value: unknown): value is Customer {
  return isRecord(value) && isFiniteNumber(value.id) && typeof value.name === 'string' && isPoint(value.location);
}

function isPoint(value: unknown): value is Point {
  return isRecord(value) && isFiniteNumber(value.x) && isFiniteNumber(value.y);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
