import { setTimeout } from 'node:timers/promises';

import type { Telemetry } from '../../telemetry.ts';
import { type Database, loaderRows, rowGroupSize } from '../database.ts';
import { failureKind, type FailureKind, failureSentence } from '../failures.ts';
import { copyStaged, type RowKind } from './flush.ts';
import { keyCountsDefaults, type KeyCountsOptions } from './key-counts.ts';
import { createParts } from './parts.ts';
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
  /**
   * Nothing is taken while something waits for longer than this to be stored, ms. So a crash loses at most what was
   * acknowledged in so long a time.
   */
  windowMs: number;
  /** Where something has waited for so long, ms, questions are stopped and held off until it is stored. */
  yieldMs: number;
  /** How many keys the catalogue takes. */
  keys: KeyCountsOptions;
}
export const ingestDefaults: IngestOptions = {
  flushIntervalMs: 400,
  queueItems: 65_536,
  queueBytes: 128 * 2 ** 20,
  checkpointIntervalMs: 5_000,
  retryMs: 1_000,
  windowMs: 4_000,
  yieldMs: 6_000,
  keys: keyCountsDefaults,
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
/** A load of more bytes goes to the file at once, too: it and its neighbour must fit into what DuckDB may hold in memory. */
const flushBytes = 64 * 2 ** 20;
/** So often a load is tried as a whole where the store will not have it; then in parts, to find what it will not have. */
const wholeAttempts = 2;
/** After so many attempts in vain the file is opened anew, and after as many again the Observatory gives up. */
const attemptsUntilReattached = 6;
const attemptsToReattach = 2;
/** So often what waits is tried when it closes: its process is given a few seconds to end. */
const attemptsAtEnd = 8;
const retryAtEndMs = 250;
/** So many rows of a load are given up one by one: where the store will have hardly any, they are not what is wrong. */
const mostGivenUp = 64;
/** How often it is looked whether questions have to be held off. */
const watchMs = 250;
const { setTimeout: startTimer } = globalThis;

export interface Ingest extends Intake {
  /** Items that wait to be stored. */
  waiting(): number;
  readonly limit: number;
  /** Spans in memory because their trace still receives some. */
  openSpans(): number;
  /** For how long the oldest item that is not on disk yet has waited, seconds: what a crash would lose now. */
  unstoredSeconds(): number;
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
  /** Is told once, with a sentence, where only a new process helps. */
  onFatal: (reason: string) => void = () => undefined,
): Promise<Ingest> {
  await takeOutCut(database);
  const resources = await createResourceNumbers(database);
  const reader = await createTraceReader(database, resources);
  const traces = createTraces();
  const knownKeys = await database.writer.rows<{ key: string }>('ingest-known-keys', {
    parameters: { limit: options.keys.mostKeys },
  });
  const staging = createStagingArea(
    database,
    resources,
    knownKeys.map(({ key }) => key),
    options.keys,
  );
  let queue: Waiting[] = [];
  let queued = 0;
  /** Traces of which the last load that was filled has the first spans alone, and the spans of those that are stored. */
  let cutBefore: ReadonlySet<string> = new Set();
  let uncounted = 0;
  let waitingItems = 0;
  let waitingBytes = 0;
  let flushing: Load | null = null;
  let failure: FailureKind | null = null;
  let isOver = false;
  let releaseQuestions: (() => void) | null = null;
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

  /** What is queued, by signal, until there are `flushItems` spans or `flushBytes`; the rest waits for the next load. */
  function takeQueued(load: Load): Taken {
    const taken: Taken = { spans: [], logs: [], metrics: [], items: 0, bytes: 0, sinceMs: queue[0]?.sinceMs ?? null };
    let left = flushItems - load.counts.spans;
    let whole = 0;
    for (const next of queue) {
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
    queue = queue.slice(whole);
    queued -= taken.items;
    return taken;
  }

  /** Notes the traces of a request that a load has the first spans of; not those that have come before, in parts anyway. */
  function cutTraces(load: Load, batch: SpanBatch, cutAt: number): void {
    const later = new Set<string>();
    for (let index = cutAt; index < batch.length; index += 1) later.add(batch.traceIds[index] ?? '');
    const isNew = new Map<string, boolean>();
    for (let index = 0; index < cutAt; index += 1) {
      const id = batch.traceIds[index] ?? '';
      if (!later.has(id)) continue;
      let known = isNew.get(id);
      if (known === undefined) isNew.set(id, (known = cutBefore.has(id) || !traces.has(id)));
      if (known) load.cutSpans += 1;
    }
    load.cut = [...isNew].filter(([, known]) => known).map(([id]) => id);
    cutBefore = new Set(load.cut);
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
    for (const id of settled.reopened) staging.current().reopened.push(id);
    addAll(settled.spans, nowMs);
  }

  function addAll(batch: SpanBatch, nowMs: number): void {
    for (let index = 0; index < batch.length; index += 1) traces.add(batch, index, nowMs);
  }

  /** Stages what is queued, as far as a load takes it. */
  async function stageQueued(): Promise<void> {
    const load = staging.current();
    const { spans, logs, metrics, items, bytes, sinceMs } = takeQueued(load);
    if (items === 0) return;
    load.bytes += bytes;
    load.sinceMs ??= sinceMs;
    await stageSpans(spans);
    for (let start = 0; start < logs.length; start += loaderRows) {
      await stageSlice('logs', logs.slice(start, start + loaderRows), staging.addLogs);
    }
    for (let start = 0; start < metrics.length; start += loaderRows) {
      await stageSlice('metrics', metrics.slice(start, start + loaderRows), staging.addMetrics);
    }
  }

  /** Stages the spans that are not in the store yet, and are now part of their traces. */
  async function stageSpans(ranges: readonly SpanRange[]): Promise<void> {
    const nowMs = performance.now();
    await untilDone(() => reopen(ranges, nowMs));
    let slice: SpanRef[] = [];
    let duplicates = 0;
    for (const { batch, start, end } of ranges) {
      for (let index = start; index < end; index += 1) {
        if (traces.add(batch, index, nowMs)) slice.push({ batch, index });
        else duplicates += 1;
        if (slice.length === loaderRows) {
          await stageSlice('spans', slice, staging.addSpans);
          slice = [];
        }
      }
    }
    await stageSlice('spans', slice, staging.addSpans);
    telemetry.duplicates(duplicates);
    // They are done with: what they repeat is in the store, or on its way.
    staging.current().counts.spans += duplicates;
  }

  /** Stages at most `loaderRows` items. Where one cannot be staged, it is found, and given up alone. */
  async function stageSlice<T>(
    signal: Signal,
    items: readonly T[],
    add: (items: readonly T[]) => Promise<void>,
  ): Promise<void> {
    if (items.length === 0) return;
    let left = items;
    await untilDone(async (attempt) => {
      if (attempt <= wholeAttempts) await add(left);
      else while (left.length > 0) left = left.slice(await stageHalf(signal, left, add));
    });
    staging.current().counts[signal] += items.length;
    await pause();
  }

  /** Stages the first of some items, as many as can be; tells how many are done with. */
  async function stageHalf<T>(
    signal: Signal,
    items: readonly T[],
    add: (items: readonly T[]) => Promise<void>,
  ): Promise<number> {
    for (let count = items.length; ; count = Math.ceil(count / 2)) {
      try {
        await add(items.slice(0, count));
        return count;
      } catch (error) {
        if (failureKind(error) !== 'other') throw error;
        if (count > 1) continue;
        giveUp(staging.current(), signal, error);
        return 1;
      }
    }
  }

  /** Counts an item that the store will not have; the others of its load are stored. */
  function giveUp(load: Load, kind: RowKind, error: unknown): void {
    log.error({ err: error, kind }, 'An item was given up');
    if (kind === 'roots') return; // what a trace is entered by: its spans are items of their own
    load.givenUp[kind] += 1;
    telemetry.lost(1);
  }

  /**
   * Does a piece of the ingest's work, and again until it succeeds: what was acknowledged is held meanwhile, and nothing else
   * is taken. Between two attempts it does what helps against what went wrong.
   *
   * @throws what went wrong last where nothing helps, or where it closes and there is no more time.
   */
  async function untilDone<T>(work: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await work(attempt);
        if (attempt > 1) recovered();
        return result;
      } catch (error) {
        await recover(error, attempt);
      }
    }
  }

  function recovered(): void {
    failure = null;
    releaseQuestions?.();
    releaseQuestions = null;
  }

  async function recover(error: unknown, attempt: number): Promise<void> {
    const kind = failureKind(error);
    failure = kind;
    if (isOver) throw error;
    log.error({ err: error, attempt }, `Nothing can be stored: ${failureSentence(kind)}`);
    if (kind === 'broken') throw endWith(kind, error);
    if (closing && attempt >= attemptsAtEnd) throw error;
    if (kind !== 'room' && attempt >= 2 * attemptsUntilReattached) throw endWith(kind, error);
    if (kind === 'memory') releaseQuestions ??= database.holdQuestions();
    if (kind === 'detached' || (kind !== 'room' && attempt % attemptsUntilReattached === 0)) await reattach();
    else await setTimeout(closing ? retryAtEndMs : options.retryMs);
  }

  /** Opens the file anew, in two attempts; where its disk is full, that is waited for. */
  async function reattach(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await database.reattach();
        log.error({}, 'The database file was opened anew');
        return;
      } catch (error) {
        const kind = failureKind(error);
        log.error({ err: error, attempt }, 'The database file could not be opened anew');
        if (closing && attempt >= attemptsAtEnd) throw error;
        if (kind !== 'room' && attempt >= attemptsToReattach) throw endWith(kind, error);
        await setTimeout(closing ? retryAtEndMs : options.retryMs);
      }
    }
  }

  /** Says once that only a new process helps; tells the error to throw. */
  function endWith(kind: FailureKind, error: unknown): unknown {
    if (!isOver && !closing) onFatal(failureSentence(kind));
    isOver = true;
    return error;
  }

  /** Stores all that waits now; with `ending`, every trace is over then. */
  async function flushAll(ending: boolean): Promise<void> {
    const last = queue.at(-1);
    if (last) while (queue.includes(last)) await flushOnce(false);
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
        for (const signal of signals) telemetry.stored(signal, load.counts[signal] - load.givenUp[signal]);
        // What is taken out again should the process end now does not count yet.
        telemetry.stored('spans', uncounted - load.cutSpans);
        uncounted = load.cutSpans;
      }
    } catch (error) {
      telemetry.lost(items);
      log.error({ err: error, items }, 'A load was given up');
      resources.forget(load.newResources);
    } finally {
      done({ items, bytes: load.bytes });
      flushing = null;
      if (hasNews) await untilDone(() => staging.empty(load));
    }
    if (items > 0) telemetry.flushed((performance.now() - start) / 1000, items);
  }

  /** What has changed in the traces by a load, staged beside it. */
  async function summarize(load: Load, nowMs: number, ending: boolean): Promise<Evaluation> {
    const evaluation = await traces.evaluate(nowMs, ending, pause);
    await untilDone(() => staging.addSummary(load, evaluation));
    return evaluation;
  }

  /** What is staged goes to the file, all or nothing; where DuckDB will not have that, in parts. */
  async function write(load: Load, evaluation: Evaluation): Promise<void> {
    let refusals = 0;
    let givenUp = 0;
    const parts = createParts(database, load, evaluation, (kind, error) => {
      givenUp += 1;
      if (givenUp > mostGivenUp) throw error;
      giveUp(load, kind, error);
    });
    await untilDone(async () => {
      if (refusals === wholeAttempts) return parts.copy();
      try {
        return await database.transaction((session) => copyStaged(session, load, evaluation));
      } catch (error) {
        if (['memory', 'other'].includes(failureKind(error))) refusals += 1;
        throw error;
      }
    });
  }

  async function checkpointIfDue(): Promise<void> {
    if (!dirty || performance.now() - lastCheckpointMs < options.checkpointIntervalMs) return;
    const start = performance.now();
    try {
      await database.exclusively((session) => session.run(sql`CHECKPOINT store`));
      dirty = false;
    } catch (error) {
      // A long query holds it up, or there is no room: the write-ahead log keeps everything until the next attempt.
      log.error({ err: error }, 'The checkpoint failed');
      if (failureKind(error) === 'detached') {
        failure = 'detached';
        await reattach();
        recovered();
      }
    }
    lastCheckpointMs = performance.now();
    telemetry.checkpointed((lastCheckpointMs - start) / 1000);
  }

  function startFlush(): void {
    if (timer === undefined) return; // one is under way, or it is over
    clearTimeout(timer);
    timer = undefined;
    writing(async () => {
      if (failure !== null) await untilWell();
      await flushOnce(false);
      await checkpointIfDue();
    })
      .catch((error: unknown) => {
        failure ??= failureKind(error);
        log.error({ err: error }, 'The ingest failed');
      })
      .finally(schedule);
  }

  /** After what failed outside of a load: nothing comes in that could tell that all is well again. */
  async function untilWell(): Promise<void> {
    await untilDone(() => database.writer.rows('ingest-settled-row-count'));
    recovered();
  }

  function unstoredMs(): number {
    const sinceMs = flushing?.sinceMs ?? staging.current().sinceMs ?? queue[0]?.sinceMs;
    return sinceMs === undefined || sinceMs === null ? 0 : performance.now() - sinceMs;
  }

  /** Holds questions off where what came in waits too long beside them. */
  const watch = setInterval(() => {
    if (failure !== null || closing) return;
    const late = unstoredMs();
    if (late > options.yieldMs) releaseQuestions ??= database.holdQuestions();
    else if (late < options.yieldMs / 2) recovered();
  }, watchMs);
  watch.unref();

  function schedule(): void {
    if (closing || isOver) return;
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
      !isOver &&
      failure === null &&
      unstoredMs() <= options.windowMs &&
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
      // What others staged meanwhile is no longer queued when it is this one's turn. A failure costs the flush that follows.
      if (queued >= stageItems) assembling(stageQueued).catch(() => undefined);
    },
    waiting: () => waitingItems,
    unstoredSeconds: () => unstoredMs() / 1000,
    openSpans: traces.size,
    failure: () => failure && failureSentence(failure),
    flush: () => writing(() => flushAll(false)),
    close: () => {
      closing = true;
      clearInterval(watch);
      releaseQuestions ??= database.holdQuestions();
      clearTimeout(timer);
      timer = undefined;
      return writing(() => flushAll(true)).finally(recovered);
    },
  };
}

/** Takes out the traces that were cut (schema.sql) where the process ended before the rest of them was stored. */
async function takeOutCut(database: Database): Promise<void> {
  const [cut] = await database.exclusively((session) => session.run(sql`SELECT 1 FROM store.cut_traces LIMIT 1`));
  if (!cut) return;
  await database.transaction(async (session) => {
    await session.run(sql`DELETE FROM store.spans WHERE trace_id IN (FROM store.cut_traces)`);
    await session.run(sql`DELETE FROM store.fresh_roots WHERE trace_id IN (FROM store.cut_traces)`);
    await session.run(sql`DELETE FROM store.open_traces WHERE trace_id IN (FROM store.cut_traces)`);
    await session.run(sql`DELETE FROM store.cut_traces`);
  });
}
