import { expect, test } from 'vitest';
import type { ServiceMap } from '../../api/contract.ts';
import { layoutMap } from './layout.ts';

function map(names: string[], calls: [from: string, to: string, calls?: number][]): ServiceMap {
  return {
    nodes: names.map((service) => ({ service, spans: 1, errorRate: 0, p95Ms: 1, ratePerSecond: 1, kind: 'service' })),
    edges: calls.map(([from, to, count = 1]) => ({
      from,
      to,
      calls: count,
      ratePerSecond: 1,
      errorRate: 0,
      p50Ms: 1,
      p95Ms: 1,
    })),
  };
}

test('callers stand left of those they call, and nothing overlaps', () => {
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

test('rings and calls to oneself are drawn backwards, the busier way forwards', () => {
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

test('a map of nothing, and calls of services it does not know, do no harm', () => {
  expect(layoutMap(map([], []))).toMatchObject({ nodes: [], edges: [] });
  expect(layoutMap(map(['a'], [['a', 'gone']])).edges).toEqual([]);
});
