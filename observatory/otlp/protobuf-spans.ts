import type { SpanDetail } from '../api/contract.ts';
import { createAttributeBuilder } from '../store/attribute-shapes.ts';
import { type SpanRecord, spanKinds, spanStatuses } from '../store/records.ts';
import { checkId, checkTime, durationBetween, optionalId } from './decoding.ts';
import type { ReadItem } from './protobuf.ts';
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
import { addKeyValue, keyValue } from './wire-attributes.ts';

type Event = SpanDetail['events'][number];
type Link = SpanDetail['links'][number];

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

const noAttributes = createAttributeBuilder(true).finish();

/** `opentelemetry.proto.trace.v1.Span` */
export const readSpan: ReadItem<SpanRecord> = (wire, end, { resource, scope }, { span: builder }, items) => {
  const span: SpanRecord = {
    traceId: '',
    spanId: '',
    parentSpanId: null,
    startNs: 0n,
    durationNs: 0n,
    name: '',
    kind: 'unspecified',
    status: 'unset',
    statusMessage: null,
    scope,
    resource,
    attributes: noAttributes,
    events: null,
    links: null,
  };
  let endNs = 0n;
  let eventList: Event[] | null = null;
  let linkList: Link[] | null = null;
  while (wire.position < end) {
    const field = tag(wire, end);
    switch (field) {
      case attributes:
        addKeyValue(wire, lengthDelimited(wire, end), builder);
        break;
      case traceId:
        span.traceId = hex(wire, end);
        break;
      case spanId:
        span.spanId = hex(wire, end);
        break;
      case parentSpanId:
        span.parentSpanId = optionalId(hex(wire, end), 16);
        break;
      case name:
        span.name = string(wire, end);
        break;
      case kind:
        span.kind = spanKinds[varint(wire, end)] ?? 'unspecified';
        break;
      case startTime:
        span.startNs = fixed64(wire, end);
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
      case status:
        readStatus(wire, lengthDelimited(wire, end), span);
        break;
      default:
        skip(wire, field, end);
    }
  }
  checkId(span.traceId, 32, 'trace id');
  checkId(span.spanId, 16, 'span id');
  checkTime(span.startNs, 'start');
  span.durationNs = durationBetween(span.startNs, checkTime(endNs, 'end'));
  if (eventList) span.events = JSON.stringify(eventList);
  if (linkList) span.links = JSON.stringify(linkList);
  span.attributes = builder.finish();
  items.push(span);
};

function readStatus(wire: Wire, end: number, span: Pick<SpanRecord, 'status' | 'statusMessage'>): void {
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === lengthField(2)) span.statusMessage = string(wire, end) || null;
    else if (field === varintField(3)) span.status = spanStatuses[varint(wire, end)] ?? 'unset';
    else skip(wire, field, end);
  }
}

function readEvent(wire: Wire, end: number): Event {
  let timeNs = 0n;
  let eventName = '';
  const entries: [string, Event['attributes'][string]][] = [];
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === fixed64Field(1)) timeNs = fixed64(wire, end);
    else if (field === lengthField(2)) eventName = string(wire, end);
    else if (field === lengthField(3)) entries.push(keyValue(wire, lengthDelimited(wire, end), 0));
    else skip(wire, field, end);
  }
  return { timeNs: String(timeNs), name: eventName, attributes: Object.fromEntries(entries) };
}

function readLink(wire: Wire, end: number): Link {
  const link: Link = { traceId: '', spanId: '', attributes: {} };
  const entries: [string, Link['attributes'][string]][] = [];
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === lengthField(1)) link.traceId = hex(wire, end);
    else if (field === lengthField(2)) link.spanId = hex(wire, end);
    else if (field === lengthField(4)) entries.push(keyValue(wire, lengthDelimited(wire, end), 0));
    else skip(wire, field, end);
  }
  link.attributes = Object.fromEntries(entries);
  return link;
}
