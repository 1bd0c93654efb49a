import { rowGroupSize } from '../row-group.ts';
import type { Batches, LogEntry, MetricPoint, Signal } from '../../records/records.ts';
import type { SpanBatch, SpanRange } from '../../records/span-batch.ts';
import type { Load } from './staging-area.ts';

/**
 * A load takes at most this many spans, and a flush begins at once when this many items wait. A whole group of rows
 * goes directly to its place in the file. The remaining rows go to the write-ahead log first, and the next checkpoint
 * writes them and their neighbours again: that is twice the work for each span.
 */
export const flushItems = rowGroupSize;
/**
 * A load with more bytes than this also goes to the file at once: it and the next load must fit into DuckDB's memory
 * limit.
 */
const flushBytes = 64 * 2 ** 20;

/** A batch in the queue. */
type Waiting = { [S in Signal]: { signal: S; items: Batches[S] } }[Signal] & {
  bytes: number;
  sinceMs: number;
  /** Its first span that was not taken yet; logs and points are taken as a whole. */
  start: number;
};

/** What is taken from the queue at once. */
export interface Taken {
  spans: SpanRange[];
  logs: LogEntry[];
  metrics: MetricPoint[];
  /** How many items these are, and the size of the batches that were taken completely. */
  items: number;
  bytes: number;
  sinceMs: number | null;
}

/** Batches between the receiver and the staging tables, with the count of all that is not stored yet. */
export interface IngestQueue {
  /** Whether this much more may wait. If nothing waits, anything may. */
  hasRoom(items: number, bytes: number): boolean;
  /** Whether so many items more are too many, whatever their bytes. */
  exceedsItems(items: number): boolean;
  add<S extends Signal>(signal: S, items: Batches[S], bytes: number, sinceMs: number): void;
  /** Takes the next items, up to `flushItems` spans or `flushBytes` in the load; the rest waits for the next load. */
  take(load: Load): Taken;
  /** Items that are not taken yet. */
  queued(): number;
  /** Items that are not stored yet: those that are queued, and those that were taken since. */
  waiting(): number;
  /** When the oldest batch was added; undefined when none is queued. */
  oldestMs(): number | undefined;
  /** Returns a function that tells whether everything that is queued now has been taken. */
  mark(): () => boolean;
  /** Taken items are stored, or were given up. */
  done(stored: { items: number; bytes: number }): void;
}

/** @param isOpen whether a trace has spans in memory already. */
export function createIngestQueue(
  { queueItems, queueBytes }: { queueItems: number; queueBytes: number },
  isOpen: (traceId: string) => boolean,
): IngestQueue {
  let batches: Waiting[] = [];
  let queued = 0;
  let waitingItems = 0;
  let waitingBytes = 0;
  /** Traces of which the load before has only the first spans, and all of their spans that came before. */
  let cutBefore: ReadonlySet<string> = new Set();

  /** Notes the new traces of a request that a load has only the first spans of. Older traces come in parts anyway. */
  function cutTraces(load: Load, batch: SpanBatch, cutAt: number): void {
    const later = new Set<string>();
    for (let index = cutAt; index < batch.length; index += 1) later.add(batch.traceIds[index] ?? '');
    const isNew = new Map<string, boolean>();
    for (let index = 0; index < cutAt; index += 1) {
      const id = batch.traceIds[index] ?? '';
      if (!later.has(id)) continue;
      let known = isNew.get(id);
      if (known === undefined) isNew.set(id, (known = cutBefore.has(id) || !isOpen(id)));
      if (known) load.cutSpans += 1;
    }
    load.cut = [...isNew].filter(([, known]) => known).map(([id]) => id);
    cutBefore = new Set(load.cut);
  }

  const exceedsItems = (items: number): boolean => waitingItems > 0 && waitingItems + items > queueItems;

  return {
    hasRoom: (items, bytes) => waitingItems === 0 || (!exceedsItems(items) && waitingBytes + bytes <= queueBytes),
    exceedsItems,
    add(signal, items, bytes, sinceMs) {
      // The signal tells the type of the items; TypeScript cannot tie the two together.
      batches.push({ signal, items, bytes, sinceMs, start: 0 } as Waiting);
      queued += items.length;
      waitingItems += items.length;
      waitingBytes += bytes;
    },
    take(load) {
      const taken: Taken = {
        spans: [],
        logs: [],
        metrics: [],
        items: 0,
        bytes: 0,
        sinceMs: batches[0]?.sinceMs ?? null,
      };
      let left = flushItems - load.counts.spans;
      let whole = 0;
      for (const next of batches) {
        if (left <= 0 || load.bytes + taken.bytes >= flushBytes) break;
        const count = next.signal === 'spans' ? Math.min(left, next.items.length - next.start) : next.items.length;
        if (next.signal === 'spans') {
          if (next.start > 0) load.completes = true;
          taken.spans.push({ batch: next.items, start: next.start, end: next.start + count });
          next.start += count;
          left -= count;
        } else if (next.signal === 'logs') for (const entry of next.items) taken.logs.push(entry);
        else for (const point of next.items) taken.metrics.push(point);
        taken.items += count;
        if (next.signal === 'spans' && next.start < next.items.length) {
          cutTraces(load, next.items, next.start);
          break;
        }
        taken.bytes += next.bytes;
        whole += 1;
      }
      batches = batches.slice(whole);
      queued -= taken.items;
      return taken;
    },
    queued: () => queued,
    waiting: () => waitingItems,
    oldestMs: () => batches[0]?.sinceMs,
    mark() {
      const last = batches.at(-1);
      return () => last === undefined || !batches.includes(last);
    },
    done({ items, bytes }) {
      waitingItems -= items;
      waitingBytes -= bytes;
    },
  };
}
