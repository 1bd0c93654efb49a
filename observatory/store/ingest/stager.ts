import type { Clock } from '../../async/clock.ts';
import { pause } from '../../async/pause.ts';
import type { Signal } from '../../records/records.ts';
import type { SpanBatch, SpanRange, SpanRef } from '../../records/span-batch.ts';
import type { Telemetry } from '../../telemetry.ts';
import { loaderRows } from '../database.ts';
import { failureKind } from '../failures.ts';
import type { GiveUp } from './give-up.ts';
import type { IngestQueue } from './ingest-queue.ts';
import { type Recovery } from './recovery.ts';
import type { StagingArea } from './staging-area.ts';
import type { TraceReader } from './trace-reader.ts';
import type { Traces } from './traces.ts';
import { wholeAttempts } from './write-load.ts';

export interface StagerParts {
  queue: IngestQueue;
  staging: StagingArea;
  traces: Traces;
  reader: TraceReader;
  recovery: Recovery;
  telemetry: Pick<Telemetry, 'duplicates'>;
  clock: Clock;
  giveUp: GiveUp;
}

/** Moves items from the queue to the staging tables, in slices of a few milliseconds, and spans to their traces. */
export interface Stager {
  /** Goes on with traces that were open when the Observatory last stopped. */
  resume(): Promise<void>;
  /** Stages what is queued, as far as one load takes it. One call at a time. */
  stage(): Promise<void>;
}

export function createStager(parts: StagerParts): Stager {
  const { queue, staging, traces, reader, recovery, telemetry, clock, giveUp } = parts;

  function addAll(batch: SpanBatch, nowMs: number): void {
    for (let index = 0; index < batch.length; index += 1) traces.add(batch, index, nowMs);
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

  /** Adds spans to their traces, and stages those that are not in the store yet. */
  async function stageSpans(ranges: readonly SpanRange[]): Promise<void> {
    const nowMs = clock.now();
    await recovery.untilDone(() => reopen(ranges, nowMs));
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
    // A duplicate counts as stored: the span that it repeats is in the store, or on its way.
    staging.current().counts.spans += duplicates;
  }

  /** Stages at most `loaderRows` items. An item that cannot be staged is found, and given up alone. */
  async function stageSlice<T>(
    signal: Signal,
    items: readonly T[],
    add: (items: readonly T[]) => Promise<void>,
  ): Promise<void> {
    if (items.length === 0) return;
    let left = items;
    await recovery.untilDone(async (attempt) => {
      if (attempt <= wholeAttempts) await add(left);
      else while (left.length > 0) left = left.slice(await stageHalf(signal, left, add));
    });
    staging.current().counts[signal] += items.length;
    await pause();
  }

  /** Stages as many of the first items as it can; returns how many are staged or given up. */
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

  return {
    async resume() {
      addAll(await reader.openTraces(), clock.now());
    },
    async stage() {
      const load = staging.current();
      const { spans, logs, metrics, items, bytes, sinceMs } = queue.take(load);
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
    },
  };
}
