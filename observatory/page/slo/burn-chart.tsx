/** How an objective was kept over its window: the share of bad spans in each step of time. */
import { percentilesSchema, type SloStatus } from '../../contract/contract.ts';
import { negate } from '../../filter/compose.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatPercent } from '../format/number.ts';
import { formatDayClock } from '../format/time.ts';
import { now, oldestMs, tick } from '../state/clock.ts';
import { both, percentilesPath } from '../state/api-paths.ts';
import { windowOf } from './bad-ones.ts';
import { sharesOf } from './shares.ts';

/** A window is long, and its course changes slowly. */
const stepMs = 60_000;
const ticksBetween = 10;

export function BurnChart({ slo }: { slo: SloStatus }) {
  const range = windowOf(slo, Math.ceil(now.value / stepMs) * stepMs, oldestMs.value ?? null);
  const refresh = Math.floor(tick.value / ticksBetween);
  const ask = (filter: string): string =>
    percentilesPath({ filter, scope: 'roots' }, { fromMs: range.from, toMs: range.to });
  const all = useAnswer(percentilesSchema, ask(slo.filter), refresh).data;
  const bad = useAnswer(percentilesSchema, ask(both(slo.filter, negate(slo.good))), refresh).data;
  const shares = all === null || bad === null ? null : sharesOf(all, bad);
  // The ranges of the two answers may be a minute apart.
  if (all === null || shares === null) return <figure class="course" />;
  const allowed = 1 - slo.objective;
  const top = Math.max(2 * allowed, ...shares.map((share) => share ?? 0));
  const words = `Share of bad spans since ${formatDayClock(range.from)}; dashed the ${formatPercent(allowed)} that may be`;
  return (
    <figure class="course">
      <svg viewBox={`0 0 ${shares.length} 1`} preserveAspectRatio="none" aria-hidden="true">
        {shares.map((share, index) =>
          share === null ? null : (
            <rect
              key={all.times[index]}
              x={index}
              y={1 - share / top}
              width={0.9}
              height={share / top}
              data-over={share > allowed}
            >
              <title>{`${formatDayClock(all.times[index] ?? 0)}: ${formatPercent(share)} bad`}</title>
            </rect>
          ),
        )}
        <line x1={0} x2={shares.length} y1={1 - allowed / top} y2={1 - allowed / top} />
      </svg>
      <figcaption class="muted">{words}</figcaption>
    </figure>
  );
}
