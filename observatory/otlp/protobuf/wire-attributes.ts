import type { AttributeValue } from '../../records/attribute-value.ts';
import type { AttributeSink } from '../../records/attribute-shapes.ts';
import { internedText } from '../../records/interned-text.ts';
import type { SpanBatchBuilder } from '../../records/span-batch-builder.ts';
import { addNested, countValues, deepestValue, doubleText, nestedDouble, nestedInteger } from '../any-value.ts';
import {
  base64,
  double,
  fixed64Field,
  lengthDelimited,
  lengthField,
  skip,
  string,
  tag,
  varint,
  varint64,
  varint64Text,
  varintField,
  type Wire,
} from './wire.ts';
import { MalformedError } from '../malformed-error.ts';

const anyString = lengthField(1);
const anyBoolean = varintField(2);
const anyInteger = varintField(3);
const anyDouble = fixed64Field(4);
const anyArray = lengthField(5);
const anyMap = lengthField(6);
const anyBytes = lengthField(7);

/** Where key and value lie in a `KeyValue`: one object for all, because a span has dozens. No value at all starts at -1. */
const found = { keyStart: 0, keyEnd: 0, valueStart: -1, valueEnd: -1 };

function findKeyValue(wire: Wire, end: number): void {
  found.keyStart = wire.position;
  found.keyEnd = wire.position;
  found.valueStart = -1;
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === lengthField(1)) {
      found.keyEnd = lengthDelimited(wire, end);
      found.keyStart = wire.position;
      wire.position = found.keyEnd;
    } else if (field === lengthField(2)) {
      found.valueEnd = lengthDelimited(wire, end);
      found.valueStart = wire.position;
      wire.position = found.valueEnd;
    } else skip(wire, field, end);
  }
}

/** Reads one `KeyValue` up to `end` into the builder. */
export function addKeyValue(wire: Wire, end: number, builder: AttributeSink): void {
  findKeyValue(wire, end);
  const { valueStart, valueEnd } = found;
  const key = internedText(wire.bytes, found.keyStart, found.keyEnd);
  if (valueStart < 0) builder.add(key, '', 'n');
  else {
    wire.position = valueStart;
    addAnyValue(wire, valueEnd, key, builder);
    wire.position = end;
  }
}

function addAnyValue(wire: Wire, end: number, key: string, builder: AttributeSink): void {
  const start = wire.position;
  if (start === end) {
    builder.add(key, '', 'n');
    return;
  }
  const field = tag(wire, end);
  if (field === anyString) builder.add(key, string(wire, end), '');
  else if (field === anyInteger) builder.add(key, varint64Text(wire, end), 'i');
  else if (field === anyBoolean) builder.add(key, varint(wire, end) === 0 ? 'false' : 'true', 'b');
  else if (field === anyDouble) builder.add(key, doubleText(double(wire, end)), 'd');
  else if (field === anyBytes) builder.add(key, base64(wire, end), 'x');
  else {
    wire.position = start;
    const value = anyValue(wire, end, 0);
    if (value === null) builder.add(key, '', 'n');
    else addNested(builder, key, value);
  }
  if (wire.position > end) throw new MalformedError('a value is longer than what holds it');
}

/** The same for spans, mostly without a string for key or value. */
export function addKeyValueBytes(wire: Wire, end: number, builder: SpanBatchBuilder): void {
  const { bytes } = wire;
  findKeyValue(wire, end);
  const { keyStart, keyEnd, valueStart, valueEnd } = found;
  if (valueStart < 0 || valueStart === valueEnd) {
    builder.addText(bytes, keyStart, keyEnd, 'n', '');
    return;
  }
  wire.position = valueStart;
  const field = tag(wire, valueEnd);
  if (field === anyString) {
    const textEnd = lengthDelimited(wire, valueEnd);
    builder.addBytes(bytes, keyStart, keyEnd, '', wire.position, textEnd);
  } else if (field === anyInteger) {
    builder.addText(bytes, keyStart, keyEnd, 'i', varint64Text(wire, valueEnd));
  } else {
    wire.position = valueStart;
    addAnyValue(wire, valueEnd, internedText(bytes, keyStart, keyEnd), builder);
  }
  wire.position = end;
}

/** One `AnyValue` up to `end` as it goes into JSON. */
export function anyValue(wire: Wire, end: number, depth: number): AttributeValue {
  if (depth > deepestValue) throw new MalformedError(`a value is nested more than ${deepestValue} deep`);
  let value: AttributeValue = null;
  while (wire.position < end) {
    countValues(1);
    const field = tag(wire, end);
    if (field === anyString) value = string(wire, end);
    else if (field === anyBoolean) value = varint(wire, end) !== 0;
    else if (field === anyInteger) value = nestedInteger(varint64(wire, end));
    else if (field === anyDouble) value = nestedDouble(double(wire, end));
    else if (field === anyBytes) value = base64(wire, end);
    else if (field === anyArray) value = arrayValue(wire, lengthDelimited(wire, end), depth);
    else if (field === anyMap) value = keyValues(wire, lengthDelimited(wire, end), lengthField(1), depth + 1);
    else skip(wire, field, end);
  }
  return value;
}

function arrayValue(wire: Wire, end: number, depth: number): AttributeValue[] {
  const values: AttributeValue[] = [];
  while (wire.position < end) {
    countValues(1);
    const field = tag(wire, end);
    if (field === lengthField(1)) values.push(anyValue(wire, lengthDelimited(wire, end), depth + 1));
    else skip(wire, field, end);
  }
  return values;
}

/** All the `KeyValue`s of a message in the field `keyValueField`, other fields stepped over. */
function keyValues(wire: Wire, end: number, keyValueField: number, depth: number): Record<string, AttributeValue> {
  const entries: [string, AttributeValue][] = [];
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === keyValueField) entries.push(keyValue(wire, lengthDelimited(wire, end), depth));
    else skip(wire, field, end);
  }
  return Object.fromEntries(entries);
}

/** One `KeyValue` as it goes into JSON. */
export function keyValue(wire: Wire, end: number, depth: number): [string, AttributeValue] {
  countValues(1);
  let key = '';
  let value: AttributeValue = null;
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === lengthField(1)) key = string(wire, end);
    else if (field === lengthField(2)) value = anyValue(wire, lengthDelimited(wire, end), depth);
    else skip(wire, field, end);
  }
  return [key, value];
}
