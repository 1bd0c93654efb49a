import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Marker } from '../../contract/contract.ts';
import { durationTicks } from './axis.ts';
import { ceilingOf, contrast, intensity, parseColour, ramp } from './colour.ts';
import {
  beyondOf,
  boxOfCells,
  carriedOver,
  cellAt,
  cellsBetween,
  rectangleOfBox,
  xOfTime,
  yOfDuration,
  type Grid,
} from './geometry.ts';
import { labelPlace, markerColour, placeMarkers, safeLink } from './marker-layout.ts';

/** 10 columns of 3 s; 4 rows: 100 ms to 10 s in factors of √10. */
const grid: Grid = {
  from: 60_000,
  stepMs: 3000,
  columns: 10,
  scale: 'log',
  edgesMs: [100, 316.227766, 1000, 3162.27766, 10_000],
};
const size = { width: 200, height: 80 };

describe('the plot', () => {
  test('has time to the right and long durations on top', () => {
    expect(xOfTime(grid, size, 75_000)).toBe(100);
    expect(yOfDuration(grid, size, 1000)).toBeCloseTo(40);
    expect(yOfDuration(grid, size, 10 ** 2.75)).toBeCloseTo(50);
    expect(yOfDuration(grid, size, 50)).toBe(80);
    expect(yOfDuration(grid, size, 99_999)).toBe(0);
  });

  test('gives every point to a cell, those outside to the nearest', () => {
    expect(cellAt(grid, size, 0, 79.9)).toEqual({ column: 0, row: 0 });
    expect(cellAt(grid, size, 199, 0)).toEqual({ column: 9, row: 3 });
    expect(cellAt(grid, size, -30, 500)).toEqual({ column: 0, row: 0 });
    expect(cellAt(grid, size, 999, -1)).toEqual({ column: 9, row: 3 });
    expect(cellAt({ ...grid, edgesMs: [] }, size, 1, 1)).toBeNull();
  });

  test('gives the same box whichever corner the drag began at', () => {
    const a = { column: 2, row: 1 };
    const b = { column: 4, row: 2 };
    expect(cellsBetween(a, b)).toEqual(cellsBetween(b, a));
    const box = boxOfCells(grid, cellsBetween(a, b));
    expect(box).toEqual({ fromMs: 66_000, toMs: 75_000, minMs: 316.227766, maxMs: 3162.27766 });
    expect(rectangleOfBox(grid, size, box)).toEqual({ left: 40, top: 20, width: 60, height: 40 });
  });

  test('has no bound beyond its first and last row', () => {
    const box = boxOfCells(grid, { column0: 0, column1: 9, row0: 0, row1: 3 });
    expect(box).toMatchObject({ minMs: null, maxMs: null });
    expect(rectangleOfBox(grid, size, box)).toEqual({ left: 0, top: 0, width: 200, height: 80 });
  });

  test('finds a cell again once columns, rows or the range are others', () => {
    const cell = { column: 4, row: 2 };
    expect(carriedOver(cell, grid, grid)).toEqual(cell);
    expect(carriedOver(cell, grid, { ...grid, stepMs: 1000, columns: 30 })).toEqual({ column: 13, row: 2 });
    expect(carriedOver(cell, grid, { ...grid, from: 66_000, edgesMs: [1000, 10_000] })).toEqual({ column: 2, row: 0 });
    expect(carriedOver(cell, grid, { ...grid, from: 90_000 })).toEqual({ column: 0, row: 2 });
  });

  test('clips a box at its edges, and finds none that has scrolled away', () => {
    const box = { fromMs: 30_000, toMs: 66_000, minMs: null, maxMs: null };
    expect(rectangleOfBox(grid, size, box)).toMatchObject({ left: 0, width: 40 });
    expect(rectangleOfBox(grid, size, { ...box, toMs: 60_000 })).toBeNull();
  });
});

test('ticks of durations are round, ordered and apart', () => {
  for (const scale of ['log', 'linear'] as const) {
    const ticks = durationTicks({ ...grid, scale }, { width: 200, height: 300 });
    expect(ticks.length).toBeGreaterThan(2);
    ticks.slice(1).forEach((tick, index) => expect((ticks[index]?.y ?? 0) - tick.y).toBeGreaterThanOrEqual(22));
  }
  expect(durationTicks(grid, { width: 200, height: 160 }).map(({ label }) => label)).toContain('1 s');
  expect(durationTicks({ ...grid, edgesMs: [5, 5] }, size)).toEqual([]);
});

test('a log axis that some spans went far beyond says so on top, too', () => {
  const log: Grid = { ...grid, scale: 'log', edgesMs: [500, 889, 1581, 2812, 5000, 8891] };
  expect(beyondOf(log)).toBeNull();
  const capped: Grid = { ...log, edgesMs: [500, 889, 1581, 2812, 5000, 200_000] };
  expect(beyondOf(capped)).toBe(5000);
  const ticks = durationTicks(capped, { width: 200, height: 300 });
  expect(ticks.at(-1)?.label).toBe('≥ 5 s');
});

test('a linear axis that some spans went beyond says so on top', () => {
  const linear: Grid = { ...grid, scale: 'linear', edgesMs: [0, 1000, 2000, 3000, 4000, 5000] };
  const labels = (edgesMs: number[]): (string | undefined)[] =>
    durationTicks({ ...linear, edgesMs }, { width: 200, height: 300 }).map(({ label }) => label);
  expect(beyondOf(linear)).toBeNull();
  expect(labels(linear.edgesMs)).toEqual([
    '0 ms',
    '500 ms',
    '1 s',
    '1.5 s',
    '2 s',
    '2.5 s',
    '3 s',
    '3.5 s',
    '4 s',
    '4.5 s',
    '5 s',
  ]);
  const capped = [...linear.edgesMs, 20_000];
  expect(beyondOf({ ...linear, edgesMs: capped })).toBe(5000);
  expect(labels(capped).slice(-2)).toEqual(['4.5 s', '≥ 5 s']);
  // What lies beyond is still in a box that is drawn up to the top.
  const top = { ...linear, edgesMs: capped };
  expect(boxOfCells(top, { column0: 0, column1: 9, row0: 5, row1: 5 })).toMatchObject({ minMs: 5000, maxMs: null });
  expect(beyondOf(grid)).toBeNull();
});

test('ticks of minutes and more are round, and short enough to be shown whole', () => {
  for (const scale of ['log', 'linear'] as const) {
    for (const high of [100_000, 200_000, 500_000, 2_000_000, 20_000_000, 500_000_000]) {
      const edgesMs = Array.from({ length: 45 }, (_, row) =>
        scale === 'log' ? 500 * (high / 500) ** (row / 44) : (high * row) / 44,
      );
      const labels = durationTicks({ ...grid, scale, edgesMs }, { width: 200, height: 300 }).map(({ label }) => label);
      expect(labels.length).toBeGreaterThan(3);
      // The room beside the axis holds eight letters.
      for (const label of labels) expect(label).toMatch(/^[\d.]{1,4} (ms|s|min|h|d)$/);
    }
  }
});

describe('colour', () => {
  test('reaches its darkest at the 95th percentile, so that one crowded cell does not wash out the rest', () => {
    expect(ceilingOf([...Array.from({ length: 99 }, () => 9), 1000])).toBe(9);
    expect(ceilingOf([1, 1, 2])).toBe(4);
    expect(ceilingOf([])).toBe(4);
  });

  test('goes by the square root of the count', () => {
    expect(intensity(0, 100)).toBe(0);
    expect(intensity(1, 100)).toBe(0);
    expect(intensity(25, 81)).toBeCloseTo(0.5);
    expect(intensity(500, 100)).toBe(1);
  });

  test('runs from the first stop to the last', () => {
    const colours = ramp([parseColour('#000000'), parseColour('#ffffff'), parseColour('#ff0000')], 5);
    expect(colours[0]).toBe('rgb(0 0 0)');
    expect(colours[2]).toBe('rgb(255 255 255)');
    expect(colours[4]).toBe('rgb(255 0 0)');
  });
});

describe('markers', () => {
  const marker = (id: string, startMs: number, endMs: number | null): Marker => ({
    id,
    dataset: '__all__',
    startMs,
    endMs,
    message: id,
    type: 'deploy',
    url: null,
    color: '',
  });

  test('are a line while open and a window once closed', () => {
    const placed = placeMarkers([marker('open', 80_000, null), marker('closed', 65_000, 70_000)], 60_000, 90_000, 300);
    expect(placed).toEqual([
      { left: 50, room: 126, markers: [expect.objectContaining({ left: 50, width: 50 })] },
      // At the right edge the label moves to the left of its line rather than out of the plot.
      { left: 180, room: 120, markers: [expect.objectContaining({ left: 200, width: 0 })] },
    ]);
  });

  test('that began before the range still show their window; those outside do not', () => {
    const placed = placeMarkers([marker('a', 10_000, 66_000), marker('b', 10_000, 20_000)], 60_000, 90_000, 300);
    expect(placed).toMatchObject([{ left: 0, markers: [{ left: 0, width: 60 }] }]);
  });

  test('all stay in reach, however close together: by a label each, or by one that they share', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 130, max: 1400 }),
        (starts, width) => {
          const markers = starts.map((start, index) => marker(String(index), start, null));
          const groups = placeMarkers(markers, 0, 90_000, width);
          const shown = groups.flatMap((group) => group.markers.map((placed) => placed.marker.id));
          expect(new Set(shown)).toEqual(
            new Set(markers.filter(({ startMs }) => startMs < 90_000).map(({ id }) => id)),
          );
          groups.forEach((group, index) => {
            expect(group.room).toBeGreaterThanOrEqual(71.999);
            expect(group.left).toBeGreaterThanOrEqual(0);
            expect(group.left + group.room).toBeLessThanOrEqual((groups[index + 1]?.left ?? width) + 0.001);
          });
        },
      ),
    );
  });

  test('have their label at their line, moved left only as far as it does not fit', () => {
    const [group] = placeMarkers([marker('v2', 88_000, null)], 60_000, 90_000, 300);
    expect(group && labelPlace(group, 300)).toEqual({
      left: '280px',
      transform: 'translateX(min(0px, 20px - 100%))',
    });
  });

  test('have their own colour, as far as it can be seen', () => {
    const [white, black] = [parseColour('#ffffff'), parseColour('#16191d')];
    expect(markerColour('#0072B2', white, black)).toBe('rgb(0 114 178)');
    const yellow = markerColour('#f0e442', white, black) ?? '';
    expect(yellow).not.toBe('rgb(240 228 66)');
    const parts = yellow.match(/\d+/g)?.map(Number) ?? [];
    expect(contrast([parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0], white)).toBeGreaterThanOrEqual(3);
    for (const none of ['', 'red', '#12', 'url(x)', '#0072B2;background:red']) {
      expect(markerColour(none, white, black)).toBeNull();
    }
  });

  test('are followed to the web alone', () => {
    expect(safeLink('https://ci.example/build/12')).toBe('https://ci.example/build/12');
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'not an address', '', null]) {
      expect(safeLink(url)).toBeNull();
    }
  });
});
