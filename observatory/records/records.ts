import type { AttributeSet } from './attribute-shapes.ts';
import type { SpanBatch } from './span-batch.ts';

/** What the receiver hands to the store. Instants and durations in nanoseconds, ids in lower-case hex. */
export interface Resource {
  /** `unknown_service` where the sender does not say. */
  service: string;
  version: string | null;
  /** A page in a browser: its spans are the caller's, not a service's. */
  browser: boolean;
  /** The same for the same attributes. */
  fingerprint: string;
  attributes: AttributeSet;
}

/** What an item belongs to. */
export interface Origin {
  resource: Resource;
  /** Instrumentation scope: name, or name@version. */
  scope: string | null;
}

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
