import { expect, it } from 'vitest';

import { createAttributeBuilder, createShapes, shapeText } from './attribute-shapes.ts';

it('keeps the first of two values of a key, whatever their types and places', () => {
  const builder = createAttributeBuilder();
  const add = (...keys: string[]) => {
    for (const [index, key] of keys.entries()) builder.add(key, `${key}${index}`, index % 2 === 0 ? '' : 'i');
    const { shape, values, separator } = builder.finish();
    return [shapeText(shape).keys, values.split(separator)];
  };
  expect(add('a', 'b', 'a', 'c')).toEqual([
    ['a', 'b', 'c'],
    ['a0', 'b1', 'c3'],
  ]);
  // A way that was gone already, and one that leaves it.
  expect(add('a', 'b', 'd', 'b', 'd', 'a')).toEqual([
    ['a', 'b', 'd'],
    ['a0', 'b1', 'd2'],
  ]);
  expect(add('a', 'b', 'a', 'c', 'b')).toEqual([
    ['a', 'b', 'c'],
    ['a0', 'b1', 'c3'],
  ]);
});

it('takes about as long for each key of a large set as for each of a small one', () => {
  const shapes = createShapes(true);
  const start = performance.now();
  let shape = shapes.empty();
  for (let key = 0; key < 40_000; key += 1) shape = shapes.extend(shape, `key.${key}`, '');
  expect(shapeText(shape).keys).toHaveLength(40_000);
  // Some 50 ms; going through all keys for each takes more than ten seconds.
  expect(performance.now() - start).toBeLessThan(2_000);
});
