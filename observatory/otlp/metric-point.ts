import type { AttributeValue } from '../records/attribute-value.ts';
import type { AttributeSet } from '../records/attribute-shapes.ts';
import type { MetricKind, MetricPoint } from '../records/records.ts';
import type { Origin } from '../records/resource.ts';

/** What all points of a metric share. */
export interface MetricHead {
  name: string;
  unit: string;
  kind: MetricKind;
  temporality: 'delta' | 'cumulative' | null;
  monotonic: boolean | null;
}

/** What the points of the five kinds hold, between them. */
export interface MetricNumbers {
  startNs: bigint;
  timeNs: bigint;
  value?: number;
  integer?: bigint;
  count?: bigint;
  sum?: number;
  min?: number;
  max?: number;
  counts?: AttributeValue[];
  bounds?: AttributeValue[];
  scale?: number;
  zeroCount?: AttributeValue;
  positive?: { offset: number; counts: AttributeValue[] };
  negative?: { offset: number; counts: AttributeValue[] };
  quantiles?: [AttributeValue, AttributeValue][];
}

/** By field number of `opentelemetry.proto.metrics.v1.Metric.data`. */
export const metricKinds: ReadonlyMap<number, MetricKind> = new Map([
  [5, 'gauge'],
  [7, 'sum'],
  [9, 'histogram'],
  [10, 'exponential_histogram'],
  [11, 'summary'],
]);

const noBuckets = { offset: 0, counts: [] };

function distributionOf(kind: MetricKind, numbers: MetricNumbers): unknown {
  switch (kind) {
    case 'histogram':
      return { bounds: numbers.bounds ?? [], counts: numbers.counts ?? [] };
    case 'exponential_histogram':
      return {
        scale: numbers.scale ?? 0,
        zeroCount: numbers.zeroCount ?? 0,
        positive: numbers.positive ?? noBuckets,
        negative: numbers.negative ?? noBuckets,
      };
    case 'summary':
      return { quantiles: numbers.quantiles ?? [] };
    default:
      return undefined;
  }
}

export function toPoint(
  head: MetricHead,
  numbers: MetricNumbers,
  origin: Origin,
  attributes: AttributeSet,
): MetricPoint {
  const distribution = distributionOf(head.kind, numbers);
  const plain = distribution === undefined;
  return {
    ...head,
    timeNs: numbers.timeNs,
    startNs: numbers.startNs === 0n ? null : numbers.startNs,
    value: numbers.value ?? (numbers.integer === undefined ? null : Number(numbers.integer)),
    valueInteger: numbers.integer ?? null,
    count: plain ? null : (numbers.count ?? 0n),
    sum: numbers.sum ?? null,
    min: numbers.min ?? null,
    max: numbers.max ?? null,
    distribution: plain ? null : JSON.stringify(distribution),
    scope: origin.scope,
    resource: origin.resource,
    attributes,
  };
}
