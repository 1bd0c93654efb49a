import { spanFlags, type SpanRef } from '../../records/span-batch.ts';
import { findEntries, hasParent, parentOf, type TraceChain } from './trace-entries.ts';
import { none, spanOf, type TraceNodes } from './trace-nodes.ts';

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

/** The largest number of nanoseconds that a BIGINT of the file holds, and that a number holds exactly. */
const mostNs = 2 ** 63 - 1_024;
const lastInstantNs = 2n ** 63n - 1n;

/** The entry spans of a trace with their roll-ups. @param evenWithoutEntry whether another span stands in for a missing one. */
export function rootRows(nodes: TraceNodes, trace: TraceChain, evenWithoutEntry: boolean): RootRow[] {
  const { entries } = findEntries(nodes, trace);
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
    // Spans that cannot be assigned to an entry span (the caller's spans, spans whose parent is missing) go to the
    // first one.
    const row = rows.get(entry === none ? first : entry);
    if (row) rollUp(row, nodes, trace, node);
  }
  for (const row of rows.values()) row.services = [...row.serviceNs.keys()].toSorted();
  return [...rows.values()];
}

/**
 * The span that stands in for a missing entry span: a caller's span that has no parent, else a span whose parent is
 * missing. If there are several, a server's span comes before others, then the longest. The earliest is not preferred,
 * because clocks differ.
 */
function bestSubstitute(nodes: TraceNodes, trace: TraceChain): number {
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

function rollUp(row: RootRow, nodes: TraceNodes, trace: TraceChain, node: number): void {
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
