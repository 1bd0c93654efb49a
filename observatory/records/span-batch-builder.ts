import { isUtf8 } from 'node:buffer';

import { type AttributeSink, createShapes, type ValueType } from './attribute-shapes.ts';
import { columnBytes, cutBytes, cutText, isLongText } from './column-text.ts';
import { createGrowing, shrink } from './growing-bytes.ts';
import type { Origin } from './resource.ts';
import type { SpanBatch } from './span-batch.ts';
import { createSpanColumns } from './span-columns.ts';
import {
  addAttributeBytes,
  addAttributeText,
  clearDraft,
  createDraft,
  forgetReceived,
  putBytes,
  putText,
  shapeWith,
} from './span-draft.ts';
import { createSpanPacker } from './span-packer.ts';
import { type SpanNumbers, spanTexts, type TextPlace } from './span-parts.ts';

/**
 * Packs one span after another: its ids, texts and attributes in any order, then `end`. Bytes that are given must stay as
 * they are until then.
 */
export interface SpanBatchBuilder extends AttributeSink {
  /** @param hex of 32, 16 and, if there is a parent, 16 digits. */
  idTexts(traceId: string, spanId: string, parentSpanId: string | null): void;
  /** Where the trace's id (16 bytes from 0), the span's (8 from 16) and its parent's (8 from 24, or zeros) are written. */
  readonly ids: Buffer;
  text(place: TextPlace, text: string): void;
  textBytes(place: TextPlace, bytes: Buffer, start: number, end: number): void;
  /** An attribute whose key and value are bytes. */
  addBytes(bytes: Buffer, keyStart: number, keyEnd: number, type: ValueType, start: number, end: number): void;
  /** An attribute whose key is bytes and whose value is a text already. */
  addText(bytes: Buffer, keyStart: number, keyEnd: number, type: ValueType, text: string): void;
  /** Ends the span. */
  end(origin: Origin, numbers: SpanNumbers): void;
  /** Returns all spans since the last time. */
  finish(): SpanBatch;
  /** Forgets them, and the span that was begun. */
  reset(): void;
}

export function createSpanBatchBuilder(): SpanBatchBuilder {
  const shapes = createShapes(true);
  const draft = createDraft(shapes);
  const packer = createSpanPacker();
  const packed = createGrowing();
  const columns = createSpanColumns();

  function reset(): void {
    clearDraft(draft, shapes);
    forgetReceived(draft);
    packer.reset();
    columns.reset();
    for (const growing of [packed, draft.made, draft.values]) shrink(growing);
  }

  return {
    ids: draft.ids,
    idTexts(trace, span, parent) {
      draft.ids.write(trace, 0, 'hex');
      draft.ids.write(span, 16, 'hex');
      if (parent !== null) draft.ids.write(parent, 24, 'hex');
    },
    text(place, text) {
      putText(draft, place, place === spanTexts.statusMessage ? cutText(text) : text);
    },
    textBytes(place, bytes, start, end) {
      putBytes(draft, place, bytes, start, place === spanTexts.statusMessage ? cutBytes(bytes, start, end) : end);
    },
    add(key, text, type) {
      addAttributeText(draft, shapes.extend(draft.shape, key, type, isLongText(text)), text);
    },
    addText(bytes, keyStart, keyEnd, type, text) {
      addAttributeText(draft, shapeWith(draft, shapes, bytes, keyStart, keyEnd, type, isLongText(text)), text);
    },
    addBytes(bytes, keyStart, keyEnd, type, start, end) {
      const shape = shapeWith(draft, shapes, bytes, keyStart, keyEnd, type, end - start > columnBytes);
      addAttributeBytes(draft, shape, bytes, start, end);
    },
    end(origin, numbers) {
      const separator = packer.pack(packed, draft, origin, numbers);
      columns.add(draft, origin.resource, numbers, packed.length, separator);
      clearDraft(draft, shapes);
    },
    finish() {
      const batch: SpanBatch = {
        ...columns.take(),
        bytes: Buffer.from(packed.bytes.subarray(0, packed.length)),
        newShapes: shapes.made(),
      };
      reset();
      return isUtf8(batch.bytes) ? batch : replaceInvalidUtf8(batch);
    },
    clear: () => clearDraft(draft, shapes),
    reset,
  };
}

/** Strings of protobuf should be UTF-8, but some senders send others: their invalid bytes become U+FFFD, span by span. */
function replaceInvalidUtf8(batch: SpanBatch): SpanBatch {
  let start = 0;
  let end = 0;
  const ends = new Uint32Array(batch.length);
  const texts = Array.from(batch.ends, (until, index) => {
    // Separators are ASCII, so an invalid sequence never goes beyond its text.
    const text = Buffer.from(batch.bytes.toString('utf8', start, until));
    start = until;
    end += text.length;
    ends[index] = end;
    return text;
  });
  return { ...batch, bytes: Buffer.concat(texts, end), ends };
}
