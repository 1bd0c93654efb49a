import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { intrinsicNames, builtInFields } from '../filter/ast.ts';
import { isCondition } from '../filter/compose.ts';
import type {
  AttributeKey,
  AttributeValueCount,
  Breakdown,
  Compare,
  Heatmap,
  Percentiles,
  TraceRow,
} from '../contract/contract.ts';
import { otlpJson } from './fixtures/otlp-json.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';

// A machine under load may take ten times as long.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const baseEpochMs = 1_795_000_000_000;
/** The latest instant that the API knows. */
const latestMs = 9_223_372_036_854;
const { traces } = otlpJson(baseEpochMs, { twin: {} });

let store: TestStore;
let api: TestApi;
beforeAll(async () => {
  store = await openTestStore();
  api = await serveApi(store.database, { now: () => baseEpochMs + 60_000 });
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
      const listed = { from: baseEpochMs, to: baseEpochMs + 1, filter: 'service = "twin"', scope };
      const rows = await api.get<TraceRow[]>(url('traces', listed));
      expect(new Set(rows.map(({ traceId }) => traceId)).size).toBe(3);
      expect(rows).toHaveLength(3);
      expect(await api.get<TraceRow[]>(url('traces', { ...listed, limit: 1 }))).toHaveLength(1);
    }
  });
});

describe('a span as long as the receiver takes', () => {
  it('is shown in every heatmap, and fits into one step of time', async () => {
    const durationMs = 100 * 86_400_000;
    await store.storeTraces(
      traces([{ trace: 'c', id: 'c', service: 'long', name: 'long', kind: 'server', atMs: 0, durationMs }]),
    );
    const long = { from: 0, to: latestMs, filter: 'service = "long"' };
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

describe('attributes with the names of fields', () => {
  const names: readonly string[] = [...intrinsicNames, ...builtInFields];
  const range = { from: baseEpochMs + 10_000, to: baseEpochMs + 20_000, scope: 'spans' };
  beforeAll(async () => {
    const resource = otlpJson(baseEpochMs, { named: { 'service.version': '1.0', scope: 'of the resource' } });
    const span = { service: 'named', name: 'named', kind: 'server', durationMs: 5 } as const;
    const attributes = Object.fromEntries(names.map((name) => [name, `the attribute ${name}`]));
    await store.storeTraces(
      resource.traces([
        { ...span, trace: 'd1', id: 'd1', atMs: 10_000, attributes },
        { ...span, trace: 'd2', id: 'd2', atMs: 10_001 },
        { ...span, trace: 'd3', id: 'd3', atMs: 10_002 },
      ]),
    );
  });
  const total = async (filter: string, scope = 'spans'): Promise<number> =>
    (await api.get<Heatmap>(url('heatmap', { ...range, scope, filter }))).total;

  it.each(names)('are reached in quotes: "%s"', async (name) => {
    const filter = isCondition(name, `the attribute ${name}`);
    expect(filter).toBe(`"${name}" = "the attribute ${name}"`);
    for (const scope of ['spans', 'roots']) expect([scope, await total(filter, scope)]).toEqual([scope, 1]);
    const { by, groups } = await api.get<Breakdown>(url('breakdown', { ...range, by: `"${name}"` }));
    expect(by).toEqual([`"${name}"`]);
    const group = groups.find(({ values }) => values[0] === `the attribute ${name}`);
    expect(await total(group?.filter ?? '')).toBe(1);
    const values = await api.get<AttributeValueCount[]>(
      url(`attributes/${encodeURIComponent(`"${name}"`)}/values`, { prefix: 'the' }),
    );
    expect(values).toEqual([{ value: `the attribute ${name}`, spans: 1 }]);
    const keys = await api.get<AttributeKey[]>(url('attributes', { prefix: name }));
    expect(keys.map(({ key }) => key)).toEqual(expect.arrayContaining([name, `"${name}"`]));
  });

  it('mean the field without quotes', async () => {
    expect(await total('scope = "sketch@1"')).toBe(3);
    expect(await total('service.version = "1.0"')).toBe(3);
    // The span's own before its resource's.
    expect(await total('"service.version" = "1.0"')).toBe(2);
    expect(await total('"scope" = "of the resource"')).toBe(2);
    expect(await total('trace.span_count = 1', 'roots')).toBe(3);
    // Any service may have any name, so this prefix is the roll-up's alone.
    expect(await total('"trace.service_ms.named" = 5', 'roots')).toBe(3);
  });

  it('are compared beside the fields, each with filters that select what was counted', async () => {
    for (const scope of ['spans', 'roots']) {
      const box = { boxFrom: baseEpochMs + 10_000, boxTo: baseEpochMs + 10_001, limit: 200 };
      const { attributes, excluded } = await api.get<Compare>(url('compare', { ...range, scope, ...box }));
      const told = new Set([
        ...attributes.flatMap(({ key, same }) => [key, ...same]),
        ...excluded.map(({ key }) => key),
      ]);
      for (const name of names) expect([scope, name, told.has(`"${name}"`)]).toEqual([scope, name, true]);
      for (const name of ['scope', 'service.version', 'name']) expect(told).toContain(name);
      for (const { key, values } of attributes) {
        for (const { filter, selected, baseline } of values) {
          if (filter === undefined) continue;
          expect([key, filter, await total(filter, scope)]).toEqual([key, filter, selected + baseline]);
        }
      }
    }
  });
});

describe('values that are no numbers', () => {
  const values = [
    'nan',
    'infinity',
    '-inf',
    '1_0',
    ' 7 ',
    '+7',
    '7.',
    '.7',
    '0x7',
    '7e',
    '1e999',
    '7',
    '-7.5e-1',
    'NaN',
  ];
  beforeAll(async () => {
    const span = { service: 'values', name: 'values', kind: 'server', durationMs: 5 } as const;
    const odd = values.map((nv, index) => ({
      ...span,
      trace: `e${index}`,
      id: `e${index}`,
      atMs: 30_000,
      attributes: { nv, odd: true },
    }));
    await store.storeTraces(traces(odd));
    await store.storeTraces(
      traces([{ ...span, trace: 'ef', id: 'ef', atMs: 30_000, attributes: { nv: Number.NaN, odd: true } }]),
    );
  });

  it.each([
    ['nv > 5', ['1e999', '7']],
    ['nv >= 7', ['1e999', '7']],
    ['nv < 20', ['-7.5e-1', '7']],
    ['nv = 7', ['7']],
    ['nv = 10', []],
    ['nv in (7, 10)', ['7']],
    ['nv = " 7 "', [' 7 ']],
    ['not nv < 20', values.filter((value) => value !== '7' && value !== '-7.5e-1')],
    ['nv != 7', values.filter((value) => value !== '7')],
    ['nv !in (7, 10)', values.filter((value) => value !== '7')],
  ])('are never less, more or equal: %s', async (condition, expected) => {
    const filter = `odd exists and (${condition})`;
    const asked = { from: baseEpochMs + 30_000, to: baseEpochMs + 30_001, by: 'nv', limit: 100, filter };
    const { groups } = await api.get<Breakdown>(url('breakdown', asked));
    expect(new Set(groups.map(({ values: [value] }) => value))).toEqual(new Set(expected));
  });
});

describe('keys that nobody expects', () => {
  const long = `${'k'.repeat(5_000)}.a`;
  const keys = [
    '',
    ' ',
    ' padded ',
    '"',
    '"quoted"',
    'a\u0000b',
    'a\nb',
    'a\u001fb',
    '\\',
    'not',
    'ключ',
    '🚕',
    '__proto__',
    'constructor',
    long,
    `${'k'.repeat(5_000)}.b`,
  ];
  const range = { from: baseEpochMs + 200_000, to: baseEpochMs + 210_000, scope: 'spans' };
  beforeAll(async () => {
    await store.storeTraces(
      traces(
        Array.from({ length: 40 }, (_, index) => ({
          trace: `f${index.toString(16)}`,
          id: `f${index.toString(16)}`,
          service: 'odd',
          name: 'odd',
          kind: 'server' as const,
          atMs: 200_000 + index,
          durationMs: index % 2 === 0 ? 10 : 500,
          attributes: Object.fromEntries([
            ...keys.map((key) => [key, index % 2 === 0 ? 'fast' : 'slow']),
            ['n', index],
          ]),
        })),
      ),
    );
  });

  it('are listed, compared, filtered by and grouped by', async () => {
    const compare = await api.get<Compare>(
      url('compare', { ...range, filter: 'service = "odd"', minMs: 100, limit: 100 }),
    );
    const told = compare.attributes.flatMap(({ key, same }) => [key, ...same]);
    expect(compare).toMatchObject({ selected: 20, baseline: 20 });
    const known = (await api.get<AttributeKey[]>(url('attributes', { limit: 1000 }))).map(({ key }) => key);
    const named = told.filter((key) => !['duration', 'n', 'trace.span_count'].includes(key));
    expect(named.length).toBeGreaterThanOrEqual(keys.length);
    for (const key of keys.slice(0, -2)) {
      const breakdown = await api.get<Breakdown>(
        url('breakdown', {
          ...range,
          filter: 'service = "odd"',
          by: JSON.stringify(key),
        }),
      );
      expect([key, breakdown.groups.map(({ values }) => values[0])]).toEqual([
        key,
        expect.arrayContaining(['fast', 'slow']),
      ]);
    }
    const stored = known.filter((key) => key.startsWith('kkk'));
    expect(stored).toHaveLength(2);
    for (const key of [...stored, '""', '" padded "']) {
      expect(known).toContain(key);
      const values = await api.get<AttributeValueCount[]>(
        `/api/attributes/${encodeURIComponent(key)}/values?from=${range.from}&to=${range.to}&scope=spans`,
      );
      expect(values).toHaveLength(2);
      const filter = `${key.startsWith('"') ? key : JSON.stringify(key)} = "slow"`;
      expect(await api.get<TraceRow[]>(url('traces', { ...range, filter }))).toHaveLength(20);
    }
  });

  it.each([1e19, -1e19, 2 ** 63, 2 ** 63 - 1025, 2 ** 53 + 2, 1e300, 4_294_967_296, 1e-300, -2_147_483_648])(
    'may hold numbers that are compared with %d',
    async (number) => {
      for (const operator of ['<', '<=', '>', '>=', '=', '!=']) {
        const filter = `n ${operator} ${number}`;
        const rows = await api.get<TraceRow[]>(url('traces', { ...range, filter, limit: 100 }));
        const expected = {
          '<': 0 < number,
          '<=': 0 < number,
          '>': 0 > number,
          '>=': 0 > number,
          '=': false,
          '!=': true,
        };
        const isAll = expected[operator as keyof typeof expected];
        if (Math.abs(number) > 100)
          expect([filter, rows.filter(({ service }) => service === 'odd').length]).toEqual([filter, isAll ? 40 : 0]);
      }
      expect(await api.get<TraceRow[]>(url('traces', { ...range, filter: `n in (${number}, 7)` }))).toHaveLength(1);
    },
  );
});
