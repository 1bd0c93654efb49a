import type { AttributeValue } from '../records/attribute-value.ts';
import type { AttributeSink } from '../records/attribute-shapes.ts';
import { MalformedError } from './malformed-error.ts';

/** Arrays and maps that are nested deeper than this are refused: no sender needs them. */
export const deepestValue = 32;

/**
 * Attributes, events, links, buckets, elements of arrays and the like beyond this are refused in one item, which is a
 * span, log record, point, resource or scope: an item is read in one go, and nothing else runs meanwhile. An SDK has
 * its own limits: 128 events and links, each of 128 attributes.
 */
export const mostValues = 50_000;

// One count for all decoders: each reads its items one after the other, and none pauses within one.
let values = 0;

/** An item begins, or a resource. */
export function beginItem(): void {
  values = 0;
}

/** @throws {MalformedError} if the item that was begun has too many. */
export function countValues(count: number): void {
  values += count;
  if (values > mostValues) throw new MalformedError(`an item holds more than ${mostValues} values`);
}

/** A double as text that reads back as the same double. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** A double inside an array or map: text if it is NaN or infinite, because JSON has no such numbers. */
export function nestedDouble(value: number): AttributeValue {
  return Number.isFinite(value) ? value : String(value);
}

/** An integer inside an array or map: text if it is beyond what a JSON number holds exactly. */
export function nestedInteger(value: bigint): AttributeValue {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Takes a value of any type as text (schema.sql). */
export function addNested(builder: AttributeSink, key: string, value: AttributeValue): void {
  builder.add(key, JSON.stringify(value), 'j');
}

/** The text of a record, for which OTLP allows any value: a string as it is, else JSON. */
export function bodyText(value: AttributeValue): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
