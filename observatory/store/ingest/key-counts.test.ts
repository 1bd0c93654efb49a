import { expect, it } from 'vitest';

import { createShapes, type Shape } from '../../records/attribute-shapes.ts';
import { createKeyCounts } from './key-counts.ts';

const pause = async (): Promise<void> => undefined;
const shapes = createShapes(true);

function shapeOf(keys: Iterable<string>): Shape {
  let shape = shapes.empty();
  for (const key of keys) shape = shapes.extend(shape, key, '');
  return shape;
}
const keys = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => prefix + index);

it('counts hundreds of thousands of keys of one flush without an overflow of the stack', async () => {
  const counts = createKeyCounts([], { mostKeys: 1_000_000, mostNewKeys: 1_000_000 });
  counts.count('span', shapeOf(keys('a', 200_000)), 3);
  const taken = await counts.take(pause);
  expect(taken).toHaveLength(200_000);
  expect(taken[0]).toMatchObject({ place: 'span', strings: 3 });
  expect(await counts.take(pause)).toEqual([]);
});

it('limits new keys per flush and in total, and counts known keys for good', async () => {
  const counts = createKeyCounts(['known'], { mostKeys: 6, mostNewKeys: 3 });
  const flush = async (): Promise<number> => {
    counts.count('span', shapeOf(['known', ...keys('b', 100)]), 1);
    const taken = await counts.take(pause);
    expect(taken.map(({ key }) => key)).toContain('known');
    return taken.length;
  };
  expect([await flush(), await flush(), await flush()]).toEqual([4, 6, 6]);
});

it('starts again after a load was given up', async () => {
  const counts = createKeyCounts([]);
  counts.count('span', shapeOf(keys('c', 30_000)), 1);
  await expect(counts.take(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  counts.count('log', shapeOf(['later']), 1);
  expect(await counts.take(pause)).toMatchObject([{ key: 'later', place: 'log' }]);
});
