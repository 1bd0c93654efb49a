import { queryText } from './attribute-shapes.ts';
import type { SpanRecord } from './records.ts';

/** An entry span with the roll-up of what is below it: a row of `roots` (schema.sql says what is an entry span). */
export interface RootRow {
  span: SpanRecord;
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
  add(span: SpanRecord, nowMs: number): boolean;
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
}

/** About two milliseconds of work. */
const spansBetweenPauses = 4_096;

export const tracesDefaults: TracesOptions = { settleMs: 6_000, provisionalMs: 2_000, spanLimit: 400_000 };

/** Of one trace, the spans beyond are stored but neither counted in its roll-up nor checked for duplicates. */
export const traceSpanLimit = 50_000;

interface Node {
  id: string;
  parentId: string | null;
  service: string;
  /** The caller's own: see schema.sql. */
  callers: boolean;
  server: boolean;
  error: boolean;
  startNs: bigint;
  durationNs: number;
  statement: string | null;
  /** `unknown` until every span above it is there; the others are final. */
  standing: 'unknown' | 'caller' | 'entry' | 'inside';
  /** The entry span it is or is inside of. */
  entry: Node | null;
  /** Let go once it cannot become an entry span. */
  span: SpanRecord | null;
}

interface OpenTrace {
  id: string;
  nodes: Map<string, Node>;
  touchedMs: number;
}

/**
 * Assembles traces from spans that arrive in any order, from several exporters, late or twice, and tells the entry
 * spans with their roll-ups as they stand. All in memory, for traces that still receive spans; for one that was over,
 * the caller adds its stored spans first.
 */
export function createTraces(options: TracesOptions = tracesDefaults): Traces {
  // In order of the last touch: a touched trace goes to the end.
  const open = new Map<string, OpenTrace>();
  let opened: string[] = [];
  const changed = new Set<OpenTrace>();
  const waiting = new Set<OpenTrace>();
  let size = 0;

  function touch(traceId: string, nowMs: number): OpenTrace {
    let trace = open.get(traceId);
    if (trace) {
      if (trace.touchedMs === nowMs) return trace;
      open.delete(traceId);
      trace.touchedMs = nowMs;
    } else {
      trace = { id: traceId, nodes: new Map(), touchedMs: nowMs };
      opened.push(traceId);
    }
    open.set(traceId, trace);
    return trace;
  }

  return {
    has: (traceId) => open.has(traceId),
    size: () => size,
    open: () => open.size > 0,
    add(span, nowMs) {
      const trace = touch(span.traceId, nowMs);
      if (trace.nodes.has(span.spanId)) return false;
      if (trace.nodes.size >= traceSpanLimit) return true;
      trace.nodes.set(span.spanId, toNode(span));
      size += 1;
      changed.add(trace);
      return true;
    },
    async evaluate(nowMs, all = false, pause = async () => undefined) {
      let sincePause = 0;
      const pauseAfter = async (spans: number): Promise<void> => {
        sincePause += spans;
        if (sincePause < spansBetweenPauses) return;
        sincePause = 0;
        await pause();
      };
      const result: Evaluation = { fresh: [], settled: [], opened, changed: [], closed: [] };
      opened = [];
      for (const trace of open.values()) {
        if (!all && size <= options.spanLimit && nowMs - trace.touchedMs < options.settleMs) break;
        open.delete(trace.id);
        changed.delete(trace);
        waiting.delete(trace);
        size -= trace.nodes.size;
        await pauseAfter(trace.nodes.size);
        result.settled.push(...rootRows(trace, true));
        result.changed.push(trace.id);
        result.closed.push(trace.id);
      }
      for (const trace of waiting) if (nowMs - trace.touchedMs >= options.provisionalMs) changed.add(trace);
      for (const trace of changed) {
        const rows = rootRows(trace, nowMs - trace.touchedMs >= options.provisionalMs);
        if (rows.length === 0) waiting.add(trace);
        else waiting.delete(trace);
        result.fresh.push(...rows);
        result.changed.push(trace.id);
        await pauseAfter(trace.nodes.size);
      }
      changed.clear();
      return result;
    },
  };
}

function toNode(span: SpanRecord): Node {
  return {
    id: span.spanId,
    parentId: span.parentSpanId,
    service: span.resource.service,
    callers: span.resource.browser || span.kind === 'client' || span.kind === 'producer',
    server: span.kind === 'server' || span.kind === 'consumer',
    error: span.status === 'error',
    startNs: span.startNs,
    durationNs: Number(span.durationNs),
    statement: queryText(span.attributes),
    standing: 'unknown',
    entry: null,
    span,
  };
}

/** Finds out where a span stands, and all above it; a loop of parents stays unknown. */
function settleStanding(nodes: Map<string, Node>, node: Node): void {
  const path: Node[] = [];
  let above: Node | undefined = node;
  while (above && above.standing === 'unknown' && path.length <= nodes.size) {
    path.push(above);
    if (above.parentId === null) {
      stand(path.pop() ?? above, null);
      break;
    }
    above = nodes.get(above.parentId);
  }
  for (let next = path.pop(); next; next = path.pop()) {
    const parent: Node | undefined = next.parentId === null ? undefined : nodes.get(next.parentId);
    if (!parent || parent.standing === 'unknown') return;
    stand(next, parent);
  }
}

function stand(node: Node, parent: Node | null): void {
  if (parent && parent.standing !== 'caller') {
    node.standing = 'inside';
    node.entry = parent.entry;
    node.span = null;
  } else if (node.callers) {
    node.standing = 'caller';
    if (parent) node.span = null;
  } else {
    node.standing = 'entry';
    node.entry = node;
  }
}

function rootRows(trace: OpenTrace, evenWithoutEntry: boolean): RootRow[] {
  const { nodes } = trace;
  const entries: Node[] = [];
  for (const node of nodes.values()) {
    if (node.standing === 'unknown') settleStanding(nodes, node);
    if (node.standing === 'entry') entries.push(node);
  }
  if (entries.length === 0 && evenWithoutEntry) {
    const substitute = bestSubstitute(nodes);
    if (substitute) entries.push(substitute);
  }
  const first = entries.toSorted((a, b) => (a.startNs < b.startNs ? -1 : 1))[0];
  if (!first) return [];
  const rows = new Map<Node, RootRow>();
  for (const entry of entries) {
    if (entry.span) rows.set(entry, emptyRow(entry.span));
  }
  for (const node of nodes.values()) {
    // What belongs to no entry span for certain (the caller's spans, spans whose parent is missing) goes to the first.
    const row = rows.get(node.entry ?? first);
    if (row) rollUp(row, node, nodes);
  }
  for (const row of rows.values()) row.services = [...row.serviceNs.keys()].toSorted();
  return [...rows.values()];
}

/**
 * Without an entry span: a caller's span that has no parent, else a span whose parent is missing; of several, a server's
 * before others, then the longest. Not the earliest: clocks differ.
 */
function bestSubstitute(nodes: Map<string, Node>): Node | undefined {
  let best: Node | undefined;
  const rank = (node: Node): number => (node.parentId === null ? 2 : 0) + (node.server ? 1 : 0);
  for (const node of nodes.values()) {
    if (!node.span || (node.parentId !== null && nodes.has(node.parentId))) continue;
    if (!best || rank(node) > rank(best) || (rank(node) === rank(best) && node.durationNs > best.durationNs))
      best = node;
  }
  return best ?? nodes.values().find((node) => node.span !== null);
}

function emptyRow(span: SpanRecord): RootRow {
  return {
    span,
    traceStartNs: span.startNs,
    traceEndNs: span.startNs + span.durationNs,
    spanCount: 0,
    errorCount: 0,
    services: [],
    slowestStatement: null,
    slowestStatementNs: null,
    serviceNs: new Map(),
  };
}

function rollUp(row: RootRow, node: Node, nodes: Map<string, Node>): void {
  row.spanCount += 1;
  if (node.error) row.errorCount += 1;
  if (node.startNs < row.traceStartNs) row.traceStartNs = node.startNs;
  const endNs = node.startNs + BigInt(node.durationNs);
  if (endNs > row.traceEndNs) row.traceEndNs = endNs;
  if (node.statement !== null && node.durationNs > (row.slowestStatementNs ?? -1)) {
    row.slowestStatement = node.statement;
    row.slowestStatementNs = node.durationNs;
  }
  const parent = node.parentId === null ? undefined : nodes.get(node.parentId);
  const ownTime = parent?.service === node.service ? 0 : node.durationNs;
  row.serviceNs.set(node.service, (row.serviceNs.get(node.service) ?? 0) + ownTime);
}
