import { isUtf8 } from 'node:buffer';

import {
  type AttributeSink,
  createShapes,
  keyBytesOf,
  servesAlso,
  type Shape,
  unusedSeparator,
  usualSeparator,
  type ValueType,
} from './attribute-shapes.ts';
import { promotedAttributes, valueOfNewer } from './hot-attributes.ts';
import { columnBytes, cutBytes, cutText, isLongText } from './column-text.ts';
import { moveTo } from './growing-arrays.ts';
import {
  append,
  appendAscii,
  appendByte,
  appendHex,
  appendText,
  createGrowing,
  type Growing,
  reserve,
  sameBytes,
  shrink,
} from './growing-bytes.ts';
import { internedText } from './interned-text.ts';
import type { SpanKind, SpanStatus } from './records.ts';
import type { Origin, Resource } from './resource.ts';
import { type SpanBatch, spanFlags } from './span-batch.ts';

/** What ends a span: all that is neither an attribute nor one of its texts. */
export interface SpanNumbers {
  kind: SpanKind;
  status: SpanStatus;
  startNs: bigint;
  /** Never negative. */
  durationNs: bigint;
}

/** Texts of a span beside its ids, origin and attributes. */
export const spanTexts = { name: 0, statusMessage: 1, events: 2, links: 3 } as const;
type TextPlace = (typeof spanTexts)[keyof typeof spanTexts];

/**
 * Packs one span after another: its ids, texts and attributes in any order, then `end`. Bytes that are given must stay as
 * they are until then.
 */
export interface SpanBatchBuilder extends AttributeSink {
  /** @param hex of 32, 16 and, where there is one, 16 digits. */
  idTexts(traceId: string, spanId: string, parentSpanId: string | null): void;
  /** Where the trace's id (16 bytes from 0), the span's (8 from 16) and its parent's (8 from 24, or zeros) are written. */
  readonly ids: Buffer;
  text(place: TextPlace, text: string): void;
  textBytes(place: TextPlace, bytes: Buffer, start: number, end: number): void;
  /** An attribute whose key and value are bytes. */
  addBytes(bytes: Buffer, keyStart: number, keyEnd: number, type: ValueType, start: number, end: number): void;
  /** The same where its value is a text by now. */
  addText(bytes: Buffer, keyStart: number, keyEnd: number, type: ValueType, text: string): void;
  /** The span is whole. */
  end(origin: Origin, numbers: SpanNumbers): void;
  /** All spans since the last time. */
  finish(): SpanBatch;
  /** Forgets them, and the span that was begun. */
  reset(): void;
}

const textCount = Object.keys(spanTexts).length;
const hotKeys = Object.keys(promotedAttributes);
/** Texts first, then hot attributes by their column. */
const places = textCount + hotKeys.length;
const statementPlace = textCount + hotKeys.indexOf('db.query.text');

const separatorByte = usualSeparator.charCodeAt(0);
/** Before a text that is empty or begins with it: nothing at all is a text that is missing. `text_or_null`, staging.sql. */
const escape = '\u001e';
const escapeByte = escape.charCodeAt(0);
const nothing = Buffer.alloc(0);
function optional(text: string | null): string {
  if (text === null) return '';
  return text === '' || text.startsWith(escape) ? escape + text : text;
}

/** What all spans of a resource and scope have. */
function originTexts({ resource: { service, version }, scope }: Origin): string[] {
  return [service, optional(version && cutText(version)), optional(scope && cutText(scope))];
}

const kindFlags: Readonly<Record<SpanKind, number>> = {
  unspecified: 0,
  internal: 0,
  server: spanFlags.server,
  client: spanFlags.callers,
  producer: spanFlags.callers,
  consumer: spanFlags.server,
};

/** The numbers of the spans that a builder has packed, with room for more. */
function createColumns(room: number) {
  return {
    ends: new Uint32Array(room),
    ids: new Uint32Array(room * 4),
    startNs: new BigInt64Array(room),
    durationNs: new BigInt64Array(room),
    flags: new Uint8Array(room),
  };
}

function emptyLists() {
  return {
    traceIds: [] as string[],
    shapes: [] as Shape[],
    resources: [] as Resource[],
    statements: [] as (string | null)[],
    separators: new Map<number, string>(),
  };
}

/** Beyond so many spans a builder gives their memory back after each request. */
const keptSpans = 4_096;

export function createSpanBatchBuilder(): SpanBatchBuilder {
  const shapes = createShapes(true);
  // The batch.
  const packed: Growing = createGrowing();
  let columns = createColumns(1_024);
  let lists = emptyLists();
  let length = 0;
  // The span that is begun: texts in places, from the bytes that were given or from those that were made here.
  const ids = Buffer.alloc(32);
  const made: Growing = createGrowing();
  let given: Buffer = nothing;
  const starts = new Int32Array(places).fill(-1);
  const ends = new Int32Array(places);
  const isMade = new Uint8Array(places);
  /** The values of its other attributes, joined, and where each ends. */
  const values: Growing = createGrowing();
  const valueEnds: number[] = [];
  let shape = shapes.empty();
  /** Bytes of all texts in places. */
  let textBytes = 0;
  /** Whether the usual separator is in one of its texts. */
  let awkward = false;
  // Of the span before.
  let traceId = '';
  const traceIdBytes = Buffer.alloc(16);
  let origin: Origin | null = null;
  let originBytes: Buffer = nothing;
  let originIsAwkward = false;

  function clear(): void {
    ids.fill(0);
    made.length = 0;
    starts.fill(-1);
    values.length = 0;
    valueEnds.length = 0;
    shape = shapes.empty();
    textBytes = 0;
    awkward = false;
  }

  function put(place: number, bytes: Buffer, start: number, end: number): void {
    given = bytes;
    starts[place] = start;
    ends[place] = end;
    isMade[place] = 0;
    textBytes += end - start;
  }

  function putText(place: number, text: string): void {
    starts[place] = made.length;
    appendText(made, text);
    ends[place] = made.length;
    isMade[place] = 1;
    textBytes += made.length - (starts[place] ?? 0);
  }

  /** Whether the attribute is new to the span: of two of one key the first holds. */
  function extend(next: Shape): boolean {
    if (next === shape) return false;
    shape = next;
    if (next.slot < 0 && valueEnds.length > 0) {
      reserve(values, 1);
      appendByte(values, separatorByte);
    }
    return true;
  }

  function shapeWith(bytes: Buffer, start: number, end: number, type: ValueType, isLong: boolean): Shape {
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

  /** Of a key that is an older name, its value also to the column of the newer one, unless that was sent, too. */
  function copyOlder({ key, copied }: Shape, text: string): void {
    if (copied < 0 || (starts[textCount + copied] ?? -1) >= 0) return;
    putText(textCount + copied, cutText(valueOfNewer(key, text)));
  }

  function addText(next: Shape, text: string): void {
    if (!extend(next)) return;
    if (next.slot >= 0) putText(textCount + next.slot, text);
    else {
      if (text.includes(usualSeparator)) awkward = true;
      appendText(values, text);
      valueEnds.push(values.length);
      // Its column has what comes first, to be filtered and grouped by: of a text, for others are nothing when cut.
      if (next.hot >= 0 && next.type === '') putText(textCount + next.hot, cutText(text));
      copyOlder(next, text);
    }
  }

  function textAt(place: number): string | null {
    const start = starts[place] ?? -1;
    if (start < 0) return null;
    return (isMade[place] === 1 ? made.bytes : given).toString('utf8', start, ends[place]);
  }

  function packPlace(place: number, required: boolean): void {
    const start = starts[place] ?? -1;
    if (start < 0) return;
    const end = ends[place] ?? 0;
    const from = isMade[place] === 1 ? made.bytes : given;
    if (!required && (start === end || from[start] === escapeByte)) appendByte(packed, escapeByte);
    if (append(packed, from, start, end, separatorByte)) awkward = true;
  }

  function pack(head: Origin, { kind, status }: SpanNumbers): void {
    if (origin?.resource !== head.resource || origin.scope !== head.scope) {
      const texts = originTexts(head);
      origin = head;
      originBytes = Buffer.from(texts.join(usualSeparator));
      originIsAwkward = texts.some((text) => text.includes(usualSeparator));
    }
    if (originIsAwkward) awkward = true;
    // Ids take 64 bytes, kind and status 20 at most; each place may have a separator and an escape more.
    reserve(packed, 128 + originBytes.length + textBytes + 2 * places + values.length);
    appendHex(packed, ids, 0, 16);
    appendByte(packed, separatorByte);
    appendHex(packed, ids, 16, 24);
    appendByte(packed, separatorByte);
    if (hasParent()) appendHex(packed, ids, 24, 32);
    appendByte(packed, separatorByte);
    packPlace(spanTexts.name, true);
    appendByte(packed, separatorByte);
    appendAscii(packed, kind);
    appendByte(packed, separatorByte);
    appendAscii(packed, status);
    appendByte(packed, separatorByte);
    packPlace(spanTexts.statusMessage, false);
    appendByte(packed, separatorByte);
    packPlace(spanTexts.events, false);
    appendByte(packed, separatorByte);
    packPlace(spanTexts.links, false);
    appendByte(packed, separatorByte);
    originBytes.copy(packed.bytes, packed.length);
    packed.length += originBytes.length;
    for (let place = textCount; place < places; place += 1) {
      appendByte(packed, separatorByte);
      packPlace(place, false);
    }
    if (valueEnds.length > 0) {
      appendByte(packed, separatorByte);
      append(packed, values.bytes, 0, values.length, separatorByte);
    }
  }

  /** Packs the span with a separator that is in none of its texts. */
  function packAwkward(head: Origin, { kind, status }: SpanNumbers): string {
    const texts = [
      ids.toString('hex', 0, 16),
      ids.toString('hex', 16, 24),
      hasParent() ? ids.toString('hex', 24, 32) : '',
      textAt(spanTexts.name) ?? '',
      kind,
      status,
      ...[spanTexts.statusMessage, spanTexts.events, spanTexts.links].map((place) => optional(textAt(place))),
      ...originTexts(head),
    ];
    for (let place = textCount; place < places; place += 1) texts.push(optional(textAt(place)));
    let start = 0;
    for (const end of valueEnds) {
      texts.push(values.bytes.toString('utf8', start, end));
      start = end + 1;
    }
    const separator = unusedSeparator(texts);
    appendText(packed, texts.join(separator));
    return separator;
  }

  function hasParent(): boolean {
    return ids.readUInt32BE(24) !== 0 || ids.readUInt32BE(28) !== 0;
  }

  function addNumbers({ resource }: Origin, { kind, status, startNs, durationNs }: SpanNumbers): void {
    if (length === columns.ends.length) columns = moveTo(createColumns(length * 2), columns);
    columns.ends[length] = packed.length;
    for (let word = 0; word < 4; word += 1) columns.ids[length * 4 + word] = ids.readUInt32BE(16 + word * 4);
    columns.startNs[length] = startNs;
    columns.durationNs[length] = durationNs;
    columns.flags[length] =
      (kindFlags[kind] | (resource.browser ? spanFlags.callers : 0)) + (status === 'error' ? spanFlags.error : 0);
    // Neighbours are often of one trace: one string for all of them.
    if (length === 0 || !sameBytes(traceIdBytes, 0, ids, 0, 16)) {
      traceId = ids.toString('hex', 0, 16);
      ids.copy(traceIdBytes, 0, 0, 16);
    }
    lists.traceIds.push(traceId);
    lists.shapes.push(shape);
    lists.resources.push(resource);
    const statement = starts[statementPlace] ?? -1;
    const from = isMade[statementPlace] === 1 ? made.bytes : given;
    lists.statements.push(statement < 0 ? null : internedText(from, statement, ends[statementPlace] ?? 0));
    length += 1;
  }

  function reset(): void {
    clear();
    if (length > keptSpans) columns = createColumns(keptSpans);
    lists = emptyLists();
    length = 0;
    for (const growing of [packed, made, values]) shrink(growing);
    given = nothing;
    origin = null;
  }

  return {
    ids,
    idTexts(trace, span, parent) {
      ids.write(trace, 0, 'hex');
      ids.write(span, 16, 'hex');
      if (parent !== null) ids.write(parent, 24, 'hex');
    },
    text(place, text) {
      putText(place, place === spanTexts.statusMessage ? cutText(text) : text);
    },
    textBytes(place, bytes, start, end) {
      put(place, bytes, start, place === spanTexts.statusMessage ? cutBytes(bytes, start, end) : end);
    },
    add: (key, text, type) => addText(shapes.extend(shape, key, type, isLongText(text)), text),
    addText(bytes, keyStart, keyEnd, type, text) {
      addText(shapeWith(bytes, keyStart, keyEnd, type, isLongText(text)), text);
    },
    addBytes(bytes, keyStart, keyEnd, type, start, end) {
      const next = shapeWith(bytes, keyStart, keyEnd, type, end - start > columnBytes);
      if (!extend(next)) return;
      if (next.slot >= 0) put(textCount + next.slot, bytes, start, end);
      else {
        reserve(values, end - start);
        if (append(values, bytes, start, end, separatorByte)) awkward = true;
        valueEnds.push(values.length);
        if (next.hot >= 0 && next.type === '') put(textCount + next.hot, bytes, start, cutBytes(bytes, start, end));
        if (next.copied >= 0) copyOlder(next, bytes.toString('utf8', start, end));
      }
    },
    end(head, numbers) {
      const { length: before } = packed;
      pack(head, numbers);
      if (awkward) {
        packed.length = before;
        lists.separators.set(length, packAwkward(head, numbers));
      }
      addNumbers(head, numbers);
      clear();
    },
    finish() {
      const batch: SpanBatch = {
        length,
        bytes: Buffer.from(packed.bytes.subarray(0, packed.length)),
        ends: columns.ends.slice(0, length),
        ids: columns.ids.slice(0, length * 4),
        startNs: columns.startNs.slice(0, length),
        durationNs: columns.durationNs.slice(0, length),
        flags: columns.flags.slice(0, length),
        newShapes: shapes.made(),
        ...lists,
      };
      reset();
      return isUtf8(batch.bytes) ? batch : withoutBadBytes(batch);
    },
    clear,
    reset,
  };
}

/** Strings of protobuf are UTF-8, but who says that senders keep to it: what is none becomes U+FFFD, text by text. */
function withoutBadBytes(batch: SpanBatch): SpanBatch {
  let start = 0;
  let end = 0;
  const ends = new Uint32Array(batch.length);
  const texts = Array.from(batch.ends, (until, index) => {
    // Separators are ASCII, so no bad sequence of bytes goes beyond its text.
    const text = Buffer.from(batch.bytes.toString('utf8', start, until));
    start = until;
    end += text.length;
    ends[index] = end;
    return text;
  });
  return { ...batch, bytes: Buffer.concat(texts, end), ends };
}
