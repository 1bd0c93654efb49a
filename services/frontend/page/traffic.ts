import { batch, computed, signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { RideEvent } from './api.ts';
import { driveTime } from './rides.ts';

/** A ride that somebody ordered, whoever it was, as the frontend's stream of events tells of it. */
export interface TrafficRide {
  id: string;
  customerId: number;
  /** On the clock of `performance.now()`, like every `…AtMs` here. */
  orderedAtMs: number;
  /** Whether this page has ordered it, and shows it as an order. */
  isOwn: boolean;
  end: RideEnd | undefined;
}

/** What came of a ride. */
export interface RideEnd {
  atMs: number;
  latencyMs: number;
  traceId: string | undefined;
  /** Whether it took much longer than others do. */
  isSlow: boolean;
  result: { driverId: string; route: Ended['route']; driveMs: number } | { code: string };
}
type Ended = Extract<RideEvent, { kind: 'dispatched' }>;

export type EndedRide = TrafficRide & { end: RideEnd };

/** All rides that this page knows of. */
export interface Traffic {
  /** Those to be drawn, oldest first. */
  readonly shown: ReadonlySignal<readonly TrafficRide[]>;
  /** Those that have ended last, newest first. */
  readonly last: ReadonlySignal<readonly EndedRide[]>;
  /** How many rides ended a second, of late. */
  readonly ratePerSecond: ReadonlySignal<number>;
  /** A ride that takes longer than this, in milliseconds, is slow. Infinite while too little is known. */
  readonly slowFromMs: ReadonlySignal<number>;
  apply(events: readonly RideEvent[]): void;
  /** Forgets what is over. To be called now and then. */
  tick(): void;
}

/** How many rides are drawn at most: with more, one could not tell the cars apart. */
export const mostShown = 80;
const keptEnded = 50;
/** A ride that was ordered so long ago has its answer by now, whatever it was, but this page was not told of it. */
const forgottenMs = 20_000;
/** How long the map shows that a ride was slow or failed. */
export const pulseMs = 4_000;
/** A rate over less time would jump, one over more time would be late. */
const rateWindowMs = 10_000;
const leastForMedian = 8;
/** A ride that takes less than this is never slow. */
const neverSlowMs = 300;

/**
 * @param isOwn whether this page has the order with this id.
 * @param now milliseconds on a clock that never goes back.
 */
export function createTraffic(isOwn: (requestId: string) => boolean, now: () => number): Traffic {
  const rides = signal<ReadonlyMap<string, TrafficRide>>(new Map());
  const last = signal<readonly EndedRide[]>([]);
  const ratePerSecond = signal(0);
  /** When rides ended, of late. */
  let ends: readonly number[] = [];
  let knownSinceMs = Infinity;
  const slowFromMs = computed(() => slowFrom(last.value));

  function applyOne(event: RideEvent, all: Map<string, TrafficRide>): void {
    const atMs = now() - (event.ageMs ?? 0);
    knownSinceMs = Math.min(knownSinceMs, atMs);
    const known = all.get(event.id);
    if (event.kind === 'ordered') {
      if (known === undefined && !last.value.some(({ id }) => id === event.id)) all.set(event.id, begun(event, atMs));
      return;
    }
    if (known?.end !== undefined || last.value.some(({ id }) => id === event.id)) return;
    const ride = known ?? begun(event, atMs - event.latencyMs);
    const ended = { ...ride, end: endOf(event, atMs, event.latencyMs >= slowFromMs.value) };
    all.set(event.id, ended);
    ends = [...ends, atMs];
    last.value = [ended, ...last.value].slice(0, keptEnded);
  }

  function begun(event: RideEvent, orderedAtMs: number): TrafficRide {
    const { id, customerId, requestId } = event;
    return { id, customerId, orderedAtMs, isOwn: requestId !== undefined && isOwn(requestId), end: undefined };
  }

  function tick(): void {
    const nowMs = now();
    ends = ends.filter((atMs) => atMs > nowMs - rateWindowMs);
    // A page that has just been opened knows of less time.
    ratePerSecond.value = (ends.length * 1000) / Math.min(rateWindowMs, Math.max(1000, nowMs - knownSinceMs));
    const kept = [...rides.value].filter(([, ride]) => goneAtMs(ride) > nowMs);
    if (kept.length !== rides.value.size) rides.value = new Map(kept);
  }

  return {
    last,
    slowFromMs,
    shown: computed(() => [...rides.value.values()].slice(-mostShown)),
    ratePerSecond,
    apply(events) {
      batch(() => {
        const all = new Map(rides.value);
        for (const event of events) applyOne(event, all);
        rides.value = all;
        tick();
      });
    },
    tick,
  };
}

function endOf(event: Exclude<RideEvent, { kind: 'ordered' }>, atMs: number, isSlow: boolean): RideEnd {
  return {
    atMs,
    latencyMs: event.latencyMs,
    traceId: event.traceId ?? undefined,
    isSlow: isSlow && event.kind === 'dispatched',
    result:
      event.kind === 'failed'
        ? { code: event.code }
        : { driverId: event.driverId, route: event.route, driveMs: driveTime(event.etaSeconds) },
  };
}

/** When there is nothing left to draw of a ride. */
function goneAtMs({ orderedAtMs, end }: TrafficRide): number {
  if (end === undefined) return orderedAtMs + forgottenMs;
  const drivenMs = 'driveMs' in end.result ? end.result.driveMs : 0;
  return end.atMs + Math.max(drivenMs, end.isSlow || 'code' in end.result ? pulseMs : 0);
}

/** Twice what most rides take. */
function slowFrom(ended: readonly EndedRide[]): number {
  const latencies = ended.flatMap(({ end }) => ('code' in end.result ? [] : [end.latencyMs]));
  if (latencies.length < leastForMedian) return Infinity;
  const median = latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length / 2)] ?? Infinity;
  return Math.max(neverSlowMs, 2 * median);
}
