import type { Shape } from './attribute-shapes.ts';
import { moveTo } from './growing-arrays.ts';
import { sameBytes } from './growing-bytes.ts';
import type { SpanKind } from './records.ts';
import type { Resource } from './resource.ts';
import { type SpanBatch, spanFlags } from './span-batch.ts';
import { type SpanDraft, statementOf } from './span-draft.ts';
import type { SpanNumbers } from './span-parts.ts';

const kindFlags: Readonly<Record<SpanKind, number>> = {
  unspecified: 0,
  internal: 0,
  server: spanFlags.server,
  client: spanFlags.callers,
  producer: spanFlags.callers,
  consumer: spanFlags.server,
};

const firstRoom = 1_024;
/** The memory for more than this many spans is given back after each request. */
const keptSpans = 4_096;

/** All of a batch but its bytes and the count of its new shapes. */
type Columns = Omit<SpanBatch, 'bytes' | 'newShapes'>;

/** What the spans of a batch have beside their texts, one after the other. */
export interface SpanColumns {
  /** @param end where the span's texts end in the bytes of the batch. @param separator null for the usual one. */
  add(draft: SpanDraft, resource: Resource, numbers: SpanNumbers, end: number, separator: string | null): void;
  /** Copies of all spans since the last reset. */
  take(): Columns;
  reset(): void;
}

export function createSpanColumns(): SpanColumns {
  let arrays = createArrays(firstRoom);
  let lists = createLists();
  let length = 0;
  // Neighbours are often of one trace: one string for all of them.
  let traceId = '';
  const traceIdBytes = Buffer.alloc(16);

  return {
    add(draft, resource, { kind, status, startNs, durationNs }, end, separator) {
      const { ids } = draft;
      if (length === arrays.ends.length) arrays = moveTo(createArrays(length * 2), arrays);
      arrays.ends[length] = end;
      for (let word = 0; word < 4; word += 1) arrays.ids[length * 4 + word] = ids.readUInt32BE(16 + word * 4);
      arrays.startNs[length] = startNs;
      arrays.durationNs[length] = durationNs;
      arrays.flags[length] =
        (kindFlags[kind] | (resource.browser ? spanFlags.callers : 0)) + (status === 'error' ? spanFlags.error : 0);
      if (length === 0 || !sameBytes(traceIdBytes, 0, ids, 0, 16)) {
        traceId = ids.toString('hex', 0, 16);
        ids.copy(traceIdBytes, 0, 0, 16);
      }
      lists.traceIds.push(traceId);
      lists.shapes.push(draft.shape);
      lists.resources.push(resource);
      lists.statements.push(statementOf(draft));
      if (separator !== null) lists.separators.set(length, separator);
      length += 1;
    },
    take: () => ({
      length,
      ends: arrays.ends.slice(0, length),
      ids: arrays.ids.slice(0, length * 4),
      startNs: arrays.startNs.slice(0, length),
      durationNs: arrays.durationNs.slice(0, length),
      flags: arrays.flags.slice(0, length),
      ...lists,
    }),
    reset() {
      if (length > keptSpans) arrays = createArrays(keptSpans);
      lists = createLists();
      length = 0;
    },
  };
}

function createArrays(room: number) {
  return {
    ends: new Uint32Array(room),
    ids: new Uint32Array(room * 4),
    startNs: new BigInt64Array(room),
    durationNs: new BigInt64Array(room),
    flags: new Uint8Array(room),
  };
}

function createLists() {
  return {
    traceIds: [] as string[],
    shapes: [] as Shape[],
    resources: [] as Resource[],
    statements: [] as (string | null)[],
    separators: new Map<number, string>(),
  };
}
