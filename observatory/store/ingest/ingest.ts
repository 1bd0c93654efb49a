import { setTimeout } from 'node:timers/promises';

import type { Telemetry } from '../../telemetry.ts';
import { type Database, loaderRows, rowGroupSize } from '../database.ts';
import { copyStaged } from './flush.ts';
import { pause } from '../../async/pause.ts';
import { createQueue } from '../../async/queue.ts';
import type { Intake } from '../../records/intake.ts';
import { type Batches, type LogEntry, type MetricPoint, type Signal, signals } from '../../records/records.ts';
import { createResourceNumbers } from './resource-numbers.ts';
import type { SpanBatch, SpanRange, SpanRef } from '../../records/span-batch.ts';
import { sql } from '../sql.ts';
import { createStagingArea, type Load } from './staging-area.ts';
import { createTraceReader } from './trace-reader.ts';
import { createTraces, type Evaluation } from './traces.ts';

export interface IngestOptions {
  /** How long an item waits for company, ms. With the time of a flush, this is the window that a crash loses. */
  flushIntervalMs: number;
  /** Items that may wait; more are not taken. */
  queueItems: number;
  /** Their size on the wire, bytes; also a bound. */
  queueBytes: number;
  checkpointIntervalMs: number;
  /** How long to wait before what could not be stored is tried again, ms. */
  retryMs: number;
}
export const ingestDefaults: IngestOptions = {
  flushIntervalMs: 400,
  queueItems: 65_536,
  queueBytes: 128 * 2 ** 20,
  checkpointIntervalMs: 5_000,
  retryMs: 1_000,
};

/** So many are staged at once: enough to be worth it, few enough to die young. */
const stageItems = 1_024;
/**
 * With so many items waiting a flush begins at once, and it takes no more spans than these: a whole group of rows goes to
 * its place at once, but what is left over goes to the write-ahead log first, and the next checkpoint then writes it and
 * its neighbours anew. That is twice the work a span.
 */
const flushItems = rowGroupSize;
/** With so many items waiting, a flush waits for more, so that it fills a group of rows; with few, newcomers see them soon. */
const manyItems = 4_096;
const manyItemsWaitMs = 1_000;
/** A batch that the store will not have for another reason than lack of room is given up after so many attempts. */
const attempts = 3;
const { setTimeout: startTimer } = globalThis;

export interface Ingest extends Intake {
  /** Items that wait to be stored. */
  waiting(): number;
  readonly limit: number;
  /** Spans in memory because their trace still receives some. */
  openSpans(): number;
  /** For how long the oldest item that is not on disk yet has waited, seconds: what a crash would lose now. */
  unstoredSeconds(): number;
  /** Why nothing could be stored at the last attempt; null where all is well. */
  failure(): string | null;
  /** Stores what waits now, and answers when it is on disk. */
  flush(): Promise<void>;
  /** Stores everything, ends every trace, and stops. */
  close(): Promise<void>;
}

/** A batch in the queue. */
type Waiting = { [S in Signal]: { signal: S; items: Batches[S] } }[Signal] & {
  bytes: number;
  sinceMs: number;
  /** Its first span that was not taken yet; others are taken as a whole. */
  start: number;
};

/** What is taken from the queue at once. */
interface Taken {
  spans: SpanRange[];
  logs: LogEntry[];
  metrics: MetricPoint[];
  /** How many all these are, and the size of the batches that were taken to their end. */
  items: number;
  bytes: number;
  sinceMs: number | null;
}

export interface IngestLog {
  error(data: object, message: string): void;
}

/**
 * Moves items from the receiver to the file. They wait in memory until there are enough for a slice or it is time for a
 * flush; go to staging tables in slices of a few milliseconds; and from there to the file in one transaction, which runs
 * on DuckDB's own threads while the next load is staged. The event loop is never held, and decoded items live briefly.
 */
export async function createIngest(
  database: Database,
  telemetry: Telemetry,
  log: IngestLog,
  options: IngestOptions = ingestDefaults,
): Promise<Ingest> {
  const resources = await createResourceNumbers(database);
  const reader = await createTraceReader(database, resources);
  const traces = createTraces();
  const staging = createStagingArea(database, resources);
  let queue: Waiting[] = [];
  let queued = 0;
  let waitingItems = 0;
  let waitingBytes = 0;
  let flushing: Load | null = null;
  let failure: string | null = null;
  let closing = false;
  let dirty = false;
  let lastCheckpointMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  // Traces and the side that is filled belong to one at a time; flushes follow one another.
  const assembling = createQueue();
  const writing = createQueue();

  addAll(await reader.openTraces(), performance.now());

  function done({ items, bytes }: { items: number; bytes: number }): void {
    waitingItems -= items;
    waitingBytes -= bytes;
  }

  /** What is queued, by signal, as far as there is room for its spans. */
  function takeQueued(room: number): Taken {
    const taken: Taken = { spans: [], logs: [], metrics: [], items: 0, bytes: 0, sinceMs: queue[0]?.sinceMs ?? null };
    let left = room;
    let whole = 0;
    for (const next of queue) {
      const count = next.signal === 'spans' ? Math.min(left, next.items.length - next.start) : next.items.length;
      if (next.signal === 'spans') {
        taken.spans.push({ batch: next.items, start: next.start, end: next.start + count });
        next.start += count;
        left -= count;
      } else if (next.signal === 'logs') for (const entry of next.items) taken.logs.push(entry);
      else for (const point of next.items) taken.metrics.push(point);
      taken.items += count;
      if (next.signal === 'spans' && next.start < next.items.length) break;
      taken.bytes += next.bytes;
      whole += 1;
    }
    queue = queue.slice(whole);
    queued -= taken.items;
    return taken;
  }

  /** Goes on with the stored spans of traces that were over. */
  async function reopen(ranges: readonly SpanRange[], nowMs: number): Promise<void> {
    const unknown = new Set<string>();
    for (const { batch, start, end } of ranges) {
      for (let index = start; index < end; index += 1) {
        const traceId = batch.traceIds[index] ?? '';
        if (!traces.has(traceId)) unknown.add(traceId);
      }
    }
    const settled = await reader.settledTraces([...unknown]);
    staging.current().reopened.push(...settled.reopened);
    addAll(settled.spans, nowMs);
  }

  function addAll(batch: SpanBatch, nowMs: number): void {
    for (let index = 0; index < batch.length; index += 1) traces.add(batch, index, nowMs);
  }

  /** Stages the spans that are not in the store yet, and are now part of their traces. */
  async function stageSpans(ranges: readonly SpanRange[]): Promise<void> {
    const nowMs = performance.now();
    await reopen(ranges, nowMs);
    let slice: SpanRef[] = [];
    let duplicates = 0;
    for (const { batch, start, end } of ranges) {
      for (let index = start; index < end; index += 1) {
        if (traces.add(batch, index, nowMs)) slice.push({ batch, index });
        else duplicates += 1;
        if (slice.length === loaderRows) {
          await staging.addSpans(slice);
          slice = [];
          await pause();
        }
      }
    }
    await staging.addSpans(slice);
    telemetry.duplicates(duplicates);
  }

  async function stageQueued(): Promise<void> {
    const load = staging.current();
    const { spans, logs, metrics, items, bytes, sinceMs } = takeQueued(flushItems - load.counts.spans);
    if (items === 0) return;
    load.bytes += bytes;
    load.sinceMs ??= sinceMs;
    // One by one: what is staged is part of the load, whatever comes of the rest.
    const staged = async (signal: Signal, count: number, stageThem: () => Promise<void>): Promise<void> => {
      if (count === 0) return;
      try {
        await stageThem();
        load.counts[signal] += count;
      } catch (error) {
        giveUp(count, error);
        done({ items: count, bytes: 0 });
      }
    };
    await staged('spans', items - logs.length - metrics.length, () => stageSpans(spans));
    await staged('logs', logs.length, () => staging.addLogs(logs));
    await staged('metrics', metrics.length, () => staging.addMetrics(metrics));
  }

  function giveUp(items: number, error: unknown): void {
    telemetry.lost(items);
    log.error({ err: error, items }, 'A batch was given up');
  }

  /** Stores all that waits now; with `ending`, every trace is over then. */
  async function flushAll(ending: boolean): Promise<void> {
    for (let left = waitingItems - flushItems; left > 0; left -= flushItems) await flushOnce(false);
    await flushOnce(ending);
  }

  async function flushOnce(ending: boolean): Promise<void> {
    const start = performance.now();
    if (waitingItems === 0 && !traces.open()) return;
    const { load, summing } = await assembling(async () => {
      await stageQueued();
      const filled = staging.swap();
      flushing = filled;
      const summary = summarize(filled, start, ending);
      await summary.catch(() => undefined); // what failed costs this load, below
      return { load: filled, summing: summary };
    });
    const items = load.counts.spans + load.counts.logs + load.counts.metrics;
    let hasNews = true;
    try {
      const evaluation = await summing;
      hasNews = items > 0 || evaluation.changed.length > 0;
      if (hasNews) {
        await write(load, evaluation);
        reader.settled(evaluation.closed);
        dirty = true;
        for (const signal of signals) telemetry.stored(signal, load.counts[signal]);
      }
    } catch (error) {
      giveUp(items, error);
      resources.forget(load.newResources);
    } finally {
      done({ items, bytes: load.bytes });
      flushing = null;
      if (hasNews) await staging.empty(load);
    }
    if (items > 0) telemetry.flushed((performance.now() - start) / 1000, items);
  }

  /** What has changed in the traces by a load, staged beside it. */
  async function summarize(load: Load, nowMs: number, ending: boolean): Promise<Evaluation> {
    const evaluation = await traces.evaluate(nowMs, ending, pause);
    await staging.addSummary(load, evaluation);
    return evaluation;
  }

  /** What is staged goes to the file, all or nothing, and again until it is there: for lack of room without end. */
  async function write(load: Load, evaluation: Evaluation): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await database.transaction((session) => copyStaged(session, load, evaluation));
        failure = null;
        return;
      } catch (error) {
        failure = error instanceof Error ? error.message : String(error);
        const noRoom = /IO Error|No space|Out of Memory/i.test(failure);
        if (attempt >= attempts && (closing || !noRoom)) throw error;
        log.error({ err: error, attempt }, 'A batch could not be stored; it is tried again');
        await setTimeout(options.retryMs);
      }
    }
  }

  async function checkpointIfDue(): Promise<void> {
    if (!dirty || performance.now() - lastCheckpointMs < options.checkpointIntervalMs) return;
    const start = performance.now();
    try {
      await database.exclusively((session) => session.run(sql`CHECKPOINT store`));
      dirty = false;
    } catch (error) {
      // A long query holds it up; the write-ahead log keeps everything until the next attempt.
      log.error({ err: error }, 'The checkpoint failed');
    }
    lastCheckpointMs = performance.now();
    telemetry.checkpointed((lastCheckpointMs - start) / 1000);
  }

  function startFlush(): void {
    if (timer === undefined) return; // one is under way, or it is over
    clearTimeout(timer);
    timer = undefined;
    writing(async () => {
      await flushOnce(false);
      await checkpointIfDue();
    })
      .catch((error: unknown) => {
        failure = error instanceof Error ? error.message : String(error);
        log.error({ err: error }, 'The ingest failed');
      })
      .finally(schedule);
  }

  function schedule(): void {
    if (closing) return;
    timer = startTimer(() => {
      if (waitingItems < manyItems) startFlush();
      else timer = startTimer(startFlush, Math.max(0, manyItemsWaitMs - options.flushIntervalMs));
    }, options.flushIntervalMs);
    if (waitingItems >= flushItems) startFlush();
  }
  schedule();

  return {
    limit: options.queueItems,
    hasRoom: (items, bytes) =>
      !closing &&
      (waitingItems === 0 ||
        (waitingItems + items <= options.queueItems && waitingBytes + bytes <= options.queueBytes)),
    take(signal, items, bytes) {
      // The signal tells the type of the items; TypeScript cannot tie the two together.
      queue.push({ signal, items, bytes, sinceMs: performance.now(), start: 0 } as Waiting);
      queued += items.length;
      waitingItems += items.length;
      waitingBytes += bytes;
      telemetry.received(signal, items.length);
      if (waitingItems >= flushItems) startFlush();
      // What others staged meanwhile is no longer queued when it is this one's turn.
      if (queued >= stageItems) void assembling(stageQueued);
    },
    waiting: () => waitingItems,
    unstoredSeconds: () => {
      const sinceMs = flushing?.sinceMs ?? staging.current().sinceMs ?? queue[0]?.sinceMs;
      return sinceMs === undefined ? 0 : (performance.now() - sinceMs) / 1000;
    },
    openSpans: traces.size,
    failure: () => failure,
    flush: () => writing(() => flushAll(false)),
    close: () => {
      closing = true;
      clearTimeout(timer);
      timer = undefined;
      return writing(() => flushAll(true));
    },
  };
}
