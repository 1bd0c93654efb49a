/** The page's sense of now: it ticks while the range is live and the page can be seen, and stands still otherwise. */
import { batch, computed, effect, signal } from '@preact/signals';
import { isLive, state } from './location.ts';
import { autoLast, rangeAt } from './range.ts';

const tickMs = 3000;

export const now = signal(Date.now());
/** Counts ticks: a question that must be asked again on each tick takes it as a dependency. */
export const tick = signal(0);
/** How many columns the heatmap has room for; the chart itself sets it. */
export const columnsOfRoom = signal(240);

/**
 * When the oldest stored span began, Unix milliseconds; null in an empty store, undefined until the status is known.
 */
export const oldestMs = signal<number | null | undefined>(undefined);

/** The length of the live range. */
export const liveLast = computed(() => {
  const { last } = state.value;
  return last === 'auto' ? autoLast(oldestMs.value ?? null, now.value) : last;
});

/** Whether the range is decided: `auto` needs the status first. */
export const rangeIsKnown = computed(
  () => !isLive.value || state.value.last !== 'auto' || oldestMs.value !== undefined,
);

export const range = computed(() => rangeAt({ ...state.value, last: liveLast.value }, now.value, columnsOfRoom.value));

const visible = signal(document.visibilityState !== 'hidden');
document.addEventListener('visibilitychange', () => {
  visible.value = document.visibilityState !== 'hidden';
});

effect(() => {
  if (!isLive.value || !visible.value) return undefined;
  now.value = Date.now();
  const timer = setInterval(() => {
    batch(() => {
      now.value = Date.now();
      tick.value += 1;
    });
  }, tickMs);
  return () => clearInterval(timer);
});
