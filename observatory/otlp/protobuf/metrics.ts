import type { AttributeValue } from '../../records/attribute-value.ts';
import { countValues, nestedDouble, nestedInteger } from '../any-value.ts';
import { checkTime } from '../decoding.ts';
import { type MetricHead, type MetricNumbers, metricKinds, toPoint } from '../metric-point.ts';
import type { ReadItem } from './read-item.ts';
import {
  double,
  type Extent,
  fixed64,
  fixed64Field,
  lengthDelimited,
  lengthField,
  messages,
  signedFixed64,
  skip,
  string,
  tag,
  varint,
  varint64,
  varintField,
  type Wire,
} from './wire.ts';
import { addKeyValue } from './wire-attributes.ts';

/** A point of a metric. */
interface Point extends Extent {
  head: MetricHead;
}

/** The points of the `opentelemetry.proto.metrics.v1.Metric`s of a scope; null after each metric, which may have none. */
export function* points(wire: Wire, { start, end }: Extent): Generator<Point | null> {
  for (const metric of messages(wire, start, end, 2)) {
    yield* pointsOf(wire, metric);
    yield null;
  }
}

function* pointsOf(wire: Wire, { start, end }: Extent): Generator<Point> {
  const head: MetricHead = { name: '', unit: '', kind: 'gauge', temporality: null, monotonic: null };
  let dataStart = -1;
  let dataEnd = -1;
  wire.position = start;
  while (wire.position < end) {
    const field = tag(wire, end);
    const kind = field % 8 === 2 ? metricKinds.get(field >> 3) : undefined;
    if (field === lengthField(1)) head.name = string(wire, end);
    else if (field === lengthField(3)) head.unit = string(wire, end);
    else if (kind) {
      head.kind = kind;
      dataEnd = lengthDelimited(wire, end);
      dataStart = wire.position;
      wire.position = dataEnd;
    } else skip(wire, field, end);
  }
  if (dataStart < 0) return;
  readHead(wire, dataStart, dataEnd, head);
  for (const point of messages(wire, dataStart, dataEnd, 1)) yield { start: point.start, end: point.end, head };
}

/** Reads the fields beside the points. They may come after the points. */
function readHead(wire: Wire, start: number, end: number, head: MetricHead): void {
  wire.position = start;
  if (head.kind === 'sum') head.monotonic = false;
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === varintField(2)) {
      const temporality = varint(wire, end);
      head.temporality = temporality === 1 ? 'delta' : temporality === 2 ? 'cumulative' : null;
    } else if (field === varintField(3)) head.monotonic = varint(wire, end) !== 0;
    else skip(wire, field, end);
  }
}

export const readPoint: ReadItem<Point> = (wire, { end, head }, origin, { other: builder, metrics }) => {
  const numbers: MetricNumbers = { startNs: 0n, timeNs: 0n };
  const read =
    head.kind === 'histogram'
      ? histogramField
      : head.kind === 'exponential_histogram'
        ? exponentialField
        : head.kind === 'summary'
          ? summaryField
          : numberField;
  const attributes = lengthField(head.kind === 'histogram' ? 9 : head.kind === 'exponential_histogram' ? 1 : 7);
  while (wire.position < end) {
    countValues(1);
    const field = tag(wire, end);
    if (field === attributes) addKeyValue(wire, lengthDelimited(wire, end), builder);
    else if (field === fixed64Field(2)) numbers.startNs = checkTime(fixed64(wire, end), 'start');
    else if (field === fixed64Field(3)) numbers.timeNs = checkTime(fixed64(wire, end), 'time');
    else if (!read(wire, field, end, numbers)) skip(wire, field, end);
  }
  metrics.push(toPoint(head, numbers, origin, builder.finish()));
};

type ReadField = (wire: Wire, field: number, end: number, numbers: MetricNumbers) => boolean;

const numberField: ReadField = (wire, field, end, numbers) => {
  if (field === fixed64Field(4)) numbers.value = double(wire, end);
  else if (field === fixed64Field(6)) numbers.integer = signedFixed64(wire, end);
  else return false;
  return true;
};

const histogramField: ReadField = (wire, field, end, numbers) => {
  if (field === fixed64Field(4)) numbers.count = fixed64(wire, end);
  else if (field === fixed64Field(5)) numbers.sum = double(wire, end);
  else if (field === lengthField(6)) packed(wire, end, (numbers.counts ??= []), unsignedFixed);
  else if (field === fixed64Field(6)) single(wire, end, (numbers.counts ??= []), unsignedFixed);
  else if (field === lengthField(7)) packed(wire, end, (numbers.bounds ??= []), bound);
  else if (field === fixed64Field(7)) single(wire, end, (numbers.bounds ??= []), bound);
  else if (field === fixed64Field(11)) numbers.min = double(wire, end);
  else if (field === fixed64Field(12)) numbers.max = double(wire, end);
  else return false;
  return true;
};

const exponentialField: ReadField = (wire, field, end, numbers) => {
  if (field === fixed64Field(4)) numbers.count = fixed64(wire, end);
  else if (field === fixed64Field(5)) numbers.sum = double(wire, end);
  else if (field === varintField(6)) numbers.scale = zigzag(varint(wire, end));
  else if (field === fixed64Field(7)) numbers.zeroCount = unsignedFixed(wire, end);
  else if (field === lengthField(8)) numbers.positive = readBuckets(wire, lengthDelimited(wire, end));
  else if (field === lengthField(9)) numbers.negative = readBuckets(wire, lengthDelimited(wire, end));
  else if (field === fixed64Field(12)) numbers.min = double(wire, end);
  else if (field === fixed64Field(13)) numbers.max = double(wire, end);
  else return false;
  return true;
};

const summaryField: ReadField = (wire, field, end, numbers) => {
  if (field === fixed64Field(4)) numbers.count = fixed64(wire, end);
  else if (field === fixed64Field(5)) numbers.sum = double(wire, end);
  else if (field === lengthField(6)) {
    const quantileEnd = lengthDelimited(wire, end);
    let quantile = 0;
    let value = 0;
    while (wire.position < quantileEnd) {
      const inner = tag(wire, quantileEnd);
      if (inner === fixed64Field(1)) quantile = double(wire, quantileEnd);
      else if (inner === fixed64Field(2)) value = double(wire, quantileEnd);
      else skip(wire, inner, quantileEnd);
    }
    (numbers.quantiles ??= []).push([nestedDouble(quantile), nestedDouble(value)]);
  } else return false;
  return true;
};

type ReadNumber = (wire: Wire, end: number) => AttributeValue;

const unsignedFixed: ReadNumber = (wire, end) => nestedInteger(fixed64(wire, end));
const unsignedVarint: ReadNumber = (wire, end) => nestedInteger(BigInt.asUintN(64, varint64(wire, end)));
const bound: ReadNumber = (wire, end) => nestedDouble(double(wire, end));

/** Adds the numbers of a list one by one: it may be longer than the arguments that a call can have. */
function packed(wire: Wire, end: number, values: AttributeValue[], read: ReadNumber): void {
  const listEnd = lengthDelimited(wire, end);
  while (wire.position < listEnd) single(wire, listEnd, values, read);
}

function single(wire: Wire, end: number, values: AttributeValue[], read: ReadNumber): void {
  countValues(1);
  values.push(read(wire, end));
}

function readBuckets(wire: Wire, end: number): { offset: number; counts: AttributeValue[] } {
  const buckets: { offset: number; counts: AttributeValue[] } = { offset: 0, counts: [] };
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === varintField(1)) buckets.offset = zigzag(varint(wire, end));
    else if (field === lengthField(2)) packed(wire, end, buckets.counts, unsignedVarint);
    else if (field === varintField(2)) single(wire, end, buckets.counts, unsignedVarint);
    else skip(wire, field, end);
  }
  return buckets;
}

/** sint32: 0, -1, 1, -2, … as 0, 1, 2, 3, … */
function zigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
