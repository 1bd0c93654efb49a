import { expect, test } from 'vitest';
import type { ServiceMap } from '../../contract/contract.ts';
import { labelWidth, layoutMap, nodeHeight, nodeWidth } from './layout.ts';

function map(names: string[], calls: [from: string, to: string, calls?: number][]): ServiceMap {
  return {
    nodes: names.map((service) => ({ service, spans: 1, errorRate: 0, p95Ms: 1, ratePerSecond: 1, kind: 'service' })),
    edges: calls.map(([from, to, count = 1]) => ({
      from,
      to,
      kind: 'call',
      calls: count,
      ratePerSecond: 1,
      errorRate: 0,
      p50Ms: 1,
      p95Ms: 1,
    })),
  };
}

test('places callers left of what they call, without overlaps', () => {
  const { nodes, width, height } = layoutMap(
    map(
      ['postgres', 'frontend', 'customer', 'driver', 'route'],
      [
        ['frontend', 'customer'],
        ['frontend', 'driver'],
        ['frontend', 'route'],
        ['customer', 'postgres'],
        ['driver', 'postgres'],
      ],
    ),
  );
  const x = Object.fromEntries(nodes.map(({ node, x: at }) => [node.service, at]));
  expect(x['frontend']).toBeLessThan(x['customer'] ?? 0);
  expect(x['customer']).toBe(x['driver']);
  expect(x['driver']).toBeLessThan(x['postgres'] ?? 0);
  expect(new Set(nodes.map((node) => `${node.x} ${node.y}`)).size).toBe(5);
  expect(nodes.every((node) => node.x < width && node.y < height)).toBe(true);
});

test('draws loops and calls to the same service backwards, the busier direction forwards', () => {
  const { nodes, edges } = layoutMap(
    map(
      ['a', 'b'],
      [
        ['b', 'a', 2],
        ['a', 'b', 100],
        ['a', 'a', 5],
      ],
    ),
  );
  expect(nodes).toHaveLength(2);
  expect(edges.map(({ edge, back }) => [edge.from, edge.to, back])).toEqual([
    ['b', 'a', true],
    ['a', 'b', false],
    ['a', 'a', true],
  ]);
});

test('draws an empty map, and leaves out calls of unknown services', () => {
  expect(layoutMap(map([], []))).toMatchObject({ nodes: [], edges: [] });
  expect(layoutMap(map(['a'], [['a', 'gone']])).edges).toEqual([]);
});

test('hides no service or label by a label, and runs no line under one, when all services call each other', () => {
  const names = Array.from({ length: 9 }, (_, index) => `service-${index}`);
  const calls = names.flatMap((from, index) =>
    [1, 2, 4].map((step): [string, string, number] => [from, names[(index + step) % 9] ?? '', 100 - 10 * step - index]),
  );
  const { nodes, edges } = layoutMap(map(names, calls));
  const labels = edges.flatMap(({ label }) => (label === null ? [] : [label]));
  expect(labels.length).toBeGreaterThan(9);
  const boxes = [
    ...nodes.map(({ x, y }) => ({ x, y, width: nodeWidth, height: nodeHeight })),
    ...labels.map(({ x, y }) => ({ x, y, width: labelWidth, height: 18 })),
  ];
  for (const [index, a] of boxes.entries()) {
    for (const b of boxes.slice(index + 1)) {
      const apart = Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || Math.abs(a.y - b.y) >= (a.height + b.height) / 2;
      expect(apart).toBe(true);
    }
  }
  // Across a layer a line is straight: it must lie beside every service there.
  for (const { path } of edges) {
    for (const [, x, y] of path.matchAll(/L([\d.]+) ([\d.]+)/g)) {
      const under = nodes.filter(
        (node) => Math.abs(node.x - Number(x)) <= nodeWidth / 2 && Math.abs(node.y - Number(y)) < nodeHeight / 2,
      );
      expect(under).toEqual([]);
    }
  }
});

test('draws two lines between the same services beside each other', () => {
  const { edges } = layoutMap(
    map(
      ['a', 'b'],
      [
        ['a', 'b', 3],
        ['a', 'b', 2],
        ['b', 'a', 1],
      ],
    ),
  );
  const starts = edges.map(({ path, back }) => (back ? /[\d.]+ [\d.]+$/ : /^M[\d.]+ [\d.]+/).exec(path)?.[0]);
  expect(new Set(starts.map((at) => at?.replace('M', ''))).size).toBe(3);
});

test('spreads the lines of one service along its side', () => {
  const { edges } = layoutMap(
    map(
      ['a', 'b', 'c', 'd'],
      [
        ['a', 'b'],
        ['a', 'c'],
        ['b', 'd'],
        ['c', 'd'],
      ],
    ),
  );
  const ends = edges.map(({ path }) => /[\d.]+ [\d.]+$/.exec(path)?.[0]);
  expect(new Set(ends).size).toBe(4);
});
