import type { AttributeSet } from './attribute-shapes.ts';
import type { Resource } from './resource.ts';
import type { SpanBatch } from './span-batch.ts';

// What the receiver hands to the store. Instants and durations in nanoseconds, ids in lower-case hex.

export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export const spanKinds: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
export type SpanStatus = 'unset' | 'ok' | 'error';
export const spanStatuses: readonly SpanStatus[] = ['unset', 'ok', 'error'];

export interface LogEntry {
  timeNs: bigint;
  traceId: string | null;
  spanId: string | null;
  severity: string;
  severityNumber: number;
  body: string;
  eventName: string;
  scope: string | null;
  resource: Resource;
  attributes: AttributeSet;
}

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';

export interface MetricPoint {
  timeNs: bigint;
  startNs: bigint | null;
  name: string;
  unit: string;
  kind: MetricKind;
  temporality: 'delta' | 'cumulative' | null;
  monotonic: boolean | null;
  value: number | null;
  valueInteger: bigint | null;
  count: bigint | null;
  sum: number | null;
  min: number | null;
  max: number | null;
  /** JSON (schema.sql). */
  distribution: string | null;
  scope: string | null;
  resource: Resource;
  attributes: AttributeSet;
}

export interface Batches {
  spans: SpanBatch;
  logs: LogEntry[];
  metrics: MetricPoint[];
}
export type Signal = keyof Batches;
export const signals: readonly Signal[] = ['spans', 'logs', 'metrics'];
