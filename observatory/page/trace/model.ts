/**
 * A trace as a tree with times that can be drawn: duplicates dropped, spans without their parent kept as roots, clocks
 * that disagree brought into line. Times are nanoseconds from the trace's beginning, exact as numbers because they are
 * differences of BigInts. Pure.
 */
import type { SpanDetail, Trace } from '../../contract/contract.ts';
import { serviceColours } from '../format/service-colour.ts';

export interface Node {
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
  byId: Map<string, Node>;
  services: string[];
  /** The colour of each, another one as far as there are colours. */
  colourOf: (service: string) => string;
  errors: number;
}

export function buildTrace(trace: Trace): TraceModel {
  const byId = new Map<string, Node>();
  const first = trace.spans.reduce<bigint | null>((least, span) => {
    const start = BigInt(span.startNs);
    return least === null || start < least ? start : least;
  }, null);
  const origin = first ?? 0n;
  for (const span of trace.spans) {
    if (byId.has(span.spanId)) continue;
    const start = Number(BigInt(span.startNs) - origin);
    const end = start + Math.max(0, Number(BigInt(span.durationNs)));
    byId.set(span.spanId, { span, parent: null, children: [], depth: 0, start, end, adjusted: 0, orphan: false });
  }
  const roots = linkFamilies(byId);
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
    byId,
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

/** Children to their parents; what has none, or is its own ancestor, becomes a root. */
function linkFamilies(byId: Map<string, Node>): Node[] {
  const roots: Node[] = [];
  for (const node of byId.values()) {
    const parentId = node.span.parentSpanId;
    const parent = parentId === null || parentId === '' ? undefined : byId.get(parentId);
    if (parent === undefined || parent === node) {
      node.orphan = parentId !== null && parentId !== '';
      roots.push(node);
    } else {
      node.parent = parent;
      parent.children.push(node);
    }
  }
  const reached = new Set(inOrder(roots));
  for (const node of [...byId.values()].toSorted(byStart)) {
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
 * caller. Such a child is centred in its parent, as if the way there and back took equally long, or, where it is longer
 * than its parent, begins with it. A span of the parent's own service shares the parent's clock.
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
