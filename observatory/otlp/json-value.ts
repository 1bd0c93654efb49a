import type { AttributeValue } from '../api/contract.ts';
import type { AttributeSink } from '../store/attribute-shapes.ts';
import { addNested, deepestValue, doubleText, nestedDouble, nestedInteger } from './any-value.ts';
import { MalformedError } from './wire.ts';

/**
 * OTLP in JSON (opentelemetry-proto, "JSON Protobuf Encoding"): names in camelCase, ids in hex, enums as integers, 64-bit
 * integers as text or numbers, unknown members ignored.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Digits that a number cannot hold exactly, where JSON text has them unquoted. */
const longInteger = /[:[,]\s*-?\d{16}/;

/**
 * Parses a request. 64-bit integers may come as numbers, which `JSON.parse` would round: the text of those is kept, by
 * the slower way that only a request with such a number has to go.
 */
export function parseRequest(bytes: Buffer): JsonObject {
  let request: unknown;
  const json = bytes.toString('utf8');
  try {
    request = longInteger.test(json) ? JSON.parse(json, exactIntegers) : JSON.parse(json);
  } catch {
    throw new MalformedError('the body is not JSON');
  }
  return object(request, 'the request');
}

function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !context?.source) return value;
  return /^-?\d+$/.test(context.source) ? context.source : value;
}

export function object(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MalformedError(`${what} is not an object`);
  return value as JsonObject;
}

/** The objects of an array; none where the member is missing. */
export function objects(value: unknown, what: string): JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedError(`${what} is not an array`);
  return value.map((item) => object(item, `an item of ${what}`));
}

export function list<T>(value: unknown, what: string, read: (item: unknown, what: string) => T): T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedError(`${what} is not an array`);
  return value.map((item) => read(item, what));
}

export function text(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new MalformedError(`${what} is not a string`);
  return value;
}

/** Lower-case hex, of whatever length; '' where missing. */
export function hexId(value: unknown, what: string): string {
  const id = text(value, what).toLowerCase();
  if (!/^[0-9a-f]*$/.test(id)) throw new MalformedError(`${what} is not hexadecimal`);
  return id;
}

/** A 64-bit integer as number or text; 0 where missing. */
export function integer64(value: unknown, what: string): bigint {
  if (value === undefined || value === null || value === '') return 0n;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw new MalformedError(`${what} is not a 64-bit integer`);
}

/** A small integer, for example an enum; 0 where missing. */
export function integer(value: unknown, what: string): number {
  return Number(integer64(value, what));
}

/** A double as number or as one of the texts that JSON has no numbers for; undefined where missing. */
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
  if (typeof any.stringValue === 'string') builder.add(key, any.stringValue, '');
  else if (any.intValue !== undefined) builder.add(key, String(integer64(any.intValue, 'intValue')), 'i');
  else if (any.boolValue !== undefined) builder.add(key, String(any.boolValue === true), 'b');
  else if (any.doubleValue !== undefined) builder.add(key, doubleText(double(any.doubleValue, 'doubleValue')), 'd');
  else if (any.bytesValue !== undefined) builder.add(key, base64Text(any.bytesValue), 'x');
  else {
    const value = anyValue(any, 0);
    if (value === null) builder.add(key, '', 'n');
    else addNested(builder, key, value);
  }
}

/** One `AnyValue` as it goes into our JSON. */
export function anyValue(any: JsonObject, depth: number): AttributeValue {
  if (depth > deepestValue) throw new MalformedError(`a value is nested more than ${deepestValue} deep`);
  if (typeof any.stringValue === 'string') return any.stringValue;
  if (any.boolValue !== undefined) return any.boolValue === true;
  if (any.intValue !== undefined) return nestedInteger(integer64(any.intValue, 'intValue'));
  if (any.doubleValue !== undefined) return nestedDouble(double(any.doubleValue, 'doubleValue'));
  if (any.bytesValue !== undefined) return base64Text(any.bytesValue);
  if (any.arrayValue !== undefined) {
    return objects(object(any.arrayValue, 'arrayValue').values, 'values').map((value) => anyValue(value, depth + 1));
  }
  if (any.kvlistValue !== undefined) return keyValues(object(any.kvlistValue, 'kvlistValue').values, depth + 1);
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
