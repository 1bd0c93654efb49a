/**
 * A trace as a tree with times that can be drawn: duplicates dropped, spans without their parent kept as roots, clocks
 * that disagree brought into line. Times are nanoseconds from the trace's beginning, exact as numbers because they are
 * differences of BigInts. Pure.
 */
import type { SpanDetail, Trace } from '../../contract/contract.ts';
import { serviceColours } from '../format/service-colour.ts';

export interface Node {
  /**
   * A unique key: the span's id, or for a further span of that id (see `linkFamilies`), the id with a number behind it.
   */
  key: string;
  span: SpanDetail;
  parent: Node | null;
  /** In order of beginning. */
  children: Node[];
  depth: number;
  /** Nanoseconds from the trace's beginning. */
  start: number;
  end: number;
  /** What was added to the span's own clock to fit it into its parent, nanoseconds. */
  adjusted: number;
  /** It names a parent that is not in the trace. */
  orphan: boolean;
}

export interface TraceModel {
  traceId: string;
  /** Unix nanoseconds of the first beginning. */
  startNs: bigint;
  durationNs: number;
  roots: Node[];
  /** Every node, parents before children. */
  nodes: Node[];
  byKey: Map<string, Node>;
  services: string[];
  /** The colour of each, another one as far as there are colours. */
  colourOf: (service: string) => string;
  errors: number;
}

export function buildTrace(trace: Trace): TraceModel {
  const byKey = new Map<string, Node>();
  const known = new Set<string>();
  const first = trace.spans.reduce<bigint | null>((least, span) => {
    const start = BigInt(span.startNs);
    return least === null || start < least ? start : least;
  }, null);
  const origin = first ?? 0n;
  for (const span of trace.spans) {
    const identity = [span.spanId, span.service, span.kind, span.startNs].join(' ');
    if (known.has(identity)) continue;
    known.add(identity);
    const start = Number(BigInt(span.startNs) - origin);
    const end = start + Math.max(0, Number(BigInt(span.durationNs)));
    const key = freeKey(byKey, span.spanId);
    byKey.set(key, { key, span, parent: null, children: [], depth: 0, start, end, adjusted: 0, orphan: false });
  }
  const roots = linkFamilies([...byKey.values()]);
  const nodes = inOrder(roots);
  for (const node of nodes) alignClock(node);
  const least = nodes.reduce((low, node) => Math.min(low, node.start), Infinity);
  const shift = Number.isFinite(least) ? least : 0;
  for (const node of nodes) {
    node.start -= shift;
    node.end -= shift;
    node.children.sort(byStart);
  }
  roots.sort(byStart);
  const services = [...new Set(trace.spans.map((span) => span.service))];
  return {
    traceId: trace.traceId,
    startNs: origin + BigInt(Math.round(shift)),
    durationNs: nodes.reduce((high, node) => Math.max(high, node.end), 0),
    roots,
    nodes: inOrder(roots),
    byKey,
    services,
    colourOf: serviceColours(services),
    errors: nodes.filter((node) => node.span.status === 'error').length,
  };
}

/**
 * Whether questions about entry spans count this one: the first span, from above, that is not its caller's own (a
 * browser's, or of kind client or producer), as the store says, too.
 */
export function isEntry(node: Node): boolean {
  if (isCallers(node)) return false;
  for (let { parent } = node; parent !== null; { parent } = parent) if (!isCallers(parent)) return false;
  return true;
}

function isCallers({ span }: Node): boolean {
  return (
    span.kind === 'client' ||
    span.kind === 'producer' ||
    span.resource['telemetry.sdk.language'] === 'webjs' ||
    Object.keys(span.resource).some((key) => key.startsWith('browser.'))
  );
}

const byStart = (a: Node, b: Node): number => a.start - b.start || b.end - a.end;

function freeKey(taken: ReadonlyMap<string, Node>, id: string): string {
  if (!taken.has(id)) return id;
  for (let number = 2; ; number += 1) if (!taken.has(`${id}.${number}`)) return `${id}.${number}`;
}

const asks = ({ span }: Node): boolean => span.kind === 'client' || span.kind === 'producer';
const serves = ({ span }: Node): boolean => span.kind === 'server' || span.kind === 'consumer';

/**
 * Children to their parents; what has none, or is its own ancestor, becomes a root. Both ends of a call may have one id
 * (Zipkin's way): the server's span lies below its client's then, and what the server does below the server's.
 */
function linkFamilies(nodes: readonly Node[]): Node[] {
  const roots: Node[] = [];
  const byId = Map.groupBy(nodes, ({ span }) => span.spanId);
  const parentOf = (node: Node): Node | undefined => {
    const { spanId, parentSpanId, service } = node.span;
    const caller = serves(node) ? byId.get(spanId)?.find(asks) : undefined;
    if (caller !== undefined) return caller;
    const parents = (parentSpanId === null ? undefined : byId.get(parentSpanId)) ?? [];
    return parents.find(({ span }) => span.service === service) ?? parents.find(asks) ?? parents[0];
  };
  for (const node of nodes) {
    const parentId = node.span.parentSpanId;
    const parent = parentOf(node);
    if (parent === undefined || parent === node) {
      node.orphan = parentId !== null && parentId !== '';
      roots.push(node);
    } else {
      node.parent = parent;
      parent.children.push(node);
    }
  }
  const reached = new Set(inOrder(roots));
  for (const node of nodes.toSorted(byStart)) {
    if (reached.has(node)) continue;
    // A ring of parents: cut it open where it begins.
    const { parent } = node;
    if (parent !== null) parent.children = parent.children.filter((child) => child !== node);
    node.parent = null;
    node.orphan = true;
    roots.push(node);
    for (const below of inOrder([node])) reached.add(below);
  }
  return roots;
}

/** Depth first, without recursion: a chain of 5,000 spans is no deeper than any other. */
function inOrder(roots: readonly Node[]): Node[] {
  const found: Node[] = [];
  const stack = roots.toReversed();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    node.depth = node.parent === null ? 0 : node.parent.depth + 1;
    found.push(node);
    for (let index = node.children.length - 1; index >= 0; index -= 1) {
      const child = node.children[index];
      if (child !== undefined) stack.push(child);
    }
  }
  return found;
}

/**
 * Another service's clock may be off. A child cannot begin before its parent; nor can an answered call end after its
 * caller. Such a child is centred in its parent, as if the way there and back took equally long. If it is longer than
 * its parent, it begins with its parent instead. A span of the parent's own service shares the parent's clock.
 */
function alignClock(node: Node): void {
  const { parent } = node;
  if (parent === null) return;
  if (node.span.service === parent.span.service) {
    move(node, parent.adjusted);
    return;
  }
  const answered = parent.span.kind === 'client' && node.span.kind === 'server';
  const early = node.start < parent.start;
  const late = answered && node.end > parent.end;
  if (!early && !late) return;
  const room = parent.end - parent.start - (node.end - node.start);
  const target = room >= 0 ? parent.start + Math.floor(room / 2) : parent.start;
  if (room >= 0 || early) move(node, target - node.start);
}

function move(node: Node, by: number): void {
  node.adjusted = by;
  node.start += by;
  node.end += by;
}
