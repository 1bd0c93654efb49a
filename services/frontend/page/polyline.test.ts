import { expect, test } from 'vitest';
import { framesOf, lengthOf, progressOn, squareAround, svgPoints } from './polyline.ts';

const corner = [
  { x: 0, y: 0 },
  { x: 30, y: 0 },
  { x: 30, y: 10 },
];

test('a length is the sum of its steps', () => {
  expect(lengthOf(corner)).toBe(40);
  expect(lengthOf([{ x: 5, y: 5 }])).toBe(0);
});

test('half of the way is measured along the way, not by its corners', () => {
  expect(progressOn(corner, 0.5)).toEqual({
    at: { x: 20, y: 0 },
    heading: 0,
    ahead: [
      { x: 20, y: 0 },
      { x: 30, y: 0 },
      { x: 30, y: 10 },
    ],
  });
});

test('after the corner the car looks down the new street', () => {
  expect(progressOn(corner, 0.9)).toEqual({
    at: { x: 30, y: 6 },
    heading: 90,
    ahead: [
      { x: 30, y: 6 },
      { x: 30, y: 10 },
    ],
  });
});

test('returns the ends for a place outside of the way', () => {
  expect(progressOn(corner, -1).at).toEqual({ x: 0, y: 0 });
  expect(progressOn(corner, 2)).toEqual({ at: { x: 30, y: 10 }, heading: 90, ahead: [{ x: 30, y: 10 }] });
});

test('a way of length zero still has a place and a heading', () => {
  const here = { x: 7, y: 7 };
  expect(progressOn([here, here], 0.5)).toEqual({ at: here, heading: 0, ahead: [here] });
});

test('a point given twice does not turn the car', () => {
  const doubled = [
    { x: 0, y: 0 },
    { x: 0, y: 0 },
    { x: 0, y: 10 },
  ];
  expect(progressOn(doubled, 0.5)).toMatchObject({ at: { x: 0, y: 5 }, heading: 90 });
});

test('a square holds the whole way in its middle, and is never too small', () => {
  expect(squareAround(corner, 20)).toEqual({ left: -9, top: -19, side: 48 });
  expect(squareAround([{ x: 10, y: 10 }], 20)).toEqual({ left: 0, top: 0, side: 20 });
});

test('points are written to a tenth', () => {
  expect(svgPoints([{ x: 1.26, y: 2 }])).toBe('1.3,2');
});

test('a drive turns at its corners, and has no step of length zero', () => {
  const [start, bend, end] = corner;
  const points = [start, bend, bend, end].filter((point) => point !== undefined);
  expect(framesOf(points)).toEqual([
    { at: start, heading: 0, offset: 0 },
    { at: bend, heading: 0, offset: 0.75 },
    { at: bend, heading: 90, offset: 0.75 },
    { at: end, heading: 90, offset: 1 },
  ]);
  expect(framesOf([{ x: 5, y: 5 }])).toEqual([{ at: { x: 5, y: 5 }, heading: 0, offset: 0 }]);
});
