/** A service map in layers from left to right: callers before those they call. Pure. */
import type { ServiceMap } from '../../api/contract.ts';

export type MapEdge = ServiceMap['edges'][number];

export interface PlacedNode {
  node: ServiceMap['nodes'][number];
  /** Centre, in units of the drawing. */
  x: number;
  y: number;
}
export interface PlacedEdge {
  edge: MapEdge;
  from: PlacedNode;
  to: PlacedNode;
  /** It runs against the direction of the layers, or to itself: drawn as an arc. */
  back: boolean;
}
export interface MapLayout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}

export const nodeWidth = 176;
export const nodeHeight = 72;
const gapX = 190;
const gapY = 44;
const margin = 12;

export function layoutMap(map: ServiceMap): MapLayout {
  const names = map.nodes.map((node) => node.service);
  const edges = map.edges.filter((edge) => names.includes(edge.from) && names.includes(edge.to));
  const back = backEdges(names, edges);
  const layerOf = longestPaths(
    names,
    edges.filter((edge) => !back.has(edge)),
  );
  const layers = order(names, layerOf, edges);
  const tallest = Math.max(1, ...layers.map((layer) => layer.length));
  const height = tallest * nodeHeight + (tallest - 1) * gapY + 2 * margin;
  const placed = new Map<string, PlacedNode>();
  layers.forEach((layer, column) => {
    const used = layer.length * nodeHeight + (layer.length - 1) * gapY;
    layer.forEach((name, row) => {
      const node = map.nodes.find((candidate) => candidate.service === name);
      if (node === undefined) return;
      const x = margin + nodeWidth / 2 + column * (nodeWidth + gapX);
      const y = (height - used) / 2 + nodeHeight / 2 + row * (nodeHeight + gapY);
      placed.set(name, { node, x, y });
    });
  });
  return {
    nodes: [...placed.values()],
    edges: edges.flatMap((edge) => {
      const from = placed.get(edge.from);
      const to = placed.get(edge.to);
      return from === undefined || to === undefined ? [] : [{ edge, from, to, back: back.has(edge) }];
    }),
    width: margin * 2 + layers.length * nodeWidth + Math.max(0, layers.length - 1) * gapX,
    height,
  };
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

function longestPaths(names: readonly string[], edges: readonly MapEdge[]): Map<string, number> {
  const layers = new Map<string, number>(names.map((name) => [name, 0]));
  for (let round = 0; round < names.length; round += 1) {
    for (const { from, to } of edges) layers.set(to, Math.max(layers.get(to) ?? 0, (layers.get(from) ?? 0) + 1));
  }
  return layers;
}

/** Within a layer, each service at the mean place of its callers, so that few lines cross. */
function order(names: readonly string[], layerOf: Map<string, number>, edges: readonly MapEdge[]): string[][] {
  const layers: string[][] = [];
  const place = new Map<string, number>();
  const last = Math.max(-1, ...layerOf.values());
  for (let column = 0; column <= last; column += 1) {
    const here = names.filter((name) => layerOf.get(name) === column);
    const weight = (name: string): number => {
      const callers = edges.filter((edge) => edge.to === name && place.has(edge.from));
      return callers.length === 0
        ? 0.5
        : callers.reduce((sum, edge) => sum + (place.get(edge.from) ?? 0), 0) / callers.length;
    };
    const sorted = here.toSorted((a, b) => weight(a) - weight(b) || a.localeCompare(b));
    sorted.forEach((name, row) => place.set(name, (row + 0.5) / sorted.length));
    layers.push(sorted);
  }
  return layers;
}
