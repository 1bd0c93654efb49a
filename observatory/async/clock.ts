import { setTimeout as wait } from 'node:timers/promises';

/** Time, as a part of the program that waits sees it. A test hands in one that it moves by hand (fixtures/test-clock.ts). */
export interface Clock {
  /** Milliseconds that only grow, from an arbitrary start. */
  now(): number;
  wait(ms: number): Promise<void>;
  /** Calls `work` once, after `ms`; the answer cancels it. */
  after(ms: number, work: () => void): () => void;
  /** Calls `work` every `ms` until the answer is called. Does not keep the process running. */
  every(ms: number, work: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wait: async (ms) => {
    await wait(ms);
  },
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  every(ms, work) {
    const timer = setInterval(work, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
