import { currentDeadline } from './deadline.ts';
import { ServiceError } from './errors.ts';

/** A mean that follows what it measures: the last ten or so measurements make most of it. */
export interface MovingMean {
  add(value: number): void;
  /** 0 before the first measurement: nothing is refused for what is not known. */
  value(): number;
}

/** @param weight of the newest measurement, from 0 to 1 (exponential smoothing). */
export function createMovingMean(weight = 0.1): MovingMean {
  let mean: number | undefined;
  return {
    add(value) {
      mean = mean === undefined ? value : mean + weight * (value - mean);
    },
    value: () => mean ?? 0,
  };
}

/**
 * Refuses what would have to wait for too long: longer than `maxWaitMs`, or than its caller waits for the answer. An
 * answer now is worth more to the caller, who can try again, than a place in a line that nobody gets through.
 *
 * @param needsMs how long the work takes once it is its turn.
 * @param what is short, and the setting that has more of it, for the message: "one of 5 route workers (POOL_SIZE)".
 * @throws {ServiceError} `overloaded` with the time after which to try again.
 */
export function refuseLongWait(options: { waitMs: number; maxWaitMs: number; needsMs?: number; what: string }): void {
  const { waitMs, maxWaitMs, needsMs = 0, what } = options;
  const leftMs = (currentDeadline()?.remainingMs() ?? Infinity) - needsMs;
  const bearableMs = Math.max(0, Math.min(maxWaitMs, leftMs));
  if (waitMs <= bearableMs) return;
  throw new ServiceError('overloaded', `It would take about ${(waitMs / 1000).toFixed(1)} s until ${what} is free.`, {
    retryAfterSeconds: Math.max(1, Math.ceil((waitMs - bearableMs) / 1000)),
  });
}
