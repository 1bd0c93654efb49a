import { describe, expect, test } from 'vitest';
import { attributeName, conditionOf } from './conditions.ts';
import {
  both,
  boxAsFilter,
  breakdownPath,
  comparePath,
  exemplarPath,
  heatmapPath,
  tracesPath,
  zoomedInto,
} from './api-paths.ts';
import { defaultState, type Box } from './url-state.ts';

const range = { fromMs: 1_000_000, toMs: 1_600_000, stepMs: 3000, live: true };
const box: Box = { fromMs: 1_200_000, toMs: 1_300_000, minMs: 1554.597_530_04, maxMs: null };
const asked = (path: string): Record<string, string> => ({
  path: path.split('?')[0] ?? '',
  ...Object.fromEntries(new URL(path, 'http://localhost').searchParams),
});

describe('a question', () => {
  test('for the heatmap asks for as many columns as the range has', () => {
    expect(asked(heatmapPath(defaultState, range, 44, 'error = true'))).toEqual({
      path: '/api/heatmap',
      from: '1000000',
      to: '1600000',
      scope: 'roots',
      columns: '200',
      rows: '44',
      scale: 'log',
      highlight: 'error = true',
    });
  });

  test('for a comparison gives durations to the nanosecond and no further, and no bound where there is none', () => {
    expect(asked(comparePath(defaultState, range, box))).toEqual({
      path: '/api/compare',
      from: '1000000',
      to: '1600000',
      scope: 'roots',
      boxFrom: '1200000',
      boxTo: '1300000',
      minMs: '1554.59753',
    });
  });

  test('for a comparison reaches over a box that the live range has left behind', () => {
    const later = { ...range, fromMs: 1_250_000, toMs: 1_850_000 };
    expect(asked(comparePath(defaultState, later, box))).toMatchObject({ from: '1200000', to: '1850000' });
  });

  test('for groups repeats the key', () => {
    const path = breakdownPath({ ...defaultState, by: ['a', 'b'] }, range, 10, 30);
    expect(new URL(path, 'http://localhost').searchParams.getAll('by')).toEqual(['a', 'b']);
    expect(asked(path)).toMatchObject({ series: '10', measure: 'p50', points: '30' });
  });

  test('for groups is about all spans, unless the selection is asked for and there is one', () => {
    const state = { ...defaultState, by: ['a'], filter: 'error = true', box };
    expect(asked(breakdownPath(state, range, 0, 0))).toMatchObject({ from: '1000000', filter: 'error = true' });
    expect(asked(breakdownPath({ ...state, groupsOf: 'selection' }, range, 0, 0))).toMatchObject({
      from: '1200000',
      to: '1300000',
      filter: 'error = true and duration >= 1.5546s',
    });
    expect(asked(breakdownPath({ ...state, groupsOf: 'selection', box: null }, range, 0, 0))).toMatchObject({
      from: '1000000',
      filter: 'error = true',
    });
  });

  test('for traces turns the box into time and a condition', () => {
    const state = { ...defaultState, filter: 'error = true' };
    expect(asked(tracesPath(state, range, { ...box, maxMs: 2400 }))).toMatchObject({
      from: '1200000',
      to: '1300000',
      filter: 'error = true and duration >= 1.5546s and duration < 2.4s',
    });
    expect(asked(tracesPath(state, range, null))).toMatchObject({ from: '1000000', filter: 'error = true' });
  });

  test('for an exemplar adds a condition in the way that the filter needs', () => {
    const state = { ...defaultState, filter: 'a = "1" or b = "2"' };
    expect(asked(exemplarPath(state, range, box, 'c = "3"'))).toMatchObject({
      filter: '(a = "1" or b = "2") and c = "3"',
      minMs: '1554.59753',
    });
  });
});

test('a filter that cannot be read is left for the API to refuse', () => {
  expect(both('a = = b', 'c = "3"')).toBe('a = = b');
  expect(both('', 'c = "3"')).toBe('c = "3"');
});

test('a condition tells fields of the span from attributes of the same name', () => {
  expect(conditionOf('service', 'driver')).toBe('service = "driver"');
  expect(conditionOf(attributeName('scope'), 'oauth')).toBe('"scope" = "oauth"');
  expect(conditionOf('"service"', 'driver')).toBe('"service" = "driver"');
  expect(conditionOf('hotrod.customer.name', `Rachel's "best"`)).toBe(`hotrod.customer.name = "Rachel's \\"best\\""`);
  expect(conditionOf('db.query.text', null)).toBe('db.query.text !exists');
});

test('a box becomes a filter of its durations, and with its time the whole picture', () => {
  const drawn = { fromMs: 1000, toMs: 9000, minMs: 2000, maxMs: null };
  const now = { filter: 'service = "frontend"' };
  const filter = 'service = "frontend" and duration >= 2s';
  expect(boxAsFilter(now, drawn)).toEqual({ filter, box: null });
  expect(zoomedInto(now, drawn)).toEqual({ filter, box: null, from: 1000, to: 9000 });
  expect(zoomedInto(now, { ...drawn, minMs: null, fromMs: null, toMs: null })).toEqual({
    filter: now.filter,
    box: null,
  });
});
