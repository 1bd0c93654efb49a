import type { SpanEvent, SpanLink } from '../../records/span-event.ts';
import { spanKinds, spanStatuses } from '../../records/records.ts';
import type { SpanBatchBuilder } from '../../records/span-batch-builder.ts';
import { type SpanNumbers, spanTexts } from '../../records/span-parts.ts';
import { countValues, mostValues } from '../any-value.ts';
import {
  addDropped,
  addScope,
  checkIdBytes,
  checkTime,
  droppedKeys,
  durationBetween,
  traceStateKey,
  withDropped,
} from '../decoding.ts';
import type { ReadItem } from './read-item.ts';
import {
  fixed64,
  fixed64Field,
  hex,
  lengthDelimited,
  lengthField,
  skip,
  string,
  tag,
  varint,
  varintField,
  type Wire,
} from './wire.ts';
import { addKeyValueBytes, keyValue } from './wire-attributes.ts';

type Event = SpanEvent;
type Link = SpanLink;

const traceId = lengthField(1);
const spanId = lengthField(2);
const parentSpanId = lengthField(4);
const name = lengthField(5);
const kind = varintField(6);
const startTime = fixed64Field(7);
const endTime = fixed64Field(8);
const attributes = lengthField(9);
const events = lengthField(11);
const links = lengthField(13);
const status = lengthField(15);
const traceState = lengthField(3);
const droppedAttributes = varintField(10);
const droppedEvents = varintField(12);
const droppedLinks = varintField(14);

/** `opentelemetry.proto.trace.v1.Span` */
export const readSpan: ReadItem = (wire, { end }, origin, { span: builder }) => {
  const { bytes } = wire;
  const numbers: SpanNumbers = { kind: 'unspecified', status: 'unset', startNs: 0n, durationNs: 0n };
  let fields = 0;
  let endNs = 0n;
  let traceIdLength = 0;
  let spanIdLength = 0;
  let eventList: Event[] | null = null;
  let linkList: Link[] | null = null;
  let state = '';
  while (wire.position < end) {
    fields += 1;
    if (fields > mostValues) countValues(fields);
    const field = tag(wire, end);
    switch (field) {
      case attributes:
        addKeyValueBytes(wire, lengthDelimited(wire, end), builder);
        break;
      case traceId:
        traceIdLength = readId(wire, end, builder.ids, 0, 16);
        break;
      case spanId:
        spanIdLength = readId(wire, end, builder.ids, 16, 8);
        break;
      case parentSpanId:
        readId(wire, end, builder.ids, 24, 8);
        break;
      case name: {
        const nameEnd = lengthDelimited(wire, end);
        builder.textBytes(spanTexts.name, bytes, wire.position, nameEnd);
        wire.position = nameEnd;
        break;
      }
      case kind:
        numbers.kind = spanKinds[varint(wire, end)] ?? 'unspecified';
        break;
      case startTime:
        numbers.startNs = fixed64(wire, end);
        break;
      case endTime:
        endNs = fixed64(wire, end);
        break;
      case events:
        (eventList ??= []).push(readEvent(wire, lengthDelimited(wire, end)));
        break;
      case links:
        (linkList ??= []).push(readLink(wire, lengthDelimited(wire, end)));
        break;
      case traceState:
        state = string(wire, end);
        break;
      case droppedAttributes:
        addDropped(droppedKeys.attributes, varint(wire, end), builder);
        break;
      case droppedEvents:
        addDropped(droppedKeys.events, varint(wire, end), builder);
        break;
      case droppedLinks:
        addDropped(droppedKeys.links, varint(wire, end), builder);
        break;
      case status:
        readStatus(wire, lengthDelimited(wire, end), numbers, builder);
        break;
      default:
        skip(wire, field, end);
    }
  }
  checkIdBytes(builder.ids, 0, traceIdLength, 16, 'trace id');
  checkIdBytes(builder.ids, 16, spanIdLength, 8, 'span id');
  checkTime(numbers.startNs, 'start');
  numbers.durationNs = durationBetween(numbers.startNs, checkTime(endNs, 'end'));
  addScope(origin.scopeAttributes, builder);
  if (state !== '') builder.add(traceStateKey, state, '');
  if (eventList) builder.text(spanTexts.events, JSON.stringify(eventList));
  if (linkList) builder.text(spanTexts.links, JSON.stringify(linkList));
  builder.end(origin, numbers);
};

/** Copies an id of a certain size; of another it leaves zeros, which are not an id. Tells the size it has. */
function readId(wire: Wire, end: number, ids: Buffer, at: number, size: number): number {
  const idEnd = lengthDelimited(wire, end);
  const length = idEnd - wire.position;
  for (let index = 0; index < size; index += 1)
    ids[at + index] = length === size ? (wire.bytes[wire.position + index] ?? 0) : 0;
  wire.position = idEnd;
  return length;
}

function readStatus(
  wire: Wire,
  end: number,
  numbers: Pick<SpanNumbers, 'status'>,
  builder: Pick<SpanBatchBuilder, 'textBytes'>,
): void {
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === lengthField(2)) {
      const messageEnd = lengthDelimited(wire, end);
      // An empty message is none.
      if (messageEnd > wire.position) {
        builder.textBytes(spanTexts.statusMessage, wire.bytes, wire.position, messageEnd);
      }
      wire.position = messageEnd;
    } else if (field === varintField(3)) numbers.status = spanStatuses[varint(wire, end)] ?? 'unset';
    else skip(wire, field, end);
  }
}

function readEvent(wire: Wire, end: number): Event {
  let timeNs = 0n;
  let eventName = '';
  let dropped = 0;
  const entries: [string, Event['attributes'][string]][] = [];
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === fixed64Field(1)) timeNs = fixed64(wire, end);
    else if (field === lengthField(2)) eventName = string(wire, end);
    else if (field === lengthField(3)) entries.push(keyValue(wire, lengthDelimited(wire, end), 0));
    else if (field === varintField(4)) dropped = varint(wire, end);
    else skip(wire, field, end);
  }
  return { timeNs: String(timeNs), name: eventName, attributes: withDropped(Object.fromEntries(entries), dropped) };
}

function readLink(wire: Wire, end: number): Link {
  const link: Link = { traceId: '', spanId: '', attributes: {} };
  let state = '';
  let dropped = 0;
  const entries: [string, Link['attributes'][string]][] = [];
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === lengthField(1)) link.traceId = hex(wire, end);
    else if (field === lengthField(2)) link.spanId = hex(wire, end);
    else if (field === lengthField(3)) state = string(wire, end);
    else if (field === varintField(5)) dropped = varint(wire, end);
    else if (field === lengthField(4)) entries.push(keyValue(wire, lengthDelimited(wire, end), 0));
    else skip(wire, field, end);
  }
  link.attributes = withDropped(Object.fromEntries(entries), dropped, state);
  return link;
}
