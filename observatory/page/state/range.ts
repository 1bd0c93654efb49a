/** The time range a state stands for at an instant, on whole columns, so that a live picture scrolls and never shimmers. */
import { parseLast, type State } from './url-state.ts';

/** The length that `auto` stands for: the shortest of 1, 2, 5 and 10 minutes that holds all that is stored. */
export function autoLast(oldestMs: number | null, nowMs: number): string {
  const ageMs = oldestMs === null ? Infinity : nowMs - oldestMs;
  return ['1m', '2m', '5m'].find((last) => ageMs <= (parseLast(last) ?? 0)) ?? '10m';
}

export interface Range {
  fromMs: number;
  toMs: number;
  /** Width of a column in milliseconds: whole seconds, at least one. */
  stepMs: number;
  live: boolean;
}

/**
 * @param columns how many columns there is room for; the range gets at most that many.
 * @param nowMs Unix milliseconds.
 */
export function rangeAt(state: Pick<State, 'last' | 'from' | 'to'>, nowMs: number, columns: number): Range {
  const live = state.from === null || state.to === null;
  const to = state.to ?? nowMs;
  const from = live ? to - (parseLast(state.last) ?? 600_000) : (state.from ?? 0);
  const stepMs = Math.max(1, Math.ceil((to - from) / 1000 / columns)) * 1000;
  if (!live) return { fromMs: from, toMs: to, stepMs, live };
  const toMs = Math.ceil(to / stepMs) * stepMs;
  return { fromMs: toMs - Math.ceil((to - from) / stepMs) * stepMs, toMs, stepMs, live };
}
