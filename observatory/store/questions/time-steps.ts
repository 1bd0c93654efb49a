/** Widths that a clock reader finds natural, in seconds. Beyond them whole days. */
const steps = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/**
 * Cuts a time range into at most `most` equal steps of a natural width, at least one second.
 * @returns width in milliseconds, and how many steps cover the range.
 */
export function timeSteps(fromMs: number, toMs: number, most: number): { stepMs: number; count: number } {
  const range = toMs - fromMs;
  const least = range / 1000 / most;
  const seconds = steps.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
  const stepMs = seconds * 1000;
  return { stepMs, count: Math.max(1, Math.ceil(range / stepMs)) };
}

/** A step's width in nanoseconds; one that holds more than 64 bits count holds everything. */
export function stepNanoseconds(stepMs: number): bigint {
  const width = BigInt(stepMs) * 1_000_000n;
  return width < 2n ** 63n ? width : 2n ** 63n - 1n;
}

/** The start of each step, Unix milliseconds. */
export function stepStarts(fromMs: number, stepMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => fromMs + index * stepMs);
}
