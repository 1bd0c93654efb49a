/**
 * Which work the trace's duration is made of. Walking back from the end of a span: the child that finished last is what
 * it waited for; before that child began, the one that had finished last by then; what no child covers is the span's
 * own. Children that outlast their parent are clipped to it first. Pure.
 */
import type { Node } from './model.ts';

export interface Segment {
  node: Node;
  /** Nanoseconds from the trace's beginning. */
  from: number;
  to: number;
}

/**
 * Which part of a child's duration may overlap the next child, so that the child still counts as finished before it. A
 * client's span ends only when the last byte was read, and by then work with the first bytes has begun.
 */
const overlap = 0.1;

/** Segments from the last to the first; together exactly as long as the root. */
export function criticalPath(root: Node): Segment[] {
  const segments: Segment[] = [];
  const stack: Segment[] = [{ node: root, from: root.start, to: root.end }];
  for (let window = stack.pop(); window !== undefined; window = stack.pop()) {
    const { node, from, to } = window;
    let cursor = to;
    for (const child of waitedFor(clipped(node, from, to))) {
      if (child.to < cursor) segments.push({ node, from: child.to, to: cursor });
      stack.push(child);
      cursor = child.from;
    }
    if (cursor > from) segments.push({ node, from, to: cursor });
  }
  return segments.toSorted((a, b) => b.from - a.from);
}

/** The children that were waited for, one after the other. @param children in order of their end, the last first. */
function waitedFor(children: readonly Segment[]): Segment[] {
  const path: Segment[] = [];
  let cursor = Infinity;
  // Of the children that ran in parallel to the path so far, the one that began first.
  let beside: Segment | null = null;
  const take = (child: Segment): void => {
    path.push({ ...child, to: Math.min(child.to, cursor) });
    cursor = child.from;
  };
  for (const child of children) {
    // Between the end of this child and the next one on the path, the parallel child may have been waited for.
    if (beside && cursor - Math.max(beside.from, child.to) > overlap * (beside.to - beside.from)) {
      take(beside);
      beside = null;
    }
    if (child.from >= cursor) continue;
    if (child.to - cursor <= overlap * (child.to - child.from)) take(child);
    else if (!beside || child.from < beside.from) beside = child;
  }
  if (beside && beside.from < cursor) take(beside);
  return path;
}

/** The children within a window, the one that ends last first. */
function clipped(node: Node, from: number, to: number): Segment[] {
  return node.children
    .map((child) => ({ node: child, from: Math.max(from, child.start), to: Math.min(to, child.end) }))
    .filter((child) => child.to > child.from)
    .toSorted((a, b) => b.to - a.to || a.from - b.from);
}

/** How much of the path is each span's own, nanoseconds. */
export function ownTimes(segments: readonly Segment[]): Map<Node, number> {
  const times = new Map<Node, number>();
  for (const { node, from, to } of segments) times.set(node, (times.get(node) ?? 0) + to - from);
  return times;
}

/** The span that most of the path is made of: what to look at first. Null for an empty path. */
export function heaviest(segments: readonly Segment[]): Node | null {
  let best: Node | null = null;
  let most = -1;
  for (const [node, time] of ownTimes(segments)) {
    if (time > most) {
      best = node;
      most = time;
    }
  }
  return best;
}
