import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

/**
 * The part of OpenSLO v1 that slo/hotrod.yaml uses, strictly: what this does not know would be left out of the rules in
 * silence. After the specification, https://github.com/OpenSLO/OpenSLO#specification.
 */
const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a DNS label (RFC 1123)');
const description = z.string().max(1050);
const duration = z.string().regex(/^[1-9]\d*[mhdw]$/, 'a duration such as 5m, 1h, 30d');
const metadata = z.strictObject({ name, displayName: z.string().min(1).optional() });
const header = { apiVersion: z.literal('openslo/v1'), metadata };

const metricSource = z.strictObject({
  metricSource: z.strictObject({
    type: z.literal('Prometheus'),
    spec: z.strictObject({ query: z.string().min(1) }),
  }),
});

const alertCondition = z.strictObject({
  kind: z.literal('AlertCondition'),
  metadata,
  spec: z.strictObject({
    description: description.optional(),
    severity: z.enum(['page', 'ticket']),
    condition: z.strictObject({
      kind: z.literal('burnrate'),
      op: z.literal('gt'),
      threshold: z.number().positive(),
      lookbackWindow: duration,
      alertAfter: duration,
    }),
  }),
});

const documentSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...header, kind: z.literal('Service'), spec: z.strictObject({ description }) }),
  z.strictObject({
    ...header,
    kind: z.literal('AlertNotificationTarget'),
    spec: z.strictObject({ description: description.optional(), target: z.string().min(1) }),
  }),
  z.strictObject({
    ...header,
    kind: z.literal('AlertPolicy'),
    spec: z.strictObject({
      description: description.optional(),
      alertWhenNoData: z.literal(false),
      alertWhenResolved: z.literal(true),
      alertWhenBreaching: z.literal(true),
      conditions: z.array(alertCondition).length(1),
      notificationTargets: z.array(z.strictObject({ targetRef: name })).min(1),
    }),
  }),
  z.strictObject({
    ...header,
    kind: z.literal('SLO'),
    metadata: metadata.required(),
    spec: z.strictObject({
      description,
      service: name,
      indicator: z.strictObject({
        metadata,
        spec: z.strictObject({
          ratioMetric: z.strictObject({ counter: z.literal(true), good: metricSource, total: metricSource }),
        }),
      }),
      timeWindow: z.array(z.strictObject({ duration, isRolling: z.literal(true) })).length(1),
      budgetingMethod: z.literal('Occurrences'),
      objectives: z.array(z.strictObject({ displayName: z.string().min(1), target: z.number().gt(0).lt(1) })).length(1),
      alertPolicies: z.array(z.strictObject({ alertPolicyRef: name })).min(1),
    }),
  }),
]);

type SloDocument = z.infer<typeof documentSchema>;
type DocumentOf<K extends SloDocument['kind']> = Extract<SloDocument, { kind: K }>;

/** When the budget burns too fast: over a long window, and still over a short one. */
export interface BurnCondition {
  severity: 'page' | 'ticket';
  /** 1 spends the budget exactly by the end of the objective's window. */
  burnRate: number;
  longMs: number;
  shortMs: number;
  /** How long it must hold before the alert fires. */
  afterMs: number;
}

/** One objective with its alerts, all references resolved. */
export interface ServiceLevelObjective {
  /** `dispatch-latency`. */
  name: string;
  displayName: string;
  description: string;
  service: string;
  /** The ratio of good ones that is promised, above 0 and below 1. */
  target: number;
  windowMs: number;
  /** PromQL selectors of counters. */
  good: string;
  total: string;
  conditions: BurnCondition[];
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

function milliseconds(text: string): number {
  return Number(text.slice(0, -1)) * unitMs[text.at(-1) as keyof typeof unitMs];
}

/**
 * The short window of a long one: a twelfth, as in the SRE Workbook ("Multiwindow, Multi-Burn-Rate Alerts",
 * https://sre.google/workbook/alerting-on-slos/), but never less than what a rate needs to be one: several scrapes.
 */
function shortWindowMs(longMs: number): number {
  return Math.max(60_000, longMs / 12);
}

/**
 * Reads the objectives of an OpenSLO file.
 *
 * @throws an error that names the document and the field, if one is not what OpenSLO, or this reader, knows.
 */
export function readObjectives(text: string): ServiceLevelObjective[] {
  const documents = parseAllDocuments(text).map((document, index) => {
    if (document.errors[0]) throw new Error(`document ${index + 1}: ${document.errors[0].message}`);
    const parsed = documentSchema.safeParse(document.toJS());
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new Error(`document ${index + 1}: ${issue?.path.join('.')}: ${issue?.message}`);
  });
  const named = <K extends SloDocument['kind']>(kind: K, wanted: string): DocumentOf<K> => {
    const found = documents.filter((each) => each.kind === kind && each.metadata.name === wanted);
    if (found.length !== 1) throw new Error(`there are ${found.length} documents of kind ${kind} named "${wanted}"`);
    return found[0] as DocumentOf<K>;
  };
  return documents
    .filter((each) => each.kind === 'SLO')
    .map(({ metadata: { name: sloName, displayName }, spec }) => ({
      name: sloName,
      displayName,
      description: spec.description,
      service: named('Service', spec.service).metadata.name,
      target: spec.objectives[0]?.target ?? 0,
      windowMs: milliseconds(spec.timeWindow[0]?.duration ?? ''),
      good: spec.indicator.spec.ratioMetric.good.metricSource.spec.query,
      total: spec.indicator.spec.ratioMetric.total.metricSource.spec.query,
      conditions: spec.alertPolicies.map(({ alertPolicyRef }) => {
        const policy = named('AlertPolicy', alertPolicyRef).spec;
        for (const { targetRef } of policy.notificationTargets) named('AlertNotificationTarget', targetRef);
        const [condition] = policy.conditions;
        if (!condition) throw new Error(`the policy "${alertPolicyRef}" has no condition`);
        const { severity, condition: asked } = condition.spec;
        const longMs = milliseconds(asked.lookbackWindow);
        return {
          severity,
          burnRate: asked.threshold,
          longMs,
          shortMs: shortWindowMs(longMs),
          afterMs: milliseconds(asked.alertAfter),
        };
      }),
    }));
}

/** `dispatch-latency` → `DispatchLatencyBudgetBurn`: the name of an objective's alert in every place that fires it. */
export function alertName({ name: sloName }: Pick<ServiceLevelObjective, 'name'>): string {
  const words = sloName.split('-').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  return `${words.join('')}BudgetBurn`;
}

/** The runbook of an objective's alert: a file of docs/runbooks, without its ending. */
export function runbookName({ name: sloName }: Pick<ServiceLevelObjective, 'name'>): string {
  return `${sloName}-budget-burn`;
}
