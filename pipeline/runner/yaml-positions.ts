import { isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml';

/** Keys and indices from the root of a document to a value. */
export type Path = readonly (string | number)[];

function pairOf(node: unknown, key: string | number): Pair | null {
  if (!isMap(node)) return null;
  return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key)) ?? null;
}

function childOf(node: unknown, key: string | number): unknown {
  if (isSeq(node)) return typeof key === 'number' ? node.items[key] : undefined;
  return pairOf(node, key)?.value;
}

export function hasPath(root: unknown, path: Path): boolean {
  let node = root;
  for (const key of path) {
    node = childOf(node, key);
    if (node === undefined) return false;
  }
  return true;
}

/** The place of a value, or of its key; if it came by an alias or is missing, that of the nearest thing around it. */
export function offsetOf(root: Node | null, path: Path, ofKey: boolean): number {
  let node: unknown = root;
  let offset = startOf(root) ?? 0;
  for (const [index, key] of path.entries()) {
    const pair = pairOf(node, key);
    const last = index === path.length - 1;
    const found = last && ofKey && pair ? pair.key : childOf(node, key);
    const start = startOf(found) ?? (pair ? startOf(pair.key) : undefined);
    if (start === undefined || isAlias(found)) return start ?? offset;
    offset = start;
    node = found;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  if (isPair(node)) return startOf(node.key);
  return isNode(node) ? node.range?.[0] : undefined;
}
