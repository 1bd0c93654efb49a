import type { AttributeValue } from '../../records/attribute-value.ts';
import type { AttributeSink } from '../../records/attribute-shapes.ts';
import { addNested, countValues, deepestValue, doubleText, nestedDouble, nestedInteger } from '../any-value.ts';
import { MalformedError } from '../malformed-error.ts';

/**
 * OTLP in JSON (opentelemetry-proto, "JSON Protobuf Encoding"): names in camelCase, ids in hex, enums as integers, 64-bit
 * integers as text or numbers, members that are `null` as if they were missing, unknown ones ignored.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

export function object(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw new MalformedError(`${what} is not an object`);
  return value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The items of an array, none if the member is missing. */
function array(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedError(`${what} is not an array`);
  return value;
}

/** The objects of an array, one after the other: it may be of any length. */
export function* eachObject(value: unknown, what: string): Generator<JsonObject> {
  for (const item of array(value, what)) yield object(item, `an item of ${what}`);
}

/** The same at once, of an array within an item. */
export function objects(value: unknown, what: string): JsonObject[] {
  const items = array(value, what);
  countValues(items.length);
  // This avoids a call and a message for each item: a span has dozens of them.
  for (const item of items) if (!isObject(item)) throw new MalformedError(`an item of ${what} is not an object`);
  return items as JsonObject[];
}

export function list<T>(value: unknown, what: string, read: (item: unknown, what: string) => T): T[] {
  const items = array(value, what);
  countValues(items.length);
  return items.map((item) => read(item, what));
}

/** Whether a member is there: `null` is one that is not set (proto3's JSON). */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function text(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new MalformedError(`${what} is not a string`);
  return value;
}

/** Lower-case hex, of whatever length; '' if missing. */
export function hexId(value: unknown, what: string): string {
  const id = text(value, what).toLowerCase();
  if (!/^[0-9a-f]*$/.test(id)) throw new MalformedError(`${what} is not hexadecimal`);
  return id;
}

/** An integer as number or text, within bounds: beyond them it is not a value of its type. 0 if missing. */
function bounded(value: unknown, what: string, min: bigint, max: bigint, type: string): bigint {
  if (value === undefined || value === null || value === '') return 0n;
  const isInteger =
    (typeof value === 'number' && Number.isInteger(value)) || (typeof value === 'string' && /^-?\d{1,20}$/.test(value));
  const exact = isInteger ? BigInt(value) : null;
  if (exact === null || exact < min || exact > max) throw new MalformedError(`${what} is not ${type}`);
  return exact;
}

// Worked out once, because powers of bigints take their time.
const leastInt64 = -(2n ** 63n);
const mostInt64 = 2n ** 63n - 1n;
const mostUint64 = 2n ** 64n - 1n;
const leastInt32 = -(2n ** 31n);
const mostInt32 = 2n ** 31n - 1n;

/** `int64`, `sfixed64` */
export function signed64(value: unknown, what: string): bigint {
  return bounded(value, what, leastInt64, mostInt64, 'a signed 64-bit integer');
}

/** `uint64`, `fixed64` */
export function unsigned64(value: unknown, what: string): bigint {
  return bounded(value, what, 0n, mostUint64, 'an unsigned 64-bit integer');
}

/** `int32`, `sint32`, enums */
export function integer(value: unknown, what: string): number {
  return Number(bounded(value, what, leastInt32, mostInt32, 'a 32-bit integer'));
}

function boolean(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new MalformedError(`${what} is not a boolean`);
  return value;
}

/** A double as number or as one of the texts that JSON has no numbers for; undefined if missing. */
export function optionalDouble(value: unknown, what: string): number | undefined {
  return value === undefined || value === null ? undefined : double(value, what);
}

export function double(value: unknown, what: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^(NaN|-?Infinity|-?\d+(\.\d+)?([eE][-+]?\d+)?)$/.test(value)) return Number(value);
  throw new MalformedError(`${what} is not a number`);
}

export function addKeyValues(value: unknown, builder: AttributeSink): void {
  for (const keyValue of objects(value, 'attributes')) {
    addAnyValue(text(keyValue.key, 'a key'), object(keyValue.value ?? {}, 'a value'), builder);
  }
}

function addAnyValue(key: string, any: JsonObject, builder: AttributeSink): void {
  if (isSet(any.stringValue)) builder.add(key, text(any.stringValue, 'stringValue'), '');
  else if (isSet(any.intValue)) builder.add(key, String(signed64(any.intValue, 'intValue')), 'i');
  else if (isSet(any.boolValue)) builder.add(key, String(boolean(any.boolValue, 'boolValue')), 'b');
  else if (isSet(any.doubleValue)) builder.add(key, doubleText(double(any.doubleValue, 'doubleValue')), 'd');
  else if (isSet(any.bytesValue)) builder.add(key, base64Text(any.bytesValue), 'x');
  else {
    const value = anyValue(any, 0);
    if (value === null) builder.add(key, '', 'n');
    else addNested(builder, key, value);
  }
}

/** One `AnyValue` as it goes into our JSON. */
export function anyValue(any: JsonObject, depth: number): AttributeValue {
  if (depth > deepestValue) throw new MalformedError(`a value is nested more than ${deepestValue} deep`);
  if (isSet(any.stringValue)) return text(any.stringValue, 'stringValue');
  if (isSet(any.boolValue)) return boolean(any.boolValue, 'boolValue');
  if (isSet(any.intValue)) return nestedInteger(signed64(any.intValue, 'intValue'));
  if (isSet(any.doubleValue)) return nestedDouble(double(any.doubleValue, 'doubleValue'));
  if (isSet(any.bytesValue)) return base64Text(any.bytesValue);
  if (isSet(any.arrayValue)) {
    return objects(object(any.arrayValue, 'arrayValue').values, 'values').map((value) => anyValue(value, depth + 1));
  }
  if (isSet(any.kvlistValue)) return keyValues(object(any.kvlistValue, 'kvlistValue').values, depth + 1);
  return null;
}

export function keyValues(value: unknown, depth: number): Record<string, AttributeValue> {
  return Object.fromEntries(
    objects(value, 'values').map((keyValue) => [
      text(keyValue.key, 'a key'),
      anyValue(object(keyValue.value ?? {}, 'a value'), depth),
    ]),
  );
}

/** Base64 of either alphabet, in the standard one. */
function base64Text(value: unknown): string {
  return Buffer.from(text(value, 'bytesValue'), 'base64').toString('base64');
}
