import { setImmediate } from 'node:timers/promises';

/** Lets others have the event loop. */
export const pause = (): Promise<void> => setImmediate();

/** Long work on the event loop, cut into slices by the clock. */
export interface Slices {
  /** Asked after each item: whether the slice has lasted long enough. */
  isOver(): boolean;
  /** Lets others have the event loop, then begins the next one. */
  next(): Promise<void>;
}

/**
 * @param sliceMs how long a slice lasts, milliseconds.
 * @param itemsBetweenLooks items between two looks at the clock, which costs about as much as a small item.
 */
export function createSlices(sliceMs: number, itemsBetweenLooks: number): Slices {
  let start = performance.now();
  let untilLook = itemsBetweenLooks;
  return {
    isOver() {
      untilLook -= 1;
      if (untilLook > 0) return false;
      untilLook = itemsBetweenLooks;
      return performance.now() - start > sliceMs;
    },
    async next() {
      await pause();
      start = performance.now();
    },
  };
}
