import { unusedSeparator, usualSeparator } from './attribute-shapes.ts';
import { cutText } from './column-text.ts';
import { append, appendAscii, appendByte, appendHex, appendText, type Growing, reserve } from './growing-bytes.ts';
import type { Origin } from './resource.ts';
import {
  hasParent,
  otherValues,
  placeCount,
  separatorByte,
  sourceOf,
  type SpanDraft,
  textAt,
  textCount,
} from './span-draft.ts';
import { type SpanNumbers, spanTexts } from './span-parts.ts';

/**
 * Goes before a text that is empty or begins with this character, because no bytes at all mean that a text is missing
 * (`text_or_null`, staging.sql).
 */
const escape = '\u001e';
const escapeByte = escape.charCodeAt(0);

function optional(text: string | null): string {
  if (text === null) return '';
  return text === '' || text.startsWith(escape) ? escape + text : text;
}

/** What all spans of a resource and scope have. */
function originTexts({ resource: { service, version }, scope }: Origin): string[] {
  return [service, optional(version && cutText(version)), optional(scope && cutText(scope))];
}

/** Joins the texts of a span in the order of `spanTextColumns` (store/scripts.ts), then its attributes. */
export interface SpanPacker {
  /** Appends the span. Returns its separator when it is not the usual one, else null. */
  pack(packed: Growing, draft: SpanDraft, origin: Origin, numbers: SpanNumbers): string | null;
  /** Forgets the origin of the last span. */
  reset(): void;
}

export function createSpanPacker(): SpanPacker {
  // Neighbours often have the same origin: its texts are joined once.
  let origin: Origin | null = null;
  let originBytes = Buffer.alloc(0);
  let originNeedsOtherSeparator = false;

  function useOrigin(next: Origin): void {
    if (origin?.resource === next.resource && origin.scope === next.scope) return;
    const texts = originTexts(next);
    origin = next;
    originBytes = Buffer.from(texts.join(usualSeparator));
    originNeedsOtherSeparator = texts.some((text) => text.includes(usualSeparator));
  }

  /** With the usual separator; `needsOtherSeparator` is set when a text contains it. */
  function packUsual(packed: Growing, draft: SpanDraft, { kind, status }: SpanNumbers): void {
    const { ids, starts, values } = draft;
    if (originNeedsOtherSeparator) draft.needsOtherSeparator = true;
    // Ids take 64 bytes, kind and status 20 at most; each place may have a separator and an escape more.
    reserve(packed, 128 + originBytes.length + draft.textBytes + 2 * placeCount + values.length);
    appendHex(packed, ids, 0, 16);
    appendByte(packed, separatorByte);
    appendHex(packed, ids, 16, 24);
    appendByte(packed, separatorByte);
    if (hasParent(draft)) appendHex(packed, ids, 24, 32);
    appendByte(packed, separatorByte);
    packPlace(packed, draft, spanTexts.name, true);
    appendByte(packed, separatorByte);
    appendAscii(packed, kind);
    appendByte(packed, separatorByte);
    appendAscii(packed, status);
    appendByte(packed, separatorByte);
    packPlace(packed, draft, spanTexts.statusMessage, false);
    appendByte(packed, separatorByte);
    packPlace(packed, draft, spanTexts.events, false);
    appendByte(packed, separatorByte);
    packPlace(packed, draft, spanTexts.links, false);
    appendByte(packed, separatorByte);
    originBytes.copy(packed.bytes, packed.length);
    packed.length += originBytes.length;
    for (let place = textCount; place < placeCount; place += 1) {
      appendByte(packed, separatorByte);
      // Most places of most spans are empty, and a call for each would take time.
      if ((starts[place] ?? -1) >= 0) packPlace(packed, draft, place, false);
    }
    if (draft.valueEnds.length > 0) {
      appendByte(packed, separatorByte);
      append(packed, values.bytes, 0, values.length, separatorByte);
    }
  }

  return {
    pack(packed, draft, from, numbers) {
      useOrigin(from);
      const { length } = packed;
      packUsual(packed, draft, numbers);
      if (!draft.needsOtherSeparator) return null;
      packed.length = length;
      const texts = allTexts(draft, from, numbers);
      const separator = unusedSeparator(texts);
      appendText(packed, texts.join(separator));
      return separator;
    },
    reset() {
      origin = null;
    },
  };
}

function packPlace(packed: Growing, draft: SpanDraft, place: number, required: boolean): void {
  const start = draft.starts[place] ?? -1;
  if (start < 0) return;
  const end = draft.ends[place] ?? 0;
  const from = sourceOf(draft, place);
  if (!required && (start === end || from[start] === escapeByte)) appendByte(packed, escapeByte);
  if (append(packed, from, start, end, separatorByte)) draft.needsOtherSeparator = true;
}

function allTexts(draft: SpanDraft, origin: Origin, { kind, status }: SpanNumbers): string[] {
  const { ids } = draft;
  const texts = [
    ids.toString('hex', 0, 16),
    ids.toString('hex', 16, 24),
    hasParent(draft) ? ids.toString('hex', 24, 32) : '',
    textAt(draft, spanTexts.name) ?? '',
    kind,
    status,
    ...[spanTexts.statusMessage, spanTexts.events, spanTexts.links].map((place) => optional(textAt(draft, place))),
    ...originTexts(origin),
  ];
  for (let place = textCount; place < placeCount; place += 1) texts.push(optional(textAt(draft, place)));
  texts.push(...otherValues(draft));
  return texts;
}
