import { createHash } from 'node:crypto';

import {
  type AttributeBuilder,
  type AttributeSet,
  type AttributeSink,
  attributeText,
  createAttributeBuilder,
  shapeText,
  type ValueType,
} from '../records/attribute-shapes.ts';
import type { AttributeValue } from '../records/attribute-value.ts';
import type { Batches, LogEntry, MetricPoint } from '../records/records.ts';
import type { Resource, ScopeAttributes } from '../records/resource.ts';
import type { SpanBatch } from '../records/span-batch.ts';
import { createSpanBatchBuilder, type SpanBatchBuilder } from '../records/span-batch-builder.ts';

/** How long a decoder works before it yields the event loop, milliseconds. */
export const sliceMs = 8;

/** Items that OTLP does not allow: they are left out and counted. */
export interface Rejected {
  rejected: number;
  /** Why the first was left out; '' if none was. */
  reason: string;
}

/** What a request held, without what was rejected. */
export interface Decoded<T> extends Rejected {
  items: T;
}

/** Throw `MalformedError` if the bytes are not what they should be. */
export type Decoders = { [K in keyof Batches]: (bytes: Buffer) => Promise<Decoded<Batches[K]>> };

/** The builders of what the items of a request become. Only one decoder at a time fills them. */
export interface Builders {
  span: SpanBatchBuilder;
  /** Builds the attributes of everything except spans. */
  other: AttributeBuilder;
  logs: LogEntry[];
  metrics: MetricPoint[];
}

export function createBuilders(): Builders {
  return { span: createSpanBatchBuilder(), other: createAttributeBuilder(), logs: [], metrics: [] };
}

/** What was made since the last time. */
export function takeSpans({ span }: Builders): SpanBatch {
  return span.finish();
}

export function takeLogs(builders: Builders): LogEntry[] {
  const { logs } = builders;
  builders.logs = [];
  return logs;
}

export function takeMetrics(builders: Builders): MetricPoint[] {
  const { metrics } = builders;
  builders.metrics = [];
  return metrics;
}

/** Forgets the item that was begun, and counts it. @throws the error, unless it is a {@link RejectedError}. */
export function rejectItem({ span, other }: Builders, count: Rejected, error: unknown): void {
  if (!(error instanceof RejectedError)) throw error;
  span.clear();
  other.clear();
  count.rejected += 1;
  count.reason ||= error.message;
}

/** Forgets everything: the request is malformed. */
export function rejectRequest(builders: Builders): void {
  builders.span.reset();
  builders.other.clear();
  builders.logs = [];
  builders.metrics = [];
}

/** An item that OTLP does not allow, within a valid request: only the item is rejected (partial success). */
class RejectedError extends Error {
  override readonly name = 'RejectedError';
}

const rejections = new Map<string, RejectedError>();

/**
 * One error for each reason: a request may hold millions of bad items, and and making an error takes longer than
 * decoding an item.
 */
function rejection(reason: string): RejectedError {
  let error = rejections.get(reason);
  if (!error) rejections.set(reason, (error = new RejectedError(reason)));
  return error;
}

export function toResource(attributes: AttributeSet): Resource {
  const { keys, types } = shapeText(attributes.shape);
  const service = attributeText(attributes, 'service.name');
  return {
    service: service === undefined || service === '' ? 'unknown_service' : service,
    version: attributeText(attributes, 'service.version') ?? null,
    browser:
      attributeText(attributes, 'telemetry.sdk.language') === 'webjs' || keys.some((key) => key.startsWith('browser.')),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([keys, attributes.values, attributes.separator, types]))
      .digest('base64url'),
    attributes,
  };
}

/**
 * What OTLP says of an item beside its attributes is kept as attributes of these names. They are the names that the
 * specification has for formats that have only attributes (OpenTelemetry, "Mapping to non-OTLP formats"), and Jaeger's
 * for the trace state.
 */
export const droppedKeys = {
  attributes: 'otel.dropped_attributes_count',
  events: 'otel.dropped_events_count',
  links: 'otel.dropped_links_count',
} as const;
export const traceStateKey = 'w3c.tracestate';
/** Before the keys of a scope's attributes, which all its items get. */
const scopePrefix = 'otel.scope.attributes.';

/** Adds how many of something an SDK dropped, if it dropped any. */
export function addDropped(key: string, count: number, sink: Pick<AttributeSink, 'add'>): void {
  if (count > 0) sink.add(key, String(count), 'i');
}

/** The attributes of an event or a link with what OTLP says beside them. */
export function withDropped(
  attributes: Record<string, AttributeValue>,
  dropped: number,
  traceState = '',
): Record<string, AttributeValue> {
  if (dropped === 0 && traceState === '') return attributes;
  return {
    ...(traceState !== '' && { [traceStateKey]: traceState }),
    ...(dropped > 0 && { [droppedKeys.attributes]: dropped }),
    ...attributes,
  };
}

/** Takes the attributes of a scope, to be given to each of its items. */
export function createScopeAttributes(): AttributeSink & { finish(): ScopeAttributes } {
  let taken: [string, string, ValueType][] = [];
  return {
    add: (key, value, type) => void taken.push([key.startsWith('otel.') ? key : scopePrefix + key, value, type]),
    clear: () => {
      taken = [];
    },
    finish() {
      const attributes = taken;
      taken = [];
      return attributes;
    },
  };
}

export function addScope(attributes: ScopeAttributes | undefined, sink: Pick<AttributeSink, 'add'>): void {
  if (attributes) for (const [key, value, type] of attributes) sink.add(key, value, type);
}

export function scopeText(name: string, version: string): string | null {
  if (name === '') return null;
  return version === '' ? name : `${name}@${version}`;
}

/** The W3C and OTLP forbid ids of other lengths and ids that are all zero. */
export function checkId(id: string, digits: 16 | 32, what: string): string {
  if (id.length !== digits || /^0*$/.test(id)) throw badId(what, digits / 2);
  return id;
}

/** The same of an id that is bytes. */
export function checkIdBytes(ids: Buffer, at: number, length: number, size: 8 | 16, what: string): void {
  let sum = 0;
  for (let index = at; index < at + size; index += 1) sum += ids[index] ?? 0;
  if (length !== size || sum === 0) throw badId(what, size);
}

function badId(what: string, size: number): RejectedError {
  return rejection(`its ${what} is not ${size} bytes that are not all zero`);
}

/** An id that may be missing: null if it is empty, zero or of a wrong length. */
export function optionalId(id: string, digits: 16 | 32): string | null {
  return id.length === digits && !/^0*$/.test(id) ? id : null;
}

/**
 * The columns are signed 64-bit integers, which end in April of 2262. Times that are rounded up to whole steps need
 * some room below that.
 */
const tooLateNs = BigInt(Date.UTC(2262, 0)) * 1_000_000n;

export function checkTime(ns: bigint, what: string): bigint {
  if (ns >= tooLateNs) throw rejection(`its ${what} is not before the year 2262`);
  return ns;
}

/** When a log record was written, or else observed. If the record says neither, the time is now. */
export function logTime(timeNs: bigint, observedNs: bigint): bigint {
  return checkTime(timeNs || observedNs || BigInt(Date.now()) * 1_000_000n, 'time');
}

/**
 * A longer duration comes from a wrong clock, or from a start that was never set. This many nanoseconds are exact as a
 * double, too.
 */
const longestNs = 100n * 86_400n * 1_000_000_000n;

/** Never negative: a clock that was set back during a span, or a missing end, gives 0. */
export function durationBetween(startNs: bigint, endNs: bigint): bigint {
  if (endNs <= startNs) return 0n;
  if (endNs - startNs > longestNs) throw rejection('its end is more than 100 days after its start');
  return endNs - startNs;
}
