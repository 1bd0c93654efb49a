/**
 * A service map in layers from left to right: callers before those they call. A call across several layers has a lane
 * of its own through those between, so that no line runs under a service. Its label stands in the empty gap between two
 * layers. Pure.
 */
import type { ServiceMap } from '../../contract/contract.ts';

export type MapEdge = ServiceMap['edges'][number];

export interface PlacedNode {
  node: ServiceMap['nodes'][number];
  /** Centre, in units of the drawing. */
  x: number;
  y: number;
}
export interface PlacedEdge {
  edge: MapEdge;
  /** It runs against the direction of the layers, or to itself. */
  back: boolean;
  /** An SVG path from the caller to the called. */
  path: string;
  /** Centre of the label; null if there is no room for one. */
  label: { x: number; y: number } | null;
}
export interface MapLayout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}

export const nodeWidth = 176;
export const nodeHeight = 72;
export const labelWidth = 124;
const gapX = 196;
const gapY = 40;
const laneHeight = 16;
const margin = 12;

/** What takes a place in a layer: a service, or the lane of a call that passes. */
interface Item {
  /** The service's name; null for a lane. */
  name: string | null;
  layer: number;
  y: number;
  left: Item[];
  right: Item[];
}
interface Point {
  x: number;
  y: number;
}

export function layoutMap(map: ServiceMap): MapLayout {
  const names = map.nodes.map((node) => node.service);
  const edges = map.edges.filter((edge) => names.includes(edge.from) && names.includes(edge.to));
  const back = backEdges(names, edges);
  const forward = (edge: MapEdge): [string, string] => (back.has(edge) ? [edge.to, edge.from] : [edge.from, edge.to]);
  const between = edges.filter((edge) => edge.from !== edge.to);
  const layerOf = longestPaths(names, between.map(forward));
  const items = new Map(names.map((name) => [name, createItem(name, layerOf.get(name) ?? 0)]));
  const chains = new Map(between.map((edge) => [edge, chainOf(items, ...forward(edge))]));
  const layers = order([...items.values()], [...chains.values()]);
  const heights = layers.map((layer) =>
    layer.reduce((sum, item, row) => sum + gapBetween(layer[row - 1], item) + heightOf(item), 0),
  );
  const height = Math.max(nodeHeight, ...heights) + 2 * margin;
  layers.forEach((layer, column) => {
    let y = (height - (heights[column] ?? 0)) / 2;
    layer.forEach((item, row) => {
      y += gapBetween(layer[row - 1], item);
      item.y = y + heightOf(item) / 2;
      y += heightOf(item);
    });
  });
  const nodes = map.nodes.flatMap((node) => {
    const item = items.get(node.service);
    return item === undefined ? [] : [{ node, x: centre(item.layer), y: item.y }];
  });
  const drawn = new Map<string, number>();
  const lines = new Map(
    [...chains].map(([edge, chain]) => {
      const pair = forward(edge).join(' ');
      const before = drawn.get(pair) ?? 0;
      drawn.set(pair, before + 1);
      return [edge, gapsOf(chain, before)];
    }),
  );
  const labels = placeLabels(lines, nodes);
  return {
    nodes,
    edges: edges.map((edge) => ({
      edge,
      back: back.has(edge),
      path: lines.has(edge) ? pathOf(lines.get(edge) ?? [], back.has(edge)) : loopOf(items.get(edge.from)),
      label: labels.get(edge) ?? null,
    })),
    width: margin * 2 + layers.length * nodeWidth + Math.max(0, layers.length - 1) * gapX,
    height,
  };
}

function createItem(name: string | null, layer: number): Item {
  return { name, layer, y: 0, left: [], right: [] };
}

const heightOf = ({ name }: Item): number => (name === null ? laneHeight : nodeHeight);
/** Lanes lie close to each other. */
function gapBetween(above: Item | undefined, item: Item): number {
  if (above === undefined) return 0;
  return above.name === null && item.name === null ? gapY / 4 : gapY;
}
const centre = (layer: number): number => margin + nodeWidth / 2 + layer * (nodeWidth + gapX);

/** The items that a call passes, from left to right, and each the neighbour of the next. */
function chainOf(items: ReadonlyMap<string, Item>, from: string, to: string): Item[] {
  const [first, last] = [items.get(from), items.get(to)];
  if (first === undefined || last === undefined) return [];
  const chain = [first];
  for (let layer = first.layer + 1; layer < last.layer; layer += 1) chain.push(createItem(null, layer));
  chain.push(last);
  chain.forEach((item, index) => {
    const next = chain[index + 1];
    if (next === undefined) return;
    item.right.push(next);
    next.left.push(item);
  });
  return chain;
}

/**
 * Places each item of a layer at the mean place of its neighbours, in passes back and forth, so that few lines cross.
 */
function order(services: readonly Item[], chains: readonly Item[][]): Item[][] {
  const layers: Item[][] = [];
  for (const item of new Set([...services, ...chains.flat()])) (layers[item.layer] ??= []).push(item);
  const place = new Map<Item, number>();
  const settle = (layer: Item[], side: 'left' | 'right'): void => {
    const weight = (item: Item): number => {
      const beside = item[side];
      if (beside.length === 0) return place.get(item) ?? 0.5;
      return beside.reduce((sum, each) => sum + (place.get(each) ?? 0.5), 0) / beside.length;
    };
    const weights = new Map(layer.map((item) => [item, weight(item)]));
    layer.sort((a, b) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0) || (a.name ?? '').localeCompare(b.name ?? ''));
    layer.forEach((item, row) => place.set(item, (row + 0.5) / layer.length));
  };
  for (let round = 0; round < 4; round += 1) {
    for (const layer of layers) settle(layer, 'left');
    for (const layer of layers.toReversed()) settle(layer, 'right');
  }
  for (const layer of layers) settle(layer, 'left');
  return layers;
}

/** Where a line leaves one layer and reaches the next, gap by gap. `before`: how many lines join the same two services already. */
function gapsOf(chain: readonly Item[], before: number): [Point, Point][] {
  return chain.slice(1).map((item, index) => {
    const from = chain[index] ?? item;
    return [
      { x: centre(from.layer) + nodeWidth / 2, y: portOf(from, 'right', item, before) },
      { x: centre(item.layer) - nodeWidth / 2, y: portOf(item, 'left', from, before) },
    ];
  });
}

/** The lines of one service leave its side at different heights, in the order of their other ends. */
function portOf(item: Item, side: 'left' | 'right', neighbour: Item, before: number): number {
  if (item.name === null) return item.y;
  // Two lines can have both ends in common only between adjacent layers. Elsewhere each line has a lane of its own.
  const nth = neighbour.name === null ? 0 : before;
  const all = item[side].toSorted((a, b) => a.y - b.y);
  const pitch = Math.min(16, (nodeHeight - 16) / all.length);
  return item.y + (all.indexOf(neighbour) + nth - (all.length - 1) / 2) * pitch;
}

/** Curves through the gaps, straight across the layers between. */
function pathOf(gaps: readonly [Point, Point][], back: boolean): string {
  const steps = back ? gaps.toReversed().map(([from, to]) => [to, from] as const) : gaps;
  return steps
    .map(([from, to], index) => {
      const middle = (from.x + to.x) / 2;
      return `${index === 0 ? 'M' : 'L'}${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
    })
    .join('');
}

/** The line of a service that calls itself: a loop over its corner. */
function loopOf(item: Item | undefined): string {
  if (item === undefined) return '';
  const [x, y] = [centre(item.layer) + nodeWidth / 2, item.y - nodeHeight / 2];
  return `M${x - 28} ${y}C${x - 28} ${y - 22} ${x + 22} ${y - 22} ${x} ${y + 14}`;
}

function pointAt([from, to]: readonly [Point, Point], t: number): Point {
  const [curve, s] = [3 * t * (1 - t), 1 - t];
  const middle = (from.x + to.x) / 2;
  return {
    x: from.x * s ** 3 + middle * curve + to.x * t ** 3,
    y: from.y * (s ** 3 + curve * s) + to.y * (curve * t + t ** 3),
  };
}

const along = [0.5, 0.4, 0.6, 0.3, 0.7];

/**
 * Places each label so that it hides no service, no other label, and as few lines as possible; the busiest calls first.
 */
function placeLabels(lines: ReadonlyMap<MapEdge, [Point, Point][]>, nodes: readonly PlacedNode[]): Map<MapEdge, Point> {
  const labels = new Map<MapEdge, Point>();
  const boxes = nodes.map(({ x, y }) => ({ x, y, width: nodeWidth, height: nodeHeight }));
  const passing = [...lines].flatMap(([edge, gaps]) =>
    gaps.flatMap((gap) => Array.from({ length: 21 }, (_, index) => ({ edge, ...pointAt(gap, index / 20) }))),
  );
  for (const [edge, gaps] of [...lines].toSorted(([a], [b]) => b.calls - a.calls)) {
    const size = { width: labelWidth, height: edge.errorRate > 0 ? 32 : 18 };
    const isFree = (at: Point): boolean =>
      boxes.every(
        (box) =>
          Math.abs(box.x - at.x) >= (box.width + size.width) / 2 ||
          Math.abs(box.y - at.y) >= (box.height + size.height) / 2,
      );
    const hidden = (at: Point): number =>
      passing.filter(
        (point) =>
          point.edge !== edge &&
          Math.abs(point.x - at.x) < size.width / 2 &&
          Math.abs(point.y - at.y) < size.height / 2,
      ).length;
    const [best] = gaps
      .flatMap((gap) => along.map((t) => pointAt(gap, t)))
      .filter(isFree)
      .map((at) => ({ at, cost: hidden(at) }))
      .toSorted((a, b) => a.cost - b.cost);
    if (best === undefined) continue;
    labels.set(edge, best.at);
    boxes.push({ ...best.at, ...size });
  }
  return labels;
}

/** The calls that close a ring: without them every service has a layer. The busiest calls are kept. */
function backEdges(names: readonly string[], edges: readonly MapEdge[]): Set<MapEdge> {
  const back = new Set<MapEdge>();
  const kept = new Map<string, string[]>(names.map((name) => [name, []]));
  const reaches = (from: string, to: string): boolean => {
    const seen = new Set<string>();
    const stack = [from];
    for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
      if (name === to) return true;
      if (seen.has(name)) continue;
      seen.add(name);
      stack.push(...(kept.get(name) ?? []));
    }
    return false;
  };
  for (const edge of edges.toSorted((a, b) => b.calls - a.calls)) {
    if (reaches(edge.to, edge.from)) back.add(edge);
    else kept.get(edge.from)?.push(edge.to);
  }
  return back;
}

function longestPaths(names: readonly string[], calls: readonly [string, string][]): Map<string, number> {
  const layers = new Map<string, number>(names.map((name) => [name, 0]));
  for (let round = 0; round < names.length; round += 1) {
    for (const [from, to] of calls) layers.set(to, Math.max(layers.get(to) ?? 0, (layers.get(from) ?? 0) + 1));
  }
  return layers;
}
