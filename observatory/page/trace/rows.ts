/** Which rows of a waterfall are shown, which match a search, and where the keyboard leads. Pure. */
import type { Node, TraceModel } from './model.ts';

/** The nodes none of whose ancestors is collapsed. */
export function visibleRows(model: Pick<TraceModel, 'nodes'>, collapsed: ReadonlySet<string>): Node[] {
  const rows: Node[] = [];
  let hiddenBelow = Infinity;
  for (const node of model.nodes) {
    if (node.depth > hiddenBelow) continue;
    hiddenBelow = collapsed.has(node.key) ? node.depth : Infinity;
    rows.push(node);
  }
  return rows;
}

/** Whether a span says the text anywhere: name, service, attributes, events, status; case does not matter. */
export function matches(node: Node, text: string): boolean {
  const wanted = text.toLowerCase();
  const says = (value: unknown): boolean =>
    (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toLowerCase().includes(wanted);
  const inAttributes = (attributes: Record<string, unknown>): boolean =>
    Object.entries(attributes).some(([key, value]) => says(key) || says(value));
  const { span } = node;
  return (
    says(span.name) ||
    says(span.service) ||
    says(span.spanId) ||
    says(span.statusMessage) ||
    inAttributes(span.attributes) ||
    span.events.some((event) => says(event.name) || inAttributes(event.attributes))
  );
}

/** The match that comes after a node, or before it, round the end. @param by 1 or -1. */
export function matchBeside(
  nodes: readonly Node[],
  found: ReadonlySet<Node>,
  from: Node,
  by: 1 | -1,
): Node | undefined {
  const order = by === 1 ? nodes : nodes.toReversed();
  const at = order.indexOf(from);
  return [...order.slice(at + 1), ...order.slice(0, at + 1)].find((node) => found.has(node));
}

/** The node itself or, if it is hidden, the ancestor whose row stands for it. */
export function shownFor(node: Node, collapsed: ReadonlySet<string>): Node {
  let shown = node;
  for (let { parent } = node; parent !== null; { parent } = parent) if (collapsed.has(parent.key)) shown = parent;
  return shown;
}

/** The ancestors that must be open for a node to be seen. */
export function ancestors(node: Node): string[] {
  const keys: string[] = [];
  for (let parent = node.parent; parent !== null; parent = parent.parent) keys.push(parent.key);
  return keys;
}

/** How many spans lie below a node. */
export function descendants(node: Node): number {
  let count = 0;
  const stack = [...node.children];
  for (let below = stack.pop(); below !== undefined; below = stack.pop()) {
    count += 1;
    for (const child of below.children) stack.push(child);
  }
  return count;
}
