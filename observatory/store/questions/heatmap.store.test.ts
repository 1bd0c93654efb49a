import { afterAll, beforeAll, expect, it } from 'vitest';

import { otlpJson } from '../../api/fixtures/otlp-json.ts';
import { openTestStore, type TestStore } from '../../api/fixtures/test-store.ts';
import { askHeatmap } from './heatmap.ts';

const baseEpochMs = 1_795_000_000_000;
const rides = 150;

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
  const { traces } = otlpJson(baseEpochMs, { frontend: {} });
  const durationsMs = [0.5, ...Array.from({ length: rides }, (_, index) => 800 + index), 10_000];
  await store.storeTraces(
    traces(
      durationsMs.map((durationMs, index) => ({
        trace: (index + 1).toString(16),
        id: (index + 1).toString(16),
        service: 'frontend',
        name: durationMs < 1 ? 'GET /' : 'GET /dispatch',
        kind: 'server',
        atMs: index * 10,
        durationMs,
      })),
    ),
  );
  await store.storeTraces(
    traces(
      Array.from({ length: 100 }, (_, index) => ({
        trace: (1000 + index).toString(16),
        id: (1000 + index).toString(16),
        service: 'frontend',
        name: 'GET /dispatch',
        kind: 'server' as const,
        atMs: 20_000 + index * 10,
        durationMs: index % 20 === 0 ? 5 : 800 + index,
        error: index % 20 === 0,
      })),
    ),
  );
  await store.settle();
});
afterAll(() => store?.close());

const ask = (scale: 'log' | 'linear', rows: number, fromMs = baseEpochMs) =>
  askHeatmap(
    { reader: store.database.reader },
    {
      fromMs,
      toMs: fromMs + 10_000,
      scope: 'roots',
      filter: undefined,
      columns: 10,
      rows,
      scale,
      highlight: undefined,
    },
  );

it('keeps the scale fit for the rides although one page load is far faster, and counts that load', async () => {
  const heatmap = await ask('log', 20);
  expect(heatmap.edgesMs[0]).toBeGreaterThanOrEqual(100);
  expect(heatmap.total).toBe(rides + 2);
  expect(heatmap.cells.filter(([, row]) => row === 0).map(([, , count]) => count)).toEqual([1]);
});

it('keeps a log scale fit for the rides although one trace takes ten times as long, and shows that trace on top', async () => {
  const heatmap = await ask('log', 20);
  expect(heatmap.edgesMs.slice(-2)).toEqual([1000, 20_000]);
  expect(heatmap.cells.filter(([, row]) => row === 19).map(([, , count]) => count)).toEqual([1]);
  // Every ride is in the row that its duration lies in.
  expect(heatmap.cells.filter(([, row]) => row > 0 && row < 19).reduce((sum, cell) => sum + cell[2], 0)).toBe(rides);
});

it('keeps a linear scale fit for the rides although one trace takes ten seconds, and shows that trace on top', async () => {
  const heatmap = await ask('linear', 21);
  expect(heatmap.edgesMs.slice(-3)).toEqual([950, 1000, 20_000]);
  expect(heatmap.total).toBe(rides + 2);
  const inRow = (row: number): number =>
    heatmap.cells.filter((cell) => cell[1] === row).reduce((sum, cell) => sum + cell[2], 0);
  expect([inRow(0), inRow(16), inRow(17), inRow(18), inRow(20)]).toEqual([1, 50, 50, 50, 1]);
});

it('keeps the axis short although failures are over at once, and counts them in the lowest row', async () => {
  const heatmap = await ask('log', 20, baseEpochMs + 20_000);
  expect(heatmap.edgesMs[0]).toBeGreaterThanOrEqual(100);
  expect(heatmap.total).toBe(100);
  const lowest = heatmap.cells.filter(([, row]) => row === 0);
  expect(lowest.map(([, , count, errors]) => [count, errors])).toEqual([[5, 5]]);
});
