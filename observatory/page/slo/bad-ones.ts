/** The views that show an objective's bad spans. Pure. */
import type { SloStatus } from '../../contract/contract.ts';
import { durationNanoseconds } from '../../filter/ast.ts';
import { negate } from '../../filter/compose.ts';
import { parseFilter } from '../../filter/parse.ts';
import { both } from '../state/api-paths.ts';
import type { State } from '../state/url-state.ts';

type Objective = Pick<SloStatus, 'filter' | 'good' | 'windowMs'>;

interface BadOnes {
  /** The bad spans: selected against the good ones; or listed, if no box holds exactly the bad ones. */
  alone: Partial<State>;
  /** Their points among all others, if `alone` is a list, which has no others to compare with. */
  among: Partial<State> | null;
}

/**
 * The part of an objective's window for which anything is stored, in whole seconds.
 *
 * @param oldestMs when the oldest stored span began; null if it is not known.
 */
export function windowOf(
  slo: Pick<Objective, 'windowMs'>,
  nowMs: number,
  oldestMs: number | null,
): { from: number; to: number } {
  const to = Math.ceil(nowMs / 1000) * 1000;
  const from = Math.floor(Math.max(to - slo.windowMs, Math.min(oldestMs ?? 0, to - 1000)) / 1000) * 1000;
  return { from, to };
}

/** The range is the objective's window, so that the counts are those of its card. */
export function badOnes(slo: Objective, nowMs: number, oldestMs: number | null): BadOnes {
  const range = windowOf(slo, nowMs, oldestMs);
  const minMs = slowestGood(slo.good);
  if (minMs !== null) {
    const box = { fromMs: null, toMs: null, minMs, maxMs: null };
    return { alone: { ...range, filter: slo.filter, box, view: 'compare' }, among: null };
  }
  const bad = negate(slo.good);
  return {
    alone: { ...range, filter: both(slo.filter, bad), view: 'traces' },
    among: { ...range, filter: slo.filter, lit: bad, view: 'traces' },
  };
}

/** From which duration on (milliseconds) a span is bad, if the duration alone decides; else null. */
function slowestGood(good: string): number | null {
  const test = parseFilter(good);
  if (test?.type !== 'compare' || test.field.type !== 'field' || test.field.name !== 'duration') return null;
  if (test.value.type !== 'duration' || (test.operator !== '<' && test.operator !== '<=')) return null;
  const nanoseconds = durationNanoseconds(test.value.text);
  // A box begins with its lower bound.
  return nanoseconds === undefined ? null : (nanoseconds + (test.operator === '<=' ? 1 : 0)) / 1e6;
}
