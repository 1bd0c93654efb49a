import { stringify } from 'yaml';

import { alertName, type BurnCondition, runbookName, type ServiceLevelObjective } from './openslo.ts';
import { parseSelector } from './selector.ts';

/**
 * The addresses that the links of an alert lead to. Prometheus' external labels name them, because its rules cannot read
 * the environment. Without these labels, links lead to the ports of docker-compose.yml on this machine. The chart puts
 * its own values in their place.
 */
const observatoryUrl = '{{ or $externalLabels.observatory_url "http://localhost:8088" }}';
const dashboardUrl = '{{ or $externalLabels.grafana_url "http://localhost:3000" }}/d/slo';

/** `60000` → `1m`, in the largest unit that is whole, for PromQL. */
function promDuration(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms / 1000}s`;
}

/** The ratio of bad ones, which {@link rules} records for each window. */
function recorded(objective: ServiceLevelObjective, windowMs: number): string {
  return `slo:bad:ratio_rate${promDuration(windowMs)}{slo="${objective.name}"}`;
}

function badRatio({ good, total }: ServiceLevelObjective, windowMs: number): string {
  const window = promDuration(windowMs);
  // If all fail, nothing is good, and a series that nobody has made is no zero. If nobody asks, there is no ratio.
  return `1 - (sum(rate(${good}[${window}])) or vector(0)) / (sum(rate(${total}[${window}])) > 0)`;
}

/** The release of each service that serves dispatches now, the one with most of them, for an annotation. */
const lastRelease = [
  '{{ range query "topk(1, sum by (service_version, hotrod_release_customer, hotrod_release_driver, hotrod_release_route)',
  '(rate(hotrod_dispatch_calls_total{http_route=\\"/dispatch\\"}[2m])))" }}frontend {{ .Labels.service_version }}, customer {{ .Labels.hotrod_release_customer }},',
  'driver {{ .Labels.hotrod_release_driver }}, route {{ .Labels.hotrod_release_route }}{{ end }}',
].join(' ');

/** Numbers without the noise of binary fractions. */
function decimal(value: number): number {
  return Number(value.toPrecision(12));
}

function alertRule(objective: ServiceLevelObjective, condition: BurnCondition) {
  const { burnRate, longMs, shortMs, afterMs, severity } = condition;
  const budget = decimal(1 - objective.target);
  const limit = decimal(burnRate * budget);
  return {
    alert: alertName(objective),
    expr: `${recorded(objective, longMs)} > ${limit} and ${recorded(objective, shortMs)} > ${limit}`,
    for: promDuration(afterMs),
    labels: {
      severity,
      service: objective.service,
      burn_rate: String(burnRate),
      long_window: promDuration(longMs),
      short_window: promDuration(shortMs),
    },
    annotations: {
      summary: `${objective.displayName}: {{ $value | humanizePercentage }} of dispatches are bad, the objective allows ${decimal(budget * 100)} %.`,
      description: `${objective.description}. Over ${promDuration(longMs)} and ${promDuration(shortMs)} the budget burns at more than ${burnRate} times the allowed rate; ${decimal(((burnRate * longMs) / objective.windowMs) * 100)} % of it is gone by then.`,
      runbook_url: `${observatoryUrl}/runbooks/${runbookName(objective)}`,
      dashboard_url: dashboardUrl,
      observatory_url: `${observatoryUrl}/?view=slo`,
      // Prometheus keeps exemplars, but no template function reads them. So this is the query that lists them.
      exemplar_query: exemplarQuery(objective),
      last_release: lastRelease,
    },
  };
}

/** For /api/v1/query_exemplars: all buckets, because a slow one is in no bucket that is good. */
function exemplarQuery({ total }: ServiceLevelObjective): string {
  const { matchers } = parseSelector(total);
  const selected = matchers.map(({ label, operator, value }) => `${label}${operator}"${value}"`).join(', ');
  return `traces_span_metrics_duration_seconds_bucket{${selected}}`;
}

/** From this length on, rates are computed seldom, because each reads its whole window; shorter ones with each scrape. */
const longWindowMs = 600_000;

/** The rules of Prometheus for the objectives, as YAML. */
export function prometheusRules(objectives: readonly ServiceLevelObjective[]): string {
  const groups = objectives.flatMap((objective) => {
    const { name, windowMs, target, conditions } = objective;
    const windows = [
      ...new Set([...conditions.flatMap(({ longMs, shortMs }) => [shortMs, longMs]), windowMs]),
    ].toSorted((a, b) => a - b);
    const record = (ms: number) => ({
      record: `slo:bad:ratio_rate${promDuration(ms)}`,
      expr: badRatio(objective, ms),
      labels: { slo: name },
    });
    return [
      {
        name: `slo-${name}-long-windows`,
        interval: '30s',
        rules: [
          ...windows.filter((ms) => ms > longWindowMs).map(record),
          { record: 'slo:objective:ratio', expr: `vector(${target})`, labels: { slo: name } },
          {
            record: 'slo:budget_left:ratio',
            expr: `1 - ${recorded(objective, windowMs)} / ${decimal(1 - target)}`,
            labels: { slo: name },
          },
        ],
      },
      {
        name: `slo-${name}`,
        interval: '5s',
        rules: [
          ...windows.filter((ms) => ms <= longWindowMs).map(record),
          ...conditions.map((condition) => alertRule(objective, condition)),
        ],
      },
    ];
  });
  return `# Made by \`npm run slo\` of slo/hotrod.yaml: change that. Recorded ratios of bad dispatches, and alerts on how fast they
# burn the budget, over a long and a short window: https://sre.google/workbook/alerting-on-slos/
${stringify({ groups }, { lineWidth: 0 })}`;
}
