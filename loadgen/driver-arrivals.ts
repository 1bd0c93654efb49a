import type { Stage } from './profiles.ts';

/**
 * When dispatches are due. The rate is a line drawn over time, and a dispatch is due each time the area under it has
 * grown by one: at a steady rate that is t0 + i / rate, evenly spaced (as k6 does it), with nothing drawn by chance, so
 * two runs send the same at the same instants.
 *
 * Instants are milliseconds on the caller's clock.
 */
export interface Arrivals {
  /** When the next dispatch is due: the same until {@link take} is called. Infinity if there is none to come. */
  next(): number;
  /** Takes the next dispatch. */
  take(): void;
  /** Sets another steady rate from `atMs` on. What has grown since the last dispatch still counts. */
  setRate(ratePerSecond: number, atMs: number): void;
  /** Dispatches per second at an instant. */
  rateAt(atMs: number): number;
}

/** A part of the plan in which the rate is one straight line; rates are per millisecond. */
interface Segment {
  fromMs: number;
  toMs: number;
  fromRate: number;
  toRate: number;
}

/**
 * @param stages the plan, in dispatches per second; see `profiles.ts`.
 * @param startMs the instant of the first stage.
 * @param repeats whether the plan begins anew at its end. If not, nothing is due after its end.
 */
export function createArrivals(stages: readonly Stage[], startMs: number, repeats: boolean): Arrivals {
  let segments = plan(stages, startMs, repeats);
  let segment: Segment | undefined = segments.next().value;
  /** The area at which the next dispatch is due, counted from the segment's beginning so that no rounding adds up. */
  let wanted = 0; // the first is due at once
  let due: number | undefined;

  function leaveSegment(left: Segment): void {
    wanted -= areaBetween(left, left.fromMs, left.toMs);
    segment = segments.next().value;
  }

  function findNext(): number {
    while (segment) {
      const found = whenGrown(segment, wanted);
      if (found !== undefined) return found;
      if (segment.toMs === Infinity) break;
      leaveSegment(segment);
    }
    return Infinity;
  }

  return {
    next: () => (due ??= findNext()),
    take() {
      if ((due ?? findNext()) === Infinity) return;
      wanted += 1;
      due = undefined;
    },
    setRate(ratePerSecond, atMs) {
      while (segment && segment.toMs <= atMs) leaveSegment(segment);
      if (segment && segment.fromMs < atMs) wanted -= areaBetween(segment, segment.fromMs, atMs);
      wanted = Math.min(1, Math.max(0, wanted));
      const rate = ratePerSecond / 1000;
      segments = plan([], atMs, false);
      segment = { fromMs: atMs, toMs: Infinity, fromRate: rate, toRate: rate };
      due = undefined;
    },
    rateAt: (atMs) => (segment && atMs < segment.toMs ? rateIn(segment, Math.max(atMs, segment.fromMs)) * 1000 : 0),
  };
}

function* plan(stages: readonly Stage[], startMs: number, repeats: boolean): Generator<Segment, undefined> {
  let fromMs = startMs;
  let fromRate = 0;
  for (;;) {
    const roundStartMs = fromMs;
    for (const { target, seconds } of stages) {
      const toRate = target / 1000;
      const toMs = fromMs + seconds * 1000;
      if (toMs > fromMs) yield { fromMs, toMs, fromRate, toRate };
      [fromMs, fromRate] = [toMs, toRate];
    }
    if (!repeats || fromMs === roundStartMs) return; // a plan without length would never end
  }
}

function rateIn({ fromMs, toMs, fromRate, toRate }: Segment, atMs: number): number {
  if (toMs === Infinity) return fromRate;
  return fromRate + ((toRate - fromRate) * (atMs - fromMs)) / (toMs - fromMs);
}

function areaBetween(segment: Segment, fromMs: number, toMs: number): number {
  return ((rateIn(segment, fromMs) + rateIn(segment, toMs)) / 2) * (toMs - fromMs);
}

/**
 * When the area since the segment began reaches `wanted`, or undefined if the segment ends before. With r the rate at
 * the beginning and s its slope, that is the smaller positive root of s/2 t² + r t = wanted, in the form that also holds
 * for s = 0: t = 2 wanted / (r + √(r² + 2 s wanted)).
 */
function whenGrown(segment: Segment, wanted: number): number | undefined {
  const { fromMs, toMs, fromRate, toRate } = segment;
  const slope = toMs === Infinity ? 0 : (toRate - fromRate) / (toMs - fromMs);
  if (wanted <= 0) return fromRate > 0 || slope > 0 ? fromMs : undefined;
  const square = fromRate * fromRate + 2 * slope * wanted;
  if (square < 0) return undefined;
  const growing = fromRate + Math.sqrt(square);
  if (growing <= 0) return undefined;
  const at = fromMs + (2 * wanted) / growing;
  return at < toMs ? at : undefined;
}
