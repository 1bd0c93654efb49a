import { ServiceError } from '@hotrod/kit/errors';
import type { Flags } from '@hotrod/kit/flags';
import type { Random } from '@hotrod/kit/random';

/** The fault event-loop-block stops the loop at every so many calculations. */
const blockEvery = 20;

/**
 * The faults of `faults/` that are about routes, to be run before each calculation. Each is off unless its flag is
 * switched on.
 */
export function createRouteFaults(flags: Flags, random: Random): () => Promise<void> {
  let calculations = 0;
  return async () => {
    const failing = await flags.number('route-failures', 0);
    if (random() < failing) throw new ServiceError('internal', 'The map of this part of the city cannot be read.');
    const blockMs = await flags.number('event-loop-block', 0);
    calculations += 1;
    if (blockMs > 0 && calculations % blockEvery === 0) block(blockMs);
  };
}

/** Computes without a pause, as a calculation does that nobody has split. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
