import { copySpans, heldBytes, type SpanBatch, spanFlags, type SpanRef } from '../../records/span-batch.ts';
import { createTraceNodes, none, standings, type TraceNodes } from './trace-nodes.ts';

/** An entry span with the roll-up of what is below it: a row of `roots` (schema.sql says what is an entry span). */
export interface RootRow {
  span: SpanRef;
  traceStartNs: bigint;
  traceEndNs: bigint;
  spanCount: number;
  errorCount: number;
  /** Sorted. */
  services: string[];
  slowestStatement: string | null;
  slowestStatementNs: number | null;
  serviceNs: Map<string, number>;
}

export interface Evaluation {
  /** Rows of traces that go on, to replace what was told of those traces before. */
  fresh: RootRow[];
  /** Rows of traces that are over. */
  settled: RootRow[];
  /** Traces seen for the first time since the last evaluation. */
  opened: string[];
  /** Traces whose rows of before no longer hold: those of `fresh` and all that are over. */
  changed: string[];
  /** Traces that are over. */
  closed: string[];
}

export interface Traces {
  has(traceId: string): boolean;
  /** Whether it is new: false for a span that was taken before. */
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
  /** A trace is over when nothing of it has arrived for so long, ms. Exporters wait up to 5 s with OTel's defaults. */
  settleMs: number;
  /** Without its entry span, a trace is entered by its best span after so long, ms, until the entry span comes. */
  provisionalMs: number;
  /** Beyond so many spans in memory, the traces that waited longest are over at once. */
  spanLimit: number;
  /** The same beyond so many bytes of spans that are, or may become, entry spans: those are held whole. */
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

/** Of one trace, the spans beyond are stored but neither counted in its roll-up nor checked for duplicates. */
export const traceSpanLimit = 50_000;

/** The largest number of nanoseconds that a BIGINT of the file holds, and that a number holds exactly. */
const mostNs = 2 ** 63 - 1_024;
const lastInstantNs = 2n ** 63n - 1n;

/** In a trace of more spans a span is looked up by its id, in smaller ones they are gone through. */
const smallTrace = 32;

interface OpenTrace {
  id: string;
  /** Its nodes, each leading to the next. */
  first: number;
  last: number;
  size: number;
  /** Of a trace that is not small: its nodes by the id of the span. */
  byId: Map<bigint, number> | null;
  /** Its spans that share their id with one that came before, by all that tells them apart. */
  twins: Set<string> | null;
  touchedMs: number;
  /** What its spans that are held whole took at the last evaluation, bytes. */
  heldBytes: number;
}

/**
 * Assembles traces from spans that arrive in any order, from several exporters, late or twice, and tells the entry
 * spans with their roll-ups as they stand. All in memory, for traces that still receive spans; for one that was over,
 * the caller adds its stored spans first.
 */
export function createTraces(options: TracesOptions = tracesDefaults): Traces {
  const store = createTraceNodes();
  // In order of the last touch: a touched trace goes to the end.
  const open = new Map<string, OpenTrace>();
  let opened: string[] = [];
  const changed = new Set<OpenTrace>();
  const waiting = new Set<OpenTrace>();
  // Batches of spans that were copied, so that those they came with could go.
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

  /** Copies the spans that are still held: else each of them would hold its whole request. */
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

function idOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** The node of the span with an id; `none` where the trace has none. */
function find({ ids, next }: TraceNodes, trace: OpenTrace, high: number, low: number): number {
  if (trace.size > smallTrace) {
    if (!trace.byId) {
      trace.byId = new Map();
      for (let node = trace.first; node !== none; node = next[node] ?? none)
        trace.byId.set(idOf(ids[node * 4] ?? 0, ids[node * 4 + 1] ?? 0), node);
    }
    return trace.byId.get(idOf(high, low)) ?? none;
  }
  for (let node = trace.first; node !== none; node = next[node] ?? none)
    if (ids[node * 4 + 1] === low && ids[node * 4] === high) return node;
  return none;
}

/**
 * Whether a node is this very span. The same id is not enough: the two ends of a call share one where Zipkin's libraries send
 * them, one of the client and one of the server.
 */
function isSame({ startNs, flags, services }: TraceNodes, node: number, batch: SpanBatch, index: number): boolean {
  return (
    startNs[node] === batch.startNs[index] &&
    flags[node] === batch.flags[index] &&
    services[node] === batch.resources[index]?.service
  );
}

function spanOf({ batches, indices }: TraceNodes, node: number): SpanRef {
  const batch = batches[node];
  if (!batch) throw new Error('the span of this node was let go');
  return { batch, index: indices[node] ?? 0 };
}

function hasParent({ ids }: TraceNodes, node: number): boolean {
  return ids[node * 4 + 2] !== 0 || ids[node * 4 + 3] !== 0;
}

/** The node of the parent; `none` where it has none, or has not come. */
function parentOf(nodes: TraceNodes, trace: OpenTrace, node: number): number {
  const known = nodes.parent[node] ?? none;
  if (known !== none || !hasParent(nodes, node)) return known;
  const found = find(nodes, trace, nodes.ids[node * 4 + 2] ?? 0, nodes.ids[node * 4 + 3] ?? 0);
  nodes.parent[node] = found;
  return found;
}

/**
 * Finds out where a span stands, and all above it; a loop of parents stays unknown.
 *
 * @param undecided spans that were looked at in vain, so that a long chain without its top is gone along once.
 */
function settleStanding(nodes: TraceNodes, trace: OpenTrace, node: number, undecided: Set<number>): void {
  const path: number[] = [];
  let above = node;
  while (
    above !== none &&
    nodes.standing[above] === standings.unknown &&
    !undecided.has(above) &&
    path.length <= trace.size
  ) {
    path.push(above);
    if (!hasParent(nodes, above)) {
      stand(nodes, path.pop() ?? above, none);
      break;
    }
    above = parentOf(nodes, trace, above);
  }
  for (let next = path.at(-1); next !== undefined; next = path.at(-1)) {
    const parent = parentOf(nodes, trace, next);
    if (parent === none || nodes.standing[parent] === standings.unknown) {
      for (const each of path) undecided.add(each);
      return;
    }
    stand(nodes, next, parent);
    path.pop();
  }
}

function stand(nodes: TraceNodes, node: number, parent: number): void {
  if (parent !== none && nodes.standing[parent] !== standings.caller) {
    nodes.standing[node] = standings.inside;
    nodes.entry[node] = nodes.entry[parent] ?? none;
    nodes.batches[node] = null;
  } else if (((nodes.flags[node] ?? 0) & spanFlags.callers) !== 0) {
    nodes.standing[node] = standings.caller;
    if (parent !== none) nodes.batches[node] = null;
  } else {
    nodes.standing[node] = standings.entry;
    nodes.entry[node] = node;
  }
}

function rootRows(nodes: TraceNodes, trace: OpenTrace, evenWithoutEntry: boolean): RootRow[] {
  const entries: number[] = [];
  const undecided = new Set<number>();
  for (let node = trace.first; node !== none; node = nodes.next[node] ?? none) {
    if (nodes.standing[node] === standings.unknown) settleStanding(nodes, trace, node, undecided);
    if (nodes.standing[node] === standings.entry) entries.push(node);
  }
  if (entries.length === 0 && evenWithoutEntry) {
    const substitute = bestSubstitute(nodes, trace);
    if (substitute !== none) entries.push(substitute);
  }
  const startOf = (node: number): bigint => nodes.startNs[node] ?? 0n;
  entries.sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
  const [first] = entries;
  if (first === undefined) return [];
  const rows = new Map<number, RootRow>();
  for (const entry of entries) {
    if (nodes.batches[entry]) rows.set(entry, emptyRow(nodes, entry));
  }
  for (let node = trace.first; node !== none; node = nodes.next[node] ?? none) {
    const entry = nodes.entry[node] ?? none;
    // What belongs to no entry span for certain (the caller's spans, spans whose parent is missing) goes to the first.
    const row = rows.get(entry === none ? first : entry);
    if (row) rollUp(row, nodes, trace, node);
  }
  for (const row of rows.values()) row.services = [...row.serviceNs.keys()].toSorted();
  return [...rows.values()];
}

/**
 * Without an entry span: a caller's span that has no parent, else a span whose parent is missing; of several, a server's
 * before others, then the longest. Not the earliest: clocks differ.
 */
function bestSubstitute(nodes: TraceNodes, trace: OpenTrace): number {
  let best = none;
  let any = none;
  const rank = (node: number): number =>
    (hasParent(nodes, node) ? 0 : 2) + (((nodes.flags[node] ?? 0) & spanFlags.server) === 0 ? 0 : 1);
  const durationOf = (node: number): number => nodes.durationNs[node] ?? 0;
  for (let node = trace.first; node !== none; node = nodes.next[node] ?? none) {
    if (!nodes.batches[node]) continue;
    any = node;
    if (parentOf(nodes, trace, node) !== none) continue;
    if (best === none || rank(node) > rank(best) || (rank(node) === rank(best) && durationOf(node) > durationOf(best)))
      best = node;
  }
  return best === none ? any : best;
}

function emptyRow(nodes: TraceNodes, node: number): RootRow {
  const startNs = nodes.startNs[node] ?? 0n;
  return {
    span: spanOf(nodes, node),
    traceStartNs: startNs,
    traceEndNs: startNs,
    spanCount: 0,
    errorCount: 0,
    services: [],
    slowestStatement: null,
    slowestStatementNs: null,
    serviceNs: new Map(),
  };
}

function rollUp(row: RootRow, nodes: TraceNodes, trace: OpenTrace, node: number): void {
  const startNs = nodes.startNs[node] ?? 0n;
  const durationNs = nodes.durationNs[node] ?? 0;
  const service = nodes.services[node] ?? '';
  const statement = nodes.statements[node] ?? null;
  row.spanCount += 1;
  if (((nodes.flags[node] ?? 0) & spanFlags.error) !== 0) row.errorCount += 1;
  if (startNs < row.traceStartNs) row.traceStartNs = startNs;
  const endNs = startNs + BigInt(durationNs);
  if (endNs > row.traceEndNs) row.traceEndNs = endNs < lastInstantNs ? endNs : lastInstantNs;
  if (statement !== null && durationNs > (row.slowestStatementNs ?? -1)) {
    row.slowestStatement = statement;
    row.slowestStatementNs = Math.min(mostNs, durationNs);
  }
  const parent = parentOf(nodes, trace, node);
  const ownTime = parent !== none && nodes.services[parent] === service ? 0 : durationNs;
  row.serviceNs.set(service, Math.min(mostNs, (row.serviceNs.get(service) ?? 0) + ownTime));
}
