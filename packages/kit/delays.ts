import { setTimeout as sleep } from 'node:timers/promises';

import { currentDeadline } from './deadline.ts';
import { type Random, sampleNormal } from './random.ts';

/** How long something pretends to take: Normal(mean, deviation), never below zero; both in milliseconds. */
export interface Delay {
  meanMs: number;
  deviationMs: number;
}

/** Draws durations in milliseconds from a delay, all of them times `factor`. */
export function drawDelayMs(random: Random, delay: Delay, factor = 1): number {
  return sampleNormal(random, delay.meanMs * factor, delay.deviationMs * factor);
}

/**
 * Waits for one draw of the delay; a delay of zero does not yield, so that it costs nothing.
 *
 * @throws {ServiceError} as soon as nobody waits for the current request any more.
 */
export async function pause(random: Random, delay: Delay): Promise<void> {
  const signal = currentDeadline()?.signal;
  signal?.throwIfAborted();
  const milliseconds = drawDelayMs(random, delay);
  if (milliseconds <= 0) return;
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
