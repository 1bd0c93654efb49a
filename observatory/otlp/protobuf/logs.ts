import type { AttributeValue } from '../../records/attribute-value.ts';
import { bodyText, countValues } from '../any-value.ts';
import { addDropped, addScope, droppedKeys, logTime, optionalId } from '../decoding.ts';
import { severityName } from '../severity.ts';
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
} from './wire.ts';
import { addKeyValue, anyValue } from './wire-attributes.ts';

/** `opentelemetry.proto.logs.v1.LogRecord` */
export const readLog: ReadItem = (wire, { end }, { resource, scope, scopeAttributes }, { other: builder, logs }) => {
  let timeNs = 0n;
  let observedNs = 0n;
  let traceId: string | null = null;
  let spanId: string | null = null;
  let severity = '';
  let severityNumber = 0;
  let body: AttributeValue = null;
  let eventName = '';
  let dropped = 0;
  while (wire.position < end) {
    countValues(1);
    const field = tag(wire, end);
    switch (field) {
      case fixed64Field(1):
        timeNs = fixed64(wire, end);
        break;
      case fixed64Field(11):
        observedNs = fixed64(wire, end);
        break;
      case varintField(2):
        severityNumber = varint(wire, end);
        break;
      case lengthField(3):
        severity = string(wire, end);
        break;
      case lengthField(5):
        body = anyValue(wire, lengthDelimited(wire, end), 0);
        break;
      case lengthField(6):
        addKeyValue(wire, lengthDelimited(wire, end), builder);
        break;
      case lengthField(9):
        traceId = optionalId(hex(wire, end), 32);
        break;
      case lengthField(10):
        spanId = optionalId(hex(wire, end), 16);
        break;
      case varintField(7):
        dropped = varint(wire, end);
        break;
      case lengthField(12):
        eventName = string(wire, end);
        break;
      default:
        skip(wire, field, end);
    }
  }
  addScope(scopeAttributes, builder);
  addDropped(droppedKeys.attributes, dropped, builder);
  logs.push({
    timeNs: logTime(timeNs, observedNs),
    traceId,
    spanId,
    severity: severity || severityName(severityNumber),
    severityNumber: severityNumber <= 24 ? severityNumber : 0,
    body: bodyText(body),
    eventName,
    scope,
    resource,
    attributes: builder.finish(),
  });
};
