import type { AttributeValue } from '../../records/attribute-value.ts';
import { type MetricKind, spanKinds, spanStatuses } from '../../records/records.ts';
import type { SpanEvent, SpanLink } from '../../records/span-event.ts';
import { spanTexts } from '../../records/span-parts.ts';
import { bodyText, nestedDouble, nestedInteger } from '../any-value.ts';
import {
  addDropped,
  addScope,
  checkId,
  checkTime,
  droppedKeys,
  durationBetween,
  logTime,
  optionalId,
  traceStateKey,
  withDropped,
} from '../decoding.ts';
import type { ReadJsonItem } from './read-json-item.ts';
import {
  addKeyValues,
  anyValue,
  double,
  eachObject,
  hexId,
  integer,
  isSet,
  type JsonObject,
  keyValues,
  list,
  object,
  objects,
  optionalDouble,
  signed64,
  text,
  unsigned64,
} from './value.ts';
import { type MetricHead, type MetricNumbers, toPoint } from '../metric-point.ts';
import { severityName } from '../severity.ts';

/** `opentelemetry.proto.trace.v1.Span` */
export const readSpan: ReadJsonItem<JsonObject> = (span, origin, { span: builder }) => {
  addKeyValues(span.attributes, builder);
  addScope(origin.scopeAttributes, builder);
  const traceState = text(span.traceState, 'traceState');
  if (traceState !== '') builder.add(traceStateKey, traceState, '');
  addDropped(droppedKeys.attributes, integer(span.droppedAttributesCount, 'droppedAttributesCount'), builder);
  addDropped(droppedKeys.events, integer(span.droppedEventsCount, 'droppedEventsCount'), builder);
  addDropped(droppedKeys.links, integer(span.droppedLinksCount, 'droppedLinksCount'), builder);
  const status = object(span.status ?? {}, 'status');
  const statusMessage = text(status.message, 'status.message');
  const events = objects(span.events, 'events').map(readEvent);
  const links = objects(span.links, 'links').map(readLink);
  const startNs = checkTime(unsigned64(span.startTimeUnixNano, 'startTimeUnixNano'), 'start');
  const endNs = checkTime(unsigned64(span.endTimeUnixNano, 'endTimeUnixNano'), 'end');
  builder.idTexts(
    checkId(hexId(span.traceId, 'traceId'), 32, 'trace id'),
    checkId(hexId(span.spanId, 'spanId'), 16, 'span id'),
    optionalId(hexId(span.parentSpanId, 'parentSpanId'), 16),
  );
  builder.text(spanTexts.name, text(span.name, 'name'));
  if (statusMessage !== '') builder.text(spanTexts.statusMessage, statusMessage);
  if (events.length > 0) builder.text(spanTexts.events, JSON.stringify(events));
  if (links.length > 0) builder.text(spanTexts.links, JSON.stringify(links));
  builder.end(origin, {
    kind: spanKinds[integer(span.kind, 'kind')] ?? 'unspecified',
    status: spanStatuses[integer(status.code, 'status.code')] ?? 'unset',
    startNs,
    durationNs: durationBetween(startNs, endNs),
  });
};

function readEvent(event: JsonObject): SpanEvent {
  return {
    timeNs: String(unsigned64(event.timeUnixNano, 'timeUnixNano')),
    name: text(event.name, 'name'),
    attributes: withDropped(
      keyValues(event.attributes, 0),
      integer(event.droppedAttributesCount, 'droppedAttributesCount'),
    ),
  };
}

function readLink(link: JsonObject): SpanLink {
  return {
    traceId: hexId(link.traceId, 'traceId'),
    spanId: hexId(link.spanId, 'spanId'),
    attributes: withDropped(
      keyValues(link.attributes, 0),
      integer(link.droppedAttributesCount, 'droppedAttributesCount'),
      text(link.traceState, 'traceState'),
    ),
  };
}

/** `opentelemetry.proto.logs.v1.LogRecord` */
export const readLog: ReadJsonItem<JsonObject> = (
  log,
  { resource, scope, scopeAttributes },
  { other: builder, logs },
) => {
  addKeyValues(log.attributes, builder);
  addScope(scopeAttributes, builder);
  addDropped(droppedKeys.attributes, integer(log.droppedAttributesCount, 'droppedAttributesCount'), builder);
  const severityNumber = integer(log.severityNumber, 'severityNumber');
  logs.push({
    timeNs: logTime(
      unsigned64(log.timeUnixNano, 'timeUnixNano'),
      unsigned64(log.observedTimeUnixNano, 'observedTimeUnixNano'),
    ),
    traceId: optionalId(hexId(log.traceId, 'traceId'), 32),
    spanId: optionalId(hexId(log.spanId, 'spanId'), 16),
    severity: text(log.severityText, 'severityText') || severityName(severityNumber),
    severityNumber: severityNumber >= 0 && severityNumber <= 24 ? severityNumber : 0,
    body: bodyText(anyValue(object(log.body ?? {}, 'body'), 0)),
    eventName: text(log.eventName, 'eventName'),
    scope,
    resource,
    attributes: builder.finish(),
  });
};

const metricKinds: Readonly<Record<string, MetricKind>> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponentialHistogram: 'exponential_histogram',
  summary: 'summary',
};

/** A point of a metric. */
export interface JsonPoint {
  head: MetricHead;
  point: JsonObject;
}

/** The points of `opentelemetry.proto.metrics.v1.Metric`s; null after each metric, which may have none. */
export function* points(metrics: Iterable<JsonObject>): Generator<JsonPoint | null> {
  for (const metric of metrics) {
    yield* pointsOf(metric);
    yield null;
  }
}

function* pointsOf(metric: JsonObject): Generator<JsonPoint> {
  for (const [member, kind] of Object.entries(metricKinds)) {
    if (!isSet(metric[member])) continue;
    const data = object(metric[member], member);
    const temporality = integer(data.aggregationTemporality, 'aggregationTemporality');
    const head: MetricHead = {
      name: text(metric.name, 'name'),
      unit: text(metric.unit, 'unit'),
      kind,
      temporality: temporality === 1 ? 'delta' : temporality === 2 ? 'cumulative' : null,
      monotonic: kind === 'sum' ? data.isMonotonic === true : null,
    };
    for (const point of eachObject(data.dataPoints, 'dataPoints')) yield { head, point };
  }
}

export const readPoint: ReadJsonItem<JsonPoint> = ({ head, point }, origin, { other: builder, metrics }) => {
  addKeyValues(point.attributes, builder);
  metrics.push(toPoint(head, readNumbers(point), origin, builder.finish()));
};

function readNumbers(point: JsonObject): MetricNumbers {
  const numbers: MetricNumbers = {
    startNs: checkTime(unsigned64(point.startTimeUnixNano, 'startTimeUnixNano'), 'start'),
    timeNs: checkTime(unsigned64(point.timeUnixNano, 'timeUnixNano'), 'time'),
    count: unsigned64(point.count, 'count'),
    counts: list(point.bucketCounts, 'bucketCounts', (item, what) => nestedInteger(unsigned64(item, what))),
    bounds: list(point.explicitBounds, 'explicitBounds', (item, what) => nestedDouble(double(item, what))),
    scale: integer(point.scale, 'scale'),
    zeroCount: nestedInteger(unsigned64(point.zeroCount, 'zeroCount')),
    positive: readBuckets(point.positive),
    negative: readBuckets(point.negative),
    quantiles: objects(point.quantileValues, 'quantileValues').map((item) => [
      nestedDouble(double(item.quantile ?? 0, 'quantile')),
      nestedDouble(double(item.value ?? 0, 'value')),
    ]),
  };
  const value = optionalDouble(point.asDouble, 'asDouble');
  const sum = optionalDouble(point.sum, 'sum');
  const min = optionalDouble(point.min, 'min');
  const max = optionalDouble(point.max, 'max');
  if (value !== undefined) numbers.value = value;
  if (isSet(point.asInt)) numbers.integer = signed64(point.asInt, 'asInt');
  if (sum !== undefined) numbers.sum = sum;
  if (min !== undefined) numbers.min = min;
  if (max !== undefined) numbers.max = max;
  return numbers;
}

function readBuckets(value: unknown): { offset: number; counts: AttributeValue[] } {
  const buckets = object(value ?? {}, 'buckets');
  return {
    offset: integer(buckets.offset, 'offset'),
    counts: list(buckets.bucketCounts, 'bucketCounts', (item, what) => nestedInteger(unsigned64(item, what))),
  };
}
