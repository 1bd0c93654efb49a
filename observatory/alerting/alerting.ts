import type { FiringAlert } from '../contract/contract.ts';
import { listMarkers } from '../store/markers/markers.ts';
import { askBadExemplar, askBurnRates, type Burn } from '../store/questions/burn-rates.ts';
import type { BurnCondition, Objective, ObjectiveAlert } from '../store/questions/objective.ts';
import type { Asking } from '../store/questions/population.ts';
import { askReleases } from '../store/questions/releases.ts';
import { type AlertState, canJudge, type Gap, holds, inactive, nextState } from './alert-states.ts';
import type { KeptAlert, KeptAlerts } from './alert-memory.ts';
import { fingerprint, notification, type Notification, type NotifiedAlert, notifiedAlert } from './notification.ts';

/** Checks the objectives at each look, and notifies when a budget burns too fast, and when it no longer does. */
export interface Alerting {
  /**
   * Looks once at each objective, even if another one cannot be looked at. Wait for one look to end before the next.
   *
   * @param signal ends the look; an objective that was not looked at by then does not count as a failure.
   * @throws {AggregateError} if the store cannot be asked for some objectives; nothing has changed for these.
   */
  evaluate(signal?: AbortSignal): Promise<void>;
  /** The alerts of an objective that fire, in the order of its conditions. */
  firingOf(objective: Objective): FiringAlert[];
  /** All alerts that fire, to be kept over a restart. */
  firing(): KeptAlert[];
  /** How often an objective could not be looked at. */
  failures(): number;
  /** When all objectives were looked at last, Unix milliseconds; 0 if they never were. */
  lastLookMs(): number;
}

export interface AlertingOptions {
  objectives: readonly Objective[];
  /** Under which address a person reaches the Observatory, without a slash at its end. */
  publicUrl: string;
  reader: Asking['reader'];
  notify: (notification: Notification) => void;
  /** What fired before a restart; nothing by default. */
  kept?: Pick<KeptAlerts, 'lookedMs' | 'firing'>;
  /** The clock, Unix milliseconds. */
  now?: () => number;
  /** How long a look at one objective may take, milliseconds; 10 s by default. */
  timeoutMs?: number;
}

/** How far back the last release and the last marker are looked for, milliseconds. */
const releasesRangeMs = 3_600_000;

interface Watched {
  objective: Objective;
  alert: ObjectiveAlert;
  conditions: {
    condition: BurnCondition;
    labels: Record<string, string>;
    state: AlertState;
    annotations: Record<string, string>;
  }[];
}

export function createAlerting(options: AlertingOptions): Alerting {
  const { publicUrl, reader, notify, kept, now = Date.now, timeoutMs = 10_000 } = options;
  const before = new Map((kept?.firing ?? []).map((each) => [fingerprint(each.labels), each]));
  const gap: Gap | null = kept && before.size > 0 ? { fromMs: kept.lookedMs, toMs: now() } : null;
  const watched = options.objectives.flatMap((objective): Watched[] => {
    const { alert } = objective;
    if (!alert) return [];
    const conditions = alert.conditions.map((condition) => {
      const labels = labelsOf(alert, condition);
      const earlier = before.get(fingerprint(labels));
      before.delete(fingerprint(labels));
      const state: AlertState = earlier ? { phase: 'firing', startsMs: earlier.startsMs } : inactive;
      return { condition, labels, state, annotations: earlier?.annotations ?? {} };
    });
    return [{ objective, alert, conditions }];
  });
  let failures = 0;
  let lastLookMs = 0;
  const generatorUrl = `${publicUrl}/?view=slo`;
  /**
   * Alerts that no objective has any more, because the objectives have changed. Whoever was told of one is told that it
   * ended.
   */
  const abandoned = [...before.values()];

  function firing(): KeptAlert[] {
    return [
      ...abandoned,
      ...watched.flatMap(({ conditions }) =>
        conditions.flatMap(({ labels, annotations, state }) =>
          state.phase === 'firing' ? [{ labels, annotations, startsMs: state.startsMs }] : [],
        ),
      ),
    ];
  }

  /** Tells that what was abandoned has ended, with what of the same name still fires: a notification has all of that. */
  function endAbandoned(): void {
    const nowMs = now();
    const tell = (endsMs: number | null) => (each: KeptAlert) =>
      notifiedAlert(each.labels, each.annotations, each.startsMs, endsMs, generatorUrl);
    for (const [name, ended] of Map.groupBy(abandoned.splice(0), nameOf)) {
      const stillFiring = firing().filter((each) => nameOf(each) === name);
      notify(notification(name, [...ended.map(tell(nowMs)), ...stillFiring.map(tell(null))], publicUrl));
    }
  }

  /**
   * Annotations that help the receiver. They are asked for when an alert begins to fire, and sent again unchanged when
   * it ends.
   */
  async function describe(
    asking: Asking,
    { objective, alert }: Watched,
    condition: BurnCondition,
    burn: Burn | undefined,
    nowMs: number,
  ): Promise<Record<string, string>> {
    const traceId = await askBadExemplar(asking, objective, nowMs - condition.longMs, nowMs);
    const [release] = await askReleases(asking, nowMs - releasesRangeMs, nowMs);
    const marker = (await listMarkers(asking, nowMs - releasesRangeMs, nowMs)).at(-1);
    const budget = percent(1 - objective.objective);
    return {
      summary: `${objective.name}: ${percent(burn?.badRatio ?? 0)} of dispatches are bad, the objective allows ${budget}.`,
      description: `${objective.description}. Over ${duration(condition.longMs)} and ${duration(condition.shortMs)} the budget burns at more than ${condition.burnRate} times the allowed rate.`,
      runbook_url: `${publicUrl}/runbooks/${alert.runbook}`,
      observatory_url: generatorUrl,
      ...(traceId === undefined
        ? {}
        : { exemplar_trace_id: traceId, exemplar_trace_url: `${publicUrl}/trace/${traceId}` }),
      ...(release === undefined ? {} : { last_release: `${release.service} ${release.version}` }),
      ...(marker === undefined ? {} : { last_marker: marker.message }),
      ...(marker?.url ? { last_marker_url: marker.url } : {}),
    };
  }

  async function look(asking: Asking, each: Watched, nowMs: number): Promise<void> {
    const { objective, alert, conditions } = each;
    const windows = [...new Set(conditions.flatMap(({ condition: { longMs, shortMs } }) => [longMs, shortMs]))];
    const burns = await askBurnRates(asking, objective, windows, nowMs);
    // Everything is asked before anything changes, so that a look that fails has no effect.
    const looked = await Promise.all(
      conditions.map(async ({ condition, state, annotations }) => {
        const isHolding = holds(condition, burns) || (state.phase === 'firing' && !canJudge(condition, gap, nowMs));
        const next = nextState(state, condition, isHolding, nowMs);
        const begins = next.phase === 'firing' && state.phase !== 'firing';
        return {
          next,
          annotations: begins
            ? await describe(asking, each, condition, burns.get(condition.longMs), nowMs)
            : annotations,
        };
      }),
    );
    const alerts: NotifiedAlert[] = [];
    let changed = false;
    for (const [index, { next, annotations }] of looked.entries()) {
      const entry = conditions[index];
      if (!entry) continue;
      const { state: previous, labels } = entry;
      entry.state = next;
      entry.annotations = annotations;
      changed ||= (previous.phase === 'firing') !== (next.phase === 'firing');
      if (next.phase === 'firing') {
        alerts.push(notifiedAlert(labels, annotations, next.startsMs, null, generatorUrl));
      } else if (previous.phase === 'firing') {
        alerts.push(notifiedAlert(labels, annotations, previous.startsMs, nowMs, generatorUrl));
      }
    }
    if (changed) notify(notification(alert.name, alerts, publicUrl));
  }

  return {
    async evaluate(signal) {
      const errors: Error[] = [];
      endAbandoned();
      for (const each of watched) {
        // Each objective has its own time limit, so that a slow one takes no time from the others.
        const timeout = AbortSignal.timeout(timeoutMs);
        const asking = { reader, signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
        try {
          await look(asking, each, now());
        } catch (error) {
          if (signal?.aborted) return;
          errors.push(new Error(`${each.objective.name}: ${reasonOf(error)}`, { cause: error }));
        }
      }
      failures += errors.length;
      if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '));
      lastLookMs = now();
    },
    failures: () => failures,
    lastLookMs: () => lastLookMs,
    firing,
    firingOf: (objective) =>
      watched
        .filter((each) => each.objective === objective)
        .flatMap(({ alert, conditions }) =>
          conditions.flatMap(({ condition, annotations, state }): FiringAlert[] => {
            if (state.phase !== 'firing') return [];
            const { severity, burnRate, longMs, shortMs } = condition;
            const exemplarTraceId = annotations['exemplar_trace_id'] ?? null;
            const { startsMs } = state;
            return [{ severity, startsMs, burnRate, longMs, shortMs, runbook: alert.runbook, exemplarTraceId }];
          }),
        ),
  };
}

function labelsOf(alert: ObjectiveAlert, condition: BurnCondition): Record<string, string> {
  return {
    alertname: alert.name,
    severity: condition.severity,
    ...alert.labels,
    burn_rate: String(condition.burnRate),
    long_window: duration(condition.longMs),
    short_window: duration(condition.shortMs),
  };
}

function nameOf({ labels }: KeptAlert): string {
  return labels['alertname'] ?? '';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`;
}

/** In Prometheus' way, so that labels are alike: `2m`, `144m`, `1h`. */
function duration(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
