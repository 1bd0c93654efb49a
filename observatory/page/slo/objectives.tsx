import { type FiringAlert, type SloStatus, sloStatusesSchema } from '../../contract/contract.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { downloads } from '../shell/download.ts';
import { DownloadButton } from '../shell/download-button.tsx';
import { Failed, failureInPlaceOf, Loading } from '../shell/states.tsx';
import { formatDuration } from '../format/duration.ts';
import { formatCount, formatPercent } from '../format/number.ts';
import { formatSince } from '../format/time.ts';
import { underBase } from '../state/base-path.ts';
import { now, oldestMs, tick } from '../state/clock.ts';
import { addressOf, afresh, follow } from '../state/location.ts';
import type { State } from '../state/url-state.ts';
import { badOnes } from './bad-ones.ts';
import { burnWord } from './burn.ts';
import { BurnChart } from './burn-chart.tsx';

/** How well the objectives are kept, and how much may still go wrong. */
export function Objectives() {
  const answer = useAnswer(sloStatusesSchema, apiPath('slo', {}), tick.value);
  const found = answer.data;
  const failure = failureInPlaceOf(answer);
  return (
    <main class="slo-page">
      <div class="bar">
        <h1>Objectives</h1>
        <span class="grow" />
        {found !== null && found.length > 0 && (
          <DownloadButton what="the objectives" files={() => objectiveFiles(found)} />
        )}
      </div>
      {failure !== null ? (
        <Failed failure={failure} />
      ) : found === null ? (
        <Loading />
      ) : found.length === 0 ? (
        <div class="state empty">
          <h2>No objective is set</h2>
          <p>
            Objectives are part of the Observatory's configuration: a filter for the entry spans that count, one for the
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
  const about = badOnes(slo, now.value, oldestMs.value ?? null);
  return (
    <li class="panel objective">
      <h2>{slo.name}</h2>
      {slo.alerts.map((alert) => (
        <Alert key={`${alert.severity} ${alert.longMs}`} alert={alert} />
      ))}
      <p class="muted">{slo.description}</p>
      <p class="attained num">
        {attained === null ? (
          <>
            <b>No spans yet</b>{' '}
            <span class="muted">
              to be judged. At least {formatPercent(slo.objective)} should be good over {formatDuration(slo.windowMs)}.
            </span>
          </>
        ) : (
          <>
            <b class={kept ? undefined : 'is-error'}>{formatPercent(attained)}</b> good
            <span class="muted">
              {' '}
              of at least {formatPercent(slo.objective)}, over {formatDuration(slo.windowMs)}
            </span>
          </>
        )}
      </p>
      <Budget left={budgetLeft} />
      {slo.total > 0 && <BurnChart slo={slo} />}
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
        {slo.bad > 0 && <Way to={about.alone}>Look at the bad ones</Way>}
        {slo.bad > 0 && about.among !== null && <Way to={about.among}>Light them among all</Way>}
        <code class="muted">{slo.good}</code>
      </p>
    </li>
  );
}

/** An alert that fires: since when, why, and links to go on from there. */
function Alert({ alert }: { alert: FiringAlert }) {
  const { severity, startsMs, burnRate, longMs, shortMs, runbook, exemplarTraceId } = alert;
  const nowMs = now.value;
  const speed = burnRate === 1 ? 'faster' : `more than ${burnRate} times as fast`;
  return (
    <div class="alert" data-severity={severity}>
      <p>
        <b>
          Alert ({severity}): firing since {formatSince(startsMs, nowMs)}
        </b>{' '}
        <span class="num">({formatDuration(Math.max(1, Math.round((nowMs - startsMs) / 1_000)) * 1_000)})</span>
      </p>
      <p class="muted">
        The budget burns {speed} {burnRate === 1 ? 'than' : 'as'} allowed, over {formatDuration(longMs)} and over{' '}
        {formatDuration(shortMs)}.
      </p>
      <p class="row">
        {exemplarTraceId !== null && <Way to={{ traceId: exemplarTraceId }}>Open a bad trace</Way>}
        <a class="button" href={underBase(`/runbooks/${runbook}`)} target="_blank" rel="noreferrer">
          Runbook
        </a>
      </p>
    </div>
  );
}

function Way({ to, children }: { to: Partial<State>; children: string }) {
  const change = { ...afresh(), ...to };
  return (
    <a class="button" href={addressOf(change)} onClick={(event) => follow(event, change)}>
      {children}
    </a>
  );
}

function Budget({ left }: { left: number | null }) {
  if (left === null) return null;
  const words = left < 0 ? `overspent by ${formatPercent(-left)}` : `${formatPercent(left)} left`;
  return (
    <div class="budget num" data-spent={left < 0}>
      <span>Error budget: {words}</span>
      <span class="meter" role="img" aria-label={`Error budget: ${words}`}>
        {left < 0 ? (
          // All that was spent: first the budget itself, then the part beyond it.
          <>
            <i style={{ width: `${100 / (1 - left)}%` }} />
            <i class="beyond" style={{ width: `${(100 * -left) / (1 - left)}%` }} />
          </>
        ) : (
          <i style={{ width: `${left * 100}%` }} />
        )}
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

function objectiveFiles(found: SloStatus[]) {
  return downloads('objectives', found, () => ({
    columns: [
      'name',
      'filter',
      'good',
      'objective',
      'window_ms',
      'total',
      'bad',
      'attained',
      'budget_left',
      'burn_rate_5m',
      'burn_rate_1h',
      'firing_since',
    ],
    rows: found.map((slo) => [
      slo.name,
      slo.filter,
      slo.good,
      slo.objective,
      slo.windowMs,
      slo.total,
      slo.bad,
      slo.attained,
      slo.budgetLeft,
      slo.burnRate5m,
      slo.burnRate1h,
      slo.alerts.length === 0 ? null : new Date(Math.min(...slo.alerts.map(({ startsMs }) => startsMs))).toISOString(),
    ]),
  }));
}
