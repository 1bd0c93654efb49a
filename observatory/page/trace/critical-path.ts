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

/** Segments from the last to the first; together exactly as long as the root. */
export function criticalPath(root: Node): Segment[] {
  const segments: Segment[] = [];
  const stack: Segment[] = [{ node: root, from: root.start, to: root.end }];
  for (let window = stack.pop(); window !== undefined; window = stack.pop()) {
    const { node, from, to } = window;
    const inner: Segment[] = [];
    let cursor = to;
    for (const child of clipped(node, from, to)) {
      if (child.to > cursor) continue;
      if (child.to < cursor) segments.push({ node, from: child.to, to: cursor });
      inner.push(child);
      cursor = child.from;
    }
    if (cursor > from) segments.push({ node, from, to: cursor });
    stack.push(...inner);
  }
  return segments.toSorted((a, b) => b.from - a.from);
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
