import { effect, signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

/**
 * The time, once a frame while something is under way, and standing still otherwise.
 *
 * @param running whether anybody looks at the clock.
 * @returns milliseconds on the clock of `performance.now()`.
 */
export function createClock(running: ReadonlySignal<boolean>): ReadonlySignal<number> {
  const now = signal(performance.now());
  effect(() => {
    if (!running.value) return undefined;
    let frame = requestAnimationFrame(function tick() {
      now.value = performance.now();
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  });
  return now;
}

/** Whether the person asked the system for less motion; follows the setting. */
export function createReducedMotion(): ReadonlySignal<boolean> {
  const query = matchMedia('(prefers-reduced-motion: reduce)');
  const reduced = signal(query.matches);
  query.addEventListener('change', () => {
    reduced.value = query.matches;
  });
  return reduced;
}
