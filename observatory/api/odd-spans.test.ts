import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Heatmap, Percentiles, TraceRow } from './contract.ts';
import { otlpJson } from './fixtures/otlp-json.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';

// A machine under load may take ten times as long.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const EPOCH_MS = 1_795_000_000_000;
/** The latest instant that the API knows. */
const LATEST_MS = 9_223_372_036_854;
const { traces } = otlpJson(EPOCH_MS, { twin: {} });

let store: TestStore;
let api: TestApi;
beforeAll(async () => {
  store = await openTestStore();
  api = await serveApi(store.database, { now: () => EPOCH_MS + 60_000 });
});
afterAll(async () => {
  await api.close();
  await store.close();
});

function url(question: string, parameters: Record<string, string | number>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) search.set(name, String(value));
  return `/api/${question}?${search.toString()}`;
}

describe('spans with the same id and start', () => {
  it('are listed once each, if they are of several traces', async () => {
    const twin = { id: 'aa', service: 'twin', name: 'twin', kind: 'server', atMs: 0, durationMs: 5 } as const;
    await store.storeTraces(traces(['1', '2', '3'].map((trace) => ({ ...twin, trace }))));
    for (const scope of ['roots', 'spans']) {
      const listed = { from: EPOCH_MS, to: EPOCH_MS + 1, filter: 'service = "twin"', scope };
      const rows = await api.get<TraceRow[]>(url('traces', listed));
      expect(new Set(rows.map(({ traceId }) => traceId)).size).toBe(3);
      expect(rows).toHaveLength(3);
      expect(await api.get<TraceRow[]>(url('traces', { ...listed, limit: 1 }))).toHaveLength(1);
    }
  });
});

describe('a span of centuries', () => {
  it('has its place in every heatmap, and all of time in one step', async () => {
    const durationMs = LATEST_MS - EPOCH_MS;
    await store.storeTraces(
      traces([{ trace: 'c', id: 'c', service: 'long', name: 'long', kind: 'server', atMs: 0, durationMs }]),
    );
    const long = { from: 0, to: LATEST_MS, filter: 'service = "long"' };
    for (const scale of ['log', 'linear']) {
      for (const scope of ['roots', 'spans']) {
        const heatmap = await api.get<Heatmap>(url('heatmap', { ...long, scale, scope, columns: 1, rows: 3 }));
        expect([heatmap.columns, heatmap.total]).toEqual([1, 1]);
        expect(heatmap.cells[0]?.slice(0, 3)).toEqual([0, 2, 1]);
        const box = { minMs: heatmap.edgesMs[2] ?? 0, maxMs: heatmap.edgesMs[3] ?? 0 };
        expect(await api.get(url('exemplar', { ...long, ...box, scope }))).toMatchObject({ durationMs });
      }
    }
    const { count } = await api.get<Percentiles>(url('percentiles', { ...long, points: 1 }));
    expect(count).toEqual([1]);
  });
});
