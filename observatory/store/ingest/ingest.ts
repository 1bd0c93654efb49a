import { type Clock, systemClock } from '../../async/clock.ts';
import { pause } from '../../async/pause.ts';
import { createQueue } from '../../async/queue.ts';
import type { Intake } from '../../records/intake.ts';
import { signals } from '../../records/records.ts';
import type { Telemetry } from '../../telemetry.ts';
import type { Database } from '../database.ts';
import { failureSentence } from '../failures.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createGiveUp } from './give-up.ts';
import { ingestDefaults, type IngestLog, type IngestOptions } from './ingest-options.ts';
import { createIngestQueue, flushItems } from './ingest-queue.ts';
import { createRecovery } from './recovery.ts';
import { removeCutTraces } from './remove-cut-traces.ts';
import { createResourceNumbers } from './resource-numbers.ts';
import { createStager } from './stager.ts';
import { createStagingArea, type Load } from './staging-area.ts';
import { createTraceReader } from './trace-reader.ts';
import { createTraces, type Evaluation } from './traces.ts';
import { writeLoad } from './write-load.ts';

/**
 * How many items are staged at once: enough to be worth it, but few enough that they become garbage while they are
 * still in V8's young generation.
 */
const stageItems = 1_024;
/**
 * When this many items wait, a flush waits for more, to fill a group of rows. A smaller number is flushed without this
 * delay, so that it can soon be seen.
 */
const manyItems = 4_096;
const manyItemsWaitMs = 1_000;
/**
 * How many times its own duration a flush of few items is apart from the next one. Most of it is planning, so a slow or busy
 * machine flushes less often and not all the time.
 */
const restPerFlush = 10;
/** How often the ingest checks whether questions have to be held off. */
const watchMs = 250;

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

/**
 * Moves items from the receiver to the file. They wait in the queue until there are enough for a slice or it is time for a
 * flush; go to staging tables in slices of a few milliseconds; and from there to the file in one transaction, which runs
 * on DuckDB's own threads while the next load is staged. The event loop is never held, and decoded items live briefly.
 *
 * @param onFatal is called once, with a sentence, when only a new process helps.
 */
export async function createIngest(
  database: Database,
  telemetry: Telemetry,
  log: IngestLog,
  options: IngestOptions = ingestDefaults,
  onFatal: (reason: string) => void = () => undefined,
  clock: Clock = systemClock,
): Promise<Ingest> {
  await removeCutTraces(database);
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
  const queue = createIngestQueue(options, traces.has);
  const recovery = createRecovery(database, log, clock, options.retryMs, onFatal);
  const giveUp = createGiveUp(log, telemetry);
  const stager = createStager({ queue, staging, traces, reader, recovery, telemetry, clock, giveUp });
  const checkpoints = createCheckpoints({ database, recovery, telemetry, log, clock }, options);
  /**
   * Stored spans of traces that are cut. They would be removed again if the process ended now, so they do not count
   * yet.
   */
  let uncounted = 0;
  let flushing: Load | null = null;
  let lastFlushMs = 0;
  let isClosing = false;
  /** Cancels the next flush; null while one runs. */
  let cancelNext: (() => void) | null = null;
  // Only one piece of work at a time may change traces and the side that is filled; flushes follow one another.
  const assembling = createQueue();
  const writing = createQueue();

  await stager.resume();

  /** Stores all that waits now; with `ending`, every trace is over then. */
  async function flushAll(ending: boolean): Promise<void> {
    const isTaken = queue.mark();
    while (!isTaken()) await flushOnce(false);
    await flushOnce(ending);
  }

  async function flushOnce(ending: boolean): Promise<void> {
    const start = clock.now();
    if (queue.waiting() === 0 && !traces.open()) return;
    const { load, summing } = await assembling(async () => {
      await stager.stage();
      const filled = staging.swap();
      flushing = filled;
      const summary = summarize(filled, start, ending);
      await summary.catch(() => undefined); // the failure is handled below
      return { load: filled, summing: summary };
    });
    const items = load.counts.spans + load.counts.logs + load.counts.metrics;
    let hasNews = true;
    try {
      const evaluation = await summing;
      hasNews = items > 0 || evaluation.changed.length > 0;
      if (hasNews) {
        await writeLoad({ database, recovery, giveUp }, load, evaluation);
        reader.settled(evaluation.closed);
        checkpoints.written(items);
        countStored(load);
      }
    } catch (error) {
      telemetry.lost(items);
      log.error({ err: error, items }, 'A load was given up');
      resources.forget(load.newResources);
    } finally {
      queue.done({ items, bytes: load.bytes });
      flushing = null;
      if (hasNews) await recovery.untilDone(() => staging.empty(load));
    }
    lastFlushMs = clock.now() - start;
    if (items > 0) telemetry.flushed(lastFlushMs / 1000, items);
  }

  /** Stages what a load changes in its traces. */
  async function summarize(load: Load, nowMs: number, ending: boolean): Promise<Evaluation> {
    const evaluation = await traces.evaluate(nowMs, ending, pause);
    await recovery.untilDone(() => staging.addSummary(load, evaluation));
    return evaluation;
  }

  function countStored(load: Load): void {
    for (const signal of signals) telemetry.stored(signal, load.counts[signal] - load.givenUp[signal]);
    telemetry.stored('spans', uncounted - load.cutSpans);
    uncounted = load.cutSpans;
  }

  function startFlush(): void {
    if (!cancelNext) return; // one runs, or it is over
    cancelNext();
    cancelNext = null;
    writing(async () => {
      if (recovery.failure() !== null) await untilWell();
      await flushOnce(false);
      await checkpoints.makeIfDue();
    })
      .catch((error: unknown) => {
        recovery.failed(error);
        log.error({ err: error }, 'The ingest failed');
      })
      .finally(schedule);
  }

  /** After a failure outside of a load: nothing is taken, so no load can show that all is well again. */
  async function untilWell(): Promise<void> {
    await recovery.untilDone(() => database.writer.rows('ingest-settled-row-count'));
    recovery.recovered();
  }

  function schedule(): void {
    if (isClosing || recovery.isOver()) return;
    const rest = Math.min(lastFlushMs * restPerFlush, options.longestFlushIntervalMs);
    const waitMs = Math.max(options.flushIntervalMs, rest);
    cancelNext = clock.after(waitMs, () => {
      if (queue.waiting() < manyItems) startFlush();
      else cancelNext = clock.after(Math.max(0, manyItemsWaitMs - waitMs), startFlush);
    });
    if (queue.waiting() >= flushItems) startFlush();
  }

  function unstoredMs(): number {
    const sinceMs = flushing?.sinceMs ?? staging.current().sinceMs ?? queue.oldestMs();
    return sinceMs === undefined ? 0 : clock.now() - sinceMs;
  }

  /** Holds questions off when what came in waits too long beside them. */
  const endWatch = clock.every(watchMs, () => {
    if (recovery.failure() !== null || isClosing) return;
    const late = unstoredMs();
    if (late > options.yieldMs) recovery.holdQuestions();
    else if (late < options.yieldMs / 2) recovery.recovered();
  });
  schedule();

  return {
    limit: options.queueItems,
    hasRoom: (items, bytes) =>
      !isClosing &&
      !recovery.isOver() &&
      recovery.failure() === null &&
      unstoredMs() <= options.windowMs &&
      queue.hasRoom(items, bytes),
    exceedsItems: queue.exceedsItems,
    take(signal, items, bytes) {
      queue.add(signal, items, bytes, clock.now());
      telemetry.received(signal, items.length);
      if (queue.waiting() >= flushItems) startFlush();
      // When its turn comes, others may have staged these items. A failure is handled by the flush that follows.
      if (queue.queued() >= stageItems) assembling(stager.stage).catch(() => undefined);
    },
    waiting: queue.waiting,
    unstoredSeconds: () => unstoredMs() / 1000,
    openSpans: traces.size,
    failure() {
      const kind = recovery.failure();
      return kind && failureSentence(kind);
    },
    flush: () => writing(() => flushAll(false)),
    close() {
      isClosing = true;
      recovery.close();
      endWatch();
      recovery.holdQuestions();
      cancelNext?.();
      cancelNext = null;
      return writing(() => flushAll(true)).finally(recovery.recovered);
    },
  };
}
