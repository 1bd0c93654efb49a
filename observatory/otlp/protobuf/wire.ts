import { MalformedError } from '../malformed-error.ts';
import { internedText } from '../../records/interned-text.ts';

/**
 * Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding), as much as OTLP needs: one cursor over the
 * bytes of a request, no objects between the bytes and the caller.
 */

export interface Wire {
  readonly bytes: Buffer;
  position: number;
}

export function createWire(bytes: Buffer): Wire {
  return { bytes, position: 0 };
}

/** Varint as a number; bits beyond 2^53 are not exact (tags, lengths, enums, counts: none gets there). */
export function varint(wire: Wire, end: number): number {
  const { bytes } = wire;
  let result = 0;
  let factor = 1;
  for (let length = 0; length < 10; length += 1) {
    if (wire.position >= end) throw new MalformedError('a number is cut off');
    const byte = bytes[wire.position] ?? 0;
    wire.position += 1;
    if (byte < 128) return result + byte * factor;
    result += (byte - 128) * factor;
    factor *= 128;
  }
  throw new MalformedError('a number is longer than 10 bytes');
}

/** Varint as a signed 64-bit integer (int64). */
export function varint64(wire: Wire, end: number): bigint {
  const start = wire.position;
  const value = varint(wire, end);
  if (wire.position - start < 8) return BigInt(value);
  let exact = 0n;
  for (let index = wire.position - 1; index >= start; index -= 1) {
    exact = (exact << 7n) | BigInt((wire.bytes[index] ?? 0) & 127);
  }
  return BigInt.asIntN(64, exact);
}

/** The same as text: mostly without a bigint, which costs more than the rest. */
export function varint64Text(wire: Wire, end: number): string {
  const start = wire.position;
  const value = varint(wire, end);
  if (wire.position - start < 8) return String(value);
  wire.position = start;
  return String(varint64(wire, end));
}

/** The end of the length-delimited field that begins here, which lies within `end`. */
export function lengthDelimited(wire: Wire, end: number): number {
  const length = varint(wire, end);
  const fieldEnd = wire.position + length;
  if (fieldEnd > end) throw new MalformedError('a field is longer than what holds it');
  return fieldEnd;
}

export function fixed64(wire: Wire, end: number): bigint {
  advance(wire, 8, end);
  return wire.bytes.readBigUInt64LE(wire.position - 8);
}

export function signedFixed64(wire: Wire, end: number): bigint {
  advance(wire, 8, end);
  return wire.bytes.readBigInt64LE(wire.position - 8);
}

export function double(wire: Wire, end: number): number {
  advance(wire, 8, end);
  return wire.bytes.readDoubleLE(wire.position - 8);
}

function advance(wire: Wire, length: number, end: number): void {
  wire.position += length;
  if (wire.position > end) throw new MalformedError('a number is cut off');
}

export function string(wire: Wire, end: number): string {
  const fieldEnd = lengthDelimited(wire, end);
  const text = internedText(wire.bytes, wire.position, fieldEnd);
  wire.position = fieldEnd;
  return text;
}

/** Bytes as lower-case hex. */
export function hex(wire: Wire, end: number): string {
  const fieldEnd = lengthDelimited(wire, end);
  const text = wire.bytes.toString('hex', wire.position, fieldEnd);
  wire.position = fieldEnd;
  return text;
}

export function base64(wire: Wire, end: number): string {
  const fieldEnd = lengthDelimited(wire, end);
  const text = wire.bytes.toString('base64', wire.position, fieldEnd);
  wire.position = fieldEnd;
  return text;
}

/** Steps over a field that is not known here. `field` is its field number × 8 + wire type. */
export function skip(wire: Wire, field: number, end: number): void {
  switch (field & 7) {
    case 0:
      varint(wire, end);
      return;
    case 1:
      advance(wire, 8, end);
      return;
    case 2:
      wire.position = lengthDelimited(wire, end);
      return;
    case 5:
      advance(wire, 4, end);
      return;
    default:
      throw new MalformedError(`there is no wire type ${field & 7}`);
  }
}

/** A field's tag: field number × 8 + wire type, so that a known field of a wrong wire type is one that is not known. */
export function tag(wire: Wire, end: number): number {
  const value = varint(wire, end);
  if (value < 8 || value > 0xffff_ffff) throw new MalformedError('there is no field number 0');
  return value;
}
/** Tags as the `.proto` files number them. */
export const varintField = (field: number): number => field * 8;
export const fixed64Field = (field: number): number => field * 8 + 1;
export const lengthField = (field: number): number => field * 8 + 2;

/** Where a message lies. */
export interface Extent {
  start: number;
  end: number;
}

/** Where the messages of one field lie; all others are stepped over. */
export function* messages(wire: Wire, start: number, end: number, number: number): Generator<Extent> {
  let position = start;
  while (position < end) {
    wire.position = position;
    const field = tag(wire, end);
    if (field === lengthField(number)) {
      const messageEnd = lengthDelimited(wire, end);
      position = messageEnd;
      yield { start: wire.position, end: messageEnd };
    } else {
      skip(wire, field, end);
      position = wire.position;
    }
  }
}
