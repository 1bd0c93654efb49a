import { spanFlags } from '../../records/span-batch.ts';
import { none, standings, type TraceNodes } from './trace-nodes.ts';

/** A span is looked up in a map when its trace has more spans than this; in smaller traces each span is compared. */
const smallTrace = 32;

/** The nodes of a trace, each leading to the next. */
export interface TraceChain {
  readonly first: number;
  readonly size: number;
  /** The nodes by the id of the span; null in a small trace. */
  byId: Map<bigint, number> | null;
}

/**
 * Finds the entry spans (schema.sql) of a trace, as far as the spans above them are there.
 *
 * @returns their nodes, and how many spans were visited on the way up: at most one visit for each span whose standing
 *   was unknown, and one more if the chain above it is known.
 */
export function findEntries(nodes: TraceNodes, trace: TraceChain): { entries: number[]; visits: number } {
  const entries: number[] = [];
  const undecided = new Set<number>();
  let visits = 0;
  for (let node = trace.first; node !== none; node = nodes.next[node] ?? none) {
    if (nodes.standing[node] === standings.unknown) visits += settleStanding(nodes, trace, node, undecided);
    if (nodes.standing[node] === standings.entry) entries.push(node);
  }
  return { entries, visits };
}

export function idOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** The node of the span with an id; `none` if the trace has no such span. */
export function find({ ids, next }: TraceNodes, trace: TraceChain, high: number, low: number): number {
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

export function hasParent({ ids }: TraceNodes, node: number): boolean {
  return ids[node * 4 + 2] !== 0 || ids[node * 4 + 3] !== 0;
}

/** The node of the parent; `none` when it has none, or when that has not come. */
export function parentOf(nodes: TraceNodes, trace: TraceChain, node: number): number {
  const known = nodes.parent[node] ?? none;
  if (known !== none || !hasParent(nodes, node)) return known;
  const found = find(nodes, trace, nodes.ids[node * 4 + 2] ?? 0, nodes.ids[node * 4 + 3] ?? 0);
  nodes.parent[node] = found;
  return found;
}

/**
 * Finds the standing of a span and of all spans above it. It stays unknown while the top is missing, and in a loop of
 * parents.
 *
 * @param undecided spans whose standing cannot be known yet. They are not visited again, so that a long chain without its top
 *   is visited once, not once for each span.
 * @returns how many spans were visited.
 */
function settleStanding(nodes: TraceNodes, trace: TraceChain, node: number, undecided: Set<number>): number {
  const path: number[] = [];
  let visited = 0;
  let above = node;
  while (
    above !== none &&
    nodes.standing[above] === standings.unknown &&
    !undecided.has(above) &&
    path.length <= trace.size
  ) {
    path.push(above);
    visited += 1;
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
      return visited;
    }
    stand(nodes, next, parent);
    path.pop();
  }
  return visited;
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
