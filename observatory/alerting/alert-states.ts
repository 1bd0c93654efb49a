import type { Burn } from '../store/questions/burn-rates.ts';
import type { BurnCondition } from '../store/questions/objective.ts';

/** The state of one condition of one objective. Instants in Unix milliseconds. */
export type AlertState =
  | { phase: 'inactive' }
  /** The condition holds, but not yet for as long as it must. */
  | { phase: 'pending'; sinceMs: number }
  | { phase: 'firing'; startsMs: number };

export const inactive: AlertState = { phase: 'inactive' };

/**
 * A ratio of fewer spans in the long window says nothing: a person's first click on a laptop is slow, and may be the
 * only span.
 */
const fewestSpans = 20;

/** Whether a condition holds: over its long window, and still over its short one. Without spans it does not. */
export function holds(condition: BurnCondition, burns: ReadonlyMap<number, Burn>): boolean {
  if ((burns.get(condition.longMs)?.total ?? 0) < fewestSpans) return false;
  const exceeds = (windowMs: number): boolean => (burns.get(windowMs)?.rate ?? 0) > condition.burnRate;
  return exceeds(condition.longMs) && exceeds(condition.shortMs);
}

/** A time in which nobody looked, because the Observatory did not run. Unix milliseconds. */
export interface Gap {
  fromMs: number;
  toMs: number;
}

/**
 * Whether the stored spans can show that a condition no longer holds. Right after a gap they cannot, because senders
 * give up when nothing takes their spans. While most of the short window is a gap, few or no bad spans prove nothing.
 */
export function canJudge({ shortMs }: BurnCondition, gap: Gap | null, nowMs: number): boolean {
  if (gap === null) return true;
  const unseenMs = Math.min(gap.toMs, nowMs) - Math.max(gap.fromMs, nowMs - shortMs);
  return unseenMs <= shortMs / 2;
}

/** The next state, as with `for` in a rule of Prometheus. The alert begins to fire, or ends, when the phase changes. */
export function nextState(state: AlertState, condition: BurnCondition, isHolding: boolean, nowMs: number): AlertState {
  if (!isHolding) return inactive;
  if (state.phase === 'firing') return state;
  const sinceMs = state.phase === 'pending' ? state.sinceMs : nowMs;
  return nowMs - sinceMs >= condition.afterMs ? { phase: 'firing', startsMs: nowMs } : { phase: 'pending', sinceMs };
}
