import { keyBytesOf, servesAlso, type Shape, type Shapes, usualSeparator, type ValueType } from './attribute-shapes.ts';
import { cutBytes, cutText } from './column-text.ts';
import { append, appendByte, appendText, createGrowing, type Growing, reserve, sameBytes } from './growing-bytes.ts';
import { promotedAttributes, valueOfNewer } from './hot-attributes.ts';
import { internedText } from './interned-text.ts';
import { spanTexts } from './span-parts.ts';

export const textCount = Object.keys(spanTexts).length;
const hotKeys = Object.keys(promotedAttributes);
/** The places for texts of a span: its own texts first, then hot attributes in the order of their columns. */
export const placeCount = textCount + hotKeys.length;
const statementPlace = textCount + hotKeys.indexOf('db.query.text');
export const separatorByte = usualSeparator.charCodeAt(0);
const noBytes = Buffer.alloc(0);

/** The span that is being read. Its texts are ranges of bytes, so that most of them never become strings. */
export interface SpanDraft {
  /** The trace's id (16 bytes from 0), the span's (8 from 16), its parent's (8 from 24, or zeros). */
  readonly ids: Buffer;
  /** What the sender's texts are ranges of; they must stay as they are until the span is packed. */
  received: Buffer;
  /** Texts that were made here, one after the other. */
  readonly made: Growing;
  /** By place: where the text begins, or -1 when the span has none; where it ends; whether it is in `made`. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly isMade: Uint8Array;
  /** Bytes of all texts in places. */
  textBytes: number;
  /** The values of its other attributes, joined, and where each ends. */
  readonly values: Growing;
  readonly valueEnds: number[];
  shape: Shape;
  /** Whether one of its texts contains the usual separator. */
  needsOtherSeparator: boolean;
}

export function createDraft(shapes: Shapes): SpanDraft {
  return {
    ids: Buffer.alloc(32),
    received: noBytes,
    made: createGrowing(),
    starts: new Int32Array(placeCount).fill(-1),
    ends: new Int32Array(placeCount),
    isMade: new Uint8Array(placeCount),
    textBytes: 0,
    values: createGrowing(),
    valueEnds: [],
    shape: shapes.empty(),
    needsOtherSeparator: false,
  };
}

export function clearDraft(draft: SpanDraft, shapes: Shapes): void {
  draft.ids.fill(0);
  draft.made.length = 0;
  draft.starts.fill(-1);
  draft.values.length = 0;
  draft.valueEnds.length = 0;
  draft.shape = shapes.empty();
  draft.textBytes = 0;
  draft.needsOtherSeparator = false;
}

/** Lets the request go that the last span was read from. */
export function forgetReceived(draft: SpanDraft): void {
  draft.received = noBytes;
}

export function hasParent({ ids }: SpanDraft): boolean {
  return ids.readUInt32BE(24) !== 0 || ids.readUInt32BE(28) !== 0;
}

/** Puts a range of the received bytes into a place. */
export function putBytes(draft: SpanDraft, place: number, bytes: Buffer, start: number, end: number): void {
  draft.received = bytes;
  draft.starts[place] = start;
  draft.ends[place] = end;
  draft.isMade[place] = 0;
  draft.textBytes += end - start;
}

export function putText(draft: SpanDraft, place: number, text: string): void {
  const { made } = draft;
  const start = made.length;
  appendText(made, text);
  draft.starts[place] = start;
  draft.ends[place] = made.length;
  draft.isMade[place] = 1;
  draft.textBytes += made.length - start;
}

/** The bytes that the text of a place is a range of. */
export function sourceOf(draft: SpanDraft, place: number): Buffer {
  return draft.isMade[place] === 1 ? draft.made.bytes : draft.received;
}

/** The text of a place; null when there is none. */
export function textAt(draft: SpanDraft, place: number): string | null {
  const start = draft.starts[place] ?? -1;
  return start < 0 ? null : sourceOf(draft, place).toString('utf8', start, draft.ends[place]);
}

/** The statement, as a string that spans of the same statement share; null when there is none. */
export function statementOf(draft: SpanDraft): string | null {
  const start = draft.starts[statementPlace] ?? -1;
  return start < 0 ? null : internedText(sourceOf(draft, statementPlace), start, draft.ends[statementPlace] ?? 0);
}

/** The texts of the attributes that have no column. */
export function* otherValues({ values, valueEnds }: SpanDraft): Generator<string> {
  let start = 0;
  for (const end of valueEnds) {
    yield values.bytes.toString('utf8', start, end);
    start = end + 1; // behind the separator
  }
}

/** The draft's shape with one key more, whose bytes were received. */
export function shapeWith(
  { shape }: SpanDraft,
  shapes: Shapes,
  bytes: Buffer,
  start: number,
  end: number,
  type: ValueType,
  isLong: boolean,
): Shape {
  const { last } = shape;
  const size = end - start;
  if (
    last &&
    last.type === type &&
    keyBytesOf(last).length === size &&
    sameBytes(keyBytesOf(last), 0, bytes, start, size) &&
    servesAlso(last, isLong)
  )
    return last;
  return shapes.extend(shape, internedText(bytes, start, end), type, isLong);
}

/** Takes on a shape with one key more. False when the span has the key: the first of two attributes of one key holds. */
function extend(draft: SpanDraft, next: Shape): boolean {
  if (next === draft.shape) return false;
  draft.shape = next;
  if (next.slot < 0 && draft.valueEnds.length > 0) {
    reserve(draft.values, 1);
    appendByte(draft.values, separatorByte);
  }
  return true;
}

/** Copies the value of an older name to the column of the newer one, unless that one was sent, too. */
function copyOlder(draft: SpanDraft, { key, copied }: Shape, text: string): void {
  if (copied < 0 || (draft.starts[textCount + copied] ?? -1) >= 0) return;
  putText(draft, textCount + copied, cutText(valueOfNewer(key, text)));
}

export function addAttributeText(draft: SpanDraft, next: Shape, text: string): void {
  if (!extend(draft, next)) return;
  if (next.slot >= 0) putText(draft, textCount + next.slot, text);
  else {
    if (text.includes(usualSeparator)) draft.needsOtherSeparator = true;
    appendText(draft.values, text);
    draft.valueEnds.push(draft.values.length);
    // Its column has the beginning, to filter and group by. A string alone has one: a number means nothing when it is cut.
    if (next.hot >= 0 && next.type === '') putText(draft, textCount + next.hot, cutText(text));
    copyOlder(draft, next, text);
  }
}

export function addAttributeBytes(draft: SpanDraft, next: Shape, bytes: Buffer, start: number, end: number): void {
  if (!extend(draft, next)) return;
  if (next.slot >= 0) putBytes(draft, textCount + next.slot, bytes, start, end);
  else {
    reserve(draft.values, end - start);
    if (append(draft.values, bytes, start, end, separatorByte)) draft.needsOtherSeparator = true;
    draft.valueEnds.push(draft.values.length);
    if (next.hot >= 0 && next.type === '')
      putBytes(draft, textCount + next.hot, bytes, start, cutBytes(bytes, start, end));
    if (next.copied >= 0) copyOlder(draft, next, bytes.toString('utf8', start, end));
  }
}
