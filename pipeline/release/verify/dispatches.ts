/** One dispatch, as telemetry tells it. */
export interface Dispatch {
  /** When it began, Unix milliseconds. */
  startMs: number;
  durationMs: number;
  /** Whom it was for; one name for all that do not say. */
  customer: string;
  /** Whether it ended without a ride: an error, or an answer of 400 and more. */
  failed: boolean;
}

/** What a verdict is made of. */
export interface Evidence {
  /** The release before. */
  baseline: readonly Dispatch[];
  /** The new one. */
  candidate: readonly Dispatch[];
}

/** Figures of some dispatches. */
export interface Figures {
  requests: number;
  failed: number;
  /** 0 to 1; null without requests. */
  errorRate: number | null;
  /** Of those that did not fail; null without any. */
  p50Ms: number | null;
  p95Ms: number | null;
}

export function figuresOf(dispatches: readonly Dispatch[]): Figures {
  const durations = sortedDurations(dispatches);
  const failed = dispatches.length - durations.length;
  return {
    requests: dispatches.length,
    failed,
    errorRate: dispatches.length === 0 ? null : failed / dispatches.length,
    p50Ms: quantile(durations, 0.5),
    p95Ms: quantile(durations, 0.95),
  };
}

/** Durations of those that did not fail, ascending. A dispatch that fails quickly has not become quicker. */
export function sortedDurations(dispatches: readonly Dispatch[]): number[] {
  return dispatches
    .filter(({ failed }) => !failed)
    .map(({ durationMs }) => durationMs)
    .toSorted((a, b) => a - b);
}

/**
 * The quantile of ascending values, between two of them interpolated in a straight line (type 7 of Hyndman and Fan,
 * "Sample Quantiles in Statistical Packages", 1996, as the Observatory's); null without values.
 *
 * @param q 0 to 1.
 */
export function quantile(ascending: readonly number[], q: number): number | null {
  if (ascending.length === 0) return null;
  const place = (ascending.length - 1) * q;
  const below = ascending[Math.floor(place)] ?? 0;
  const above = ascending[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}
