import { copySpans, heldBytes, type SpanBatch } from '../../records/span-batch.ts';
import { type RootRow, rootRows } from './roll-up.ts';
import { find, idOf, type TraceChain } from './trace-entries.ts';
import { createTraceNodes, none, spanOf, type TraceNodes } from './trace-nodes.ts';

export interface Evaluation {
  /** Rows of traces that go on; they replace the earlier rows of those traces. */
  fresh: RootRow[];
  /** Rows of traces that are over. */
  settled: RootRow[];
  /** Traces seen for the first time since the last evaluation. */
  opened: string[];
  /** Traces whose earlier rows no longer hold: those of `fresh` and all that are over. */
  changed: string[];
  /** Traces that are over. */
  closed: string[];
}

export interface Traces {
  has(traceId: string): boolean;
  /** Adds a span. False for a span that was added before. */
  add(batch: SpanBatch, index: number, nowMs: number): boolean;
  /**
   * What has changed; call it once for each flush, and add nothing meanwhile. `all` ends every trace. `pause` lets others
   * have the event loop now and then.
   */
  evaluate(nowMs: number, all?: boolean, pause?: () => Promise<void>): Promise<Evaluation>;
  /** Spans held in memory. */
  size(): number;
  /** Whether any trace still waits to be over. */
  open(): boolean;
}

export interface TracesOptions {
  /**
   * A trace is over when none of its spans has arrived for this long, ms. Exporters wait up to 5 s with OTel's
   * defaults.
   */
  settleMs: number;
  /** After how long another span stands in for a missing entry span, ms, until the entry span comes. */
  provisionalMs: number;
  /** If there are more spans than this in memory, the traces that have waited longest are over at once. */
  spanLimit: number;
  /** The same limit for the bytes of spans that are, or may become, entry spans: those are held whole. */
  byteLimit: number;
}

/** About two milliseconds of work. */
const spansBetweenPauses = 4_096;

export const tracesDefaults: TracesOptions = {
  settleMs: 6_000,
  provisionalMs: 2_000,
  spanLimit: 400_000,
  byteLimit: 96 * 2 ** 20,
};

/** Further spans of one trace are stored, but neither counted in its roll-up nor checked for duplicates. */
export const traceSpanLimit = 50_000;

interface OpenTrace extends TraceChain {
  id: string;
  /** Its nodes, each leading to the next. */
  first: number;
  last: number;
  size: number;
  byId: Map<bigint, number> | null;
  /** Keys of its spans that share their id with an earlier span. A key has everything that tells such spans apart. */
  twins: Set<string> | null;
  touchedMs: number;
  /** What its spans that are held whole took at the last evaluation, bytes. */
  heldBytes: number;
}

/**
 * Assembles traces from spans that arrive in any order, from several exporters, late or twice, and returns the entry
 * spans with their roll-ups as they are now. All in memory, for traces that still receive spans; for one that was over,
 * the caller adds its stored spans first.
 */
export function createTraces(options: TracesOptions = tracesDefaults): Traces {
  const store = createTraceNodes();
  // In order of the last touch: a touched trace goes to the end.
  const open = new Map<string, OpenTrace>();
  let opened: string[] = [];
  const changed = new Set<OpenTrace>();
  const waiting = new Set<OpenTrace>();
  // Batches of spans that were copied, so that the batches they came in could be freed.
  const copies = new WeakSet<SpanBatch>();
  let size = 0;
  let bytes = 0;

  function touch(traceId: string, nowMs: number): OpenTrace {
    let trace = open.get(traceId);
    if (trace) {
      if (trace.touchedMs === nowMs) return trace;
      open.delete(traceId);
      trace.touchedMs = nowMs;
    } else {
      trace = {
        id: traceId,
        first: none,
        last: none,
        size: 0,
        byId: null,
        twins: null,
        touchedMs: nowMs,
        heldBytes: 0,
      };
      opened.push(traceId);
    }
    open.set(traceId, trace);
    return trace;
  }

  /** Copies the spans that are still held. Otherwise each of them would keep its whole request in memory. */
  function letRequestsGo(traces: Iterable<OpenTrace>): void {
    const nodes = store.current();
    const held: number[] = [];
    for (const trace of traces) {
      bytes -= trace.heldBytes;
      trace.heldBytes = 0;
      for (let node = trace.first; node !== none; node = nodes.next[node] ?? none) {
        const batch = nodes.batches[node];
        if (!batch) continue;
        trace.heldBytes += heldBytes({ batch, index: nodes.indices[node] ?? 0 });
        if (!copies.has(batch)) held.push(node);
      }
      bytes += trace.heldBytes;
    }
    if (held.length === 0) return;
    const batch = copySpans(held.map((node) => spanOf(nodes, node)));
    copies.add(batch);
    for (const [index, node] of held.entries()) {
      nodes.batches[node] = batch;
      nodes.indices[node] = index;
    }
  }

  return {
    has: (traceId) => open.has(traceId),
    size: () => size,
    open: () => open.size > 0,
    add(batch, index, nowMs) {
      const trace = touch(batch.traceIds[index] ?? '', nowMs);
      const high = batch.ids[index * 4] ?? 0;
      const low = batch.ids[index * 4 + 1] ?? 0;
      const twin = find(store.current(), trace, high, low);
      if (twin !== none) {
        if (isSame(store.current(), twin, batch, index)) return false;
        const identity = `${high} ${low} ${batch.startNs[index]} ${batch.flags[index]} ${batch.resources[index]?.service}`;
        trace.twins ??= new Set();
        if (trace.twins.has(identity)) return false;
        trace.twins.add(identity);
      }
      if (trace.size >= traceSpanLimit) return true;
      trace.last = store.add(batch, index, trace.last);
      if (trace.first === none) trace.first = trace.last;
      trace.size += 1;
      if (twin === none) trace.byId?.set(idOf(high, low), trace.last);
      size += 1;
      changed.add(trace);
      return true;
    },
    async evaluate(nowMs, all = false, pause = async () => undefined) {
      const nodes = store.current();
      let sincePause = 0;
      const pauseAfter = async (spans: number): Promise<void> => {
        sincePause += spans;
        if (sincePause < spansBetweenPauses) return;
        sincePause = 0;
        await pause();
      };
      const result: Evaluation = { fresh: [], settled: [], opened, changed: [], closed: [] };
      opened = [];
      const isTooMuch = (): boolean => size > options.spanLimit || bytes > options.byteLimit;
      for (const trace of open.values()) {
        if (!all && !isTooMuch() && nowMs - trace.touchedMs < options.settleMs) break;
        open.delete(trace.id);
        changed.delete(trace);
        waiting.delete(trace);
        size -= trace.size;
        bytes -= trace.heldBytes;
        await pauseAfter(trace.size);
        for (const row of rootRows(nodes, trace, true)) result.settled.push(row);
        result.changed.push(trace.id);
        result.closed.push(trace.id);
        store.free(trace.first);
      }
      for (const trace of waiting) if (nowMs - trace.touchedMs >= options.provisionalMs) changed.add(trace);
      for (const trace of changed) {
        const rows = rootRows(nodes, trace, nowMs - trace.touchedMs >= options.provisionalMs);
        if (rows.length === 0) waiting.add(trace);
        else waiting.delete(trace);
        for (const row of rows) result.fresh.push(row);
        result.changed.push(trace.id);
        await pauseAfter(trace.size);
      }
      letRequestsGo(changed);
      changed.clear();
      return result;
    },
  };
}

/**
 * Whether a node is this very span. The same id is not enough: if Zipkin's libraries send the two ends of a call, the
 * client's span and the server's span share one id.
 */
function isSame({ startNs, flags, services }: TraceNodes, node: number, batch: SpanBatch, index: number): boolean {
  return (
    startNs[node] === batch.startNs[index] &&
    flags[node] === batch.flags[index] &&
    services[node] === batch.resources[index]?.service
  );
}
