import type { SloStatus } from '../../api/contract.ts';
import { negate } from '../../filter/compose.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Failed, Loading } from '../shell/states.tsx';
import { formatDuration } from '../show/duration.ts';
import { formatCount, formatPercent } from '../show/number.ts';
import { tick } from '../state/clock.ts';
import { addressOf, afresh, follow } from '../state/location.ts';
import { both } from '../state/questions.ts';
import type { State } from '../state/url-state.ts';
import { burnWord } from './burn.ts';

/** How well the objectives are kept, and how much may still go wrong. */
export function Objectives() {
  const answer = useAnswer<SloStatus[]>(apiPath('slo', {}), tick.value);
  const found = answer.data;
  return (
    <main class="slo-page">
      <div class="bar">
        <h1>Objectives</h1>
      </div>
      {answer.failure !== null && found === null ? (
        <Failed failure={answer.failure} />
      ) : found === null ? (
        <Loading />
      ) : found.length === 0 ? (
        <div class="state empty">
          <h2>No objective is set</h2>
          <p>
            Objectives are part of the Observatory's configuration: a filter for the root spans that count, one for the
            good ones, and the share that should be good.
          </p>
        </div>
      ) : (
        <ul class="objectives">
          {found.map((slo) => (
            <Objective key={slo.name} slo={slo} />
          ))}
        </ul>
      )}
    </main>
  );
}

function Objective({ slo }: { slo: SloStatus }) {
  const { attained, budgetLeft } = slo;
  const kept = attained === null || attained >= slo.objective;
  const bad: Partial<State> = { ...afresh(), filter: both(slo.filter, negate(slo.good)), view: 'compare' };
  return (
    <li class="panel objective">
      <h2>{slo.name}</h2>
      <p class="muted">{slo.description}</p>
      <p class="attained num">
        <b class={kept ? undefined : 'is-error'}>{attained === null ? 'No spans yet' : formatPercent(attained)}</b> good
        <span class="muted">
          {' '}
          of at least {formatPercent(slo.objective)}, over {formatDuration(slo.windowMs)}
        </span>
      </p>
      <Budget left={budgetLeft} />
      <dl class="figures num">
        <div>
          <dt>Bad</dt>
          <dd>
            {formatCount(slo.bad)} of {formatCount(slo.total)}
          </dd>
        </div>
        <Burn name="Burn rate, 5 min" rate={slo.burnRate5m} />
        <Burn name="Burn rate, 1 h" rate={slo.burnRate1h} />
      </dl>
      <p class="row">
        <a class="button" href={addressOf(bad)} onClick={(event) => follow(event, bad)}>
          Look at the bad ones
        </a>
        <code class="muted">{slo.good}</code>
      </p>
    </li>
  );
}

function Budget({ left }: { left: number | null }) {
  if (left === null) return <p class="muted">The budget is untouched: nothing has been counted.</p>;
  const used = Math.min(1, Math.max(0, 1 - left));
  const words = left < 0 ? `overspent by ${formatPercent(-left)}` : `${formatPercent(left)} left`;
  return (
    <div class="budget num" data-spent={left <= 0}>
      <span>Error budget: {words}</span>
      <span class="meter" role="img" aria-label={`Error budget: ${words}`}>
        <i style={{ width: `${(1 - used) * 100}%` }} />
      </span>
    </div>
  );
}

function Burn({ name, rate }: { name: string; rate: number | null }) {
  return (
    <div title="1 uses the budget up exactly at the end of the window; 2 twice as fast">
      <dt>{name}</dt>
      <dd class={rate !== null && rate > 1 ? 'is-error' : undefined}>{rate === null ? '–' : burnWord(rate)}</dd>
    </div>
  );
}
