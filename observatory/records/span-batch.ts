import { type Shape, shapeBytes } from './attribute-shapes.ts';
import type { Resource } from './resource.ts';

/**
 * The spans of a request. Their texts are bytes outside of JavaScript's heap and their numbers typed arrays: spans wait for
 * about a second, and as objects they would keep the garbage collector busier than everything else is.
 */
export interface SpanBatch {
  readonly length: number;
  /** UTF-8: of each span all its texts, joined by a separator in the order that staging.sql takes them out in. */
  readonly bytes: Buffer;
  /** Where the texts of each span end in `bytes`. */
  readonly ends: Uint32Array;
  /** By span, for spans whose separator is not the usual one. */
  readonly separators: ReadonlyMap<number, string>;
  /** Four words a span: its id and its parent's, each the high 32 bits before the low ones. No parent is 0. */
  readonly ids: Uint32Array;
  readonly startNs: BigInt64Array;
  readonly durationNs: BigInt64Array;
  /** `spanFlags`, added up. */
  readonly flags: Uint8Array;
  /** Lower-case hex. */
  readonly traceIds: readonly string[];
  /** Of the attributes. */
  readonly shapes: readonly Shape[];
  /**
   * How many shapes were made for it. A span whose keys no other span has takes `shapeBytes` for each key, beside its
   * bytes.
   */
  readonly newShapes: number;
  readonly resources: readonly Resource[];
  /** `db.query.text`; null if it has none. */
  readonly statements: readonly (string | null)[];
}

export const spanFlags = {
  error: 1,
  /** The caller's own: a browser's span, or one of kind client or producer (schema.sql). */
  callers: 2,
  /** Of kind server or consumer. */
  server: 4,
} as const;

/** One span of a batch. */
export interface SpanRef {
  readonly batch: SpanBatch;
  readonly index: number;
}

/** Neighbours in a batch: from `start` up to but not including `end`. */
export interface SpanRange {
  readonly batch: SpanBatch;
  readonly start: number;
  readonly end: number;
}

/** The texts of a span: a view of the batch's bytes, not a copy. */
export function spanBytes({ batch, index }: SpanRef): Buffer {
  return batch.bytes.subarray(index === 0 ? 0 : batch.ends[index - 1], batch.ends[index]);
}

/** About how many bytes a span takes in memory while it is held by itself. */
export function heldBytes(ref: SpanRef): number {
  return spanBytes(ref).length + (ref.batch.shapes[ref.index]?.depth ?? 0) * shapeBytes;
}

/** A batch of its own for some spans, so that the batches they came in can be freed. */
export function copySpans(refs: readonly SpanRef[]): SpanBatch {
  const texts = refs.map(spanBytes);
  const ids = new Uint32Array(refs.length * 4);
  const ends = new Uint32Array(refs.length);
  let end = 0;
  for (const [place, { batch, index }] of refs.entries()) {
    ids.set(batch.ids.subarray(index * 4, index * 4 + 4), place * 4);
    end += texts[place]?.length ?? 0;
    ends[place] = end;
  }
  const separators = new Map<number, string>();
  for (const [place, { batch, index }] of refs.entries()) {
    const separator = batch.separators.get(index);
    if (separator !== undefined) separators.set(place, separator);
  }
  return {
    length: refs.length,
    bytes: Buffer.concat(texts, end),
    ends,
    separators,
    ids,
    startNs: BigInt64Array.from(refs, ({ batch, index }) => batch.startNs[index] ?? 0n),
    durationNs: BigInt64Array.from(refs, ({ batch, index }) => batch.durationNs[index] ?? 0n),
    flags: Uint8Array.from(refs, ({ batch, index }) => batch.flags[index] ?? 0),
    traceIds: refs.map(({ batch, index }) => batch.traceIds[index] ?? ''),
    shapes: refs.map(({ batch, index }) => batch.shapes[index] as Shape),
    newShapes: 0,
    resources: refs.map(({ batch, index }) => batch.resources[index] as Resource),
    statements: refs.map(({ batch, index }) => batch.statements[index] ?? null),
  };
}
