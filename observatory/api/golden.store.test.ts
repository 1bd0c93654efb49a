import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  AttributeKey,
  AttributeValueCount,
  Breakdown,
  Compare,
  Exemplar,
  Heatmap,
  LogRecord,
  Percentiles,
  ServiceMap,
  SloStatus,
  Trace,
  TraceRow,
} from '../contract/contract.ts';
import { batches, baseEpochMs, logBatch, rideTrace } from './fixtures/rides.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';

let store: TestStore;
let api: TestApi;
beforeAll(async () => {
  store = await openTestStore();
  for (const batch of batches) await store.storeTraces(batch);
  await store.storeLogs(logBatch);
  await store.settle();
  api = await serveApi(store.database, { now: () => baseEpochMs + 60_000 });
});
afterAll(async () => {
  await api.close();
  await store.close();
});

const rides = { from: baseEpochMs, to: baseEpochMs + 12_000 };
function path(question: string, parameters: Record<string, string | number | readonly string[]>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of [value].flat()) search.append(name, String(each));
  }
  return `/api/${question}?${search.toString()}`;
}
const paddedTrace = (trace: string): string => trace.padStart(32, '0');

/** Every answer is also held against a file, which a person has read. */
async function golden(name: string, answer: unknown): Promise<void> {
  await expect(`${JSON.stringify(answer, null, 1)}\n`).toMatchFileSnapshot(`fixtures/golden/${name}.golden`);
}

describe('the heatmap', () => {
  it('counts the rides, their errors and what is lit, in cells of whole seconds', async () => {
    const heatmap = await api.get<Heatmap>(
      path('heatmap', {
        ...rides,
        columns: 12,
        rows: 10,
        scale: 'linear',
        highlight: 'hotrod.customer.name = "Value Walking"',
      }),
    );
    // 2,500 ms is the slowest: the axis ends at 5 s, rows are 500 ms. Slow rides 0, 1, 6: 2,400, 2,300, 2,500 ms.
    expect(heatmap).toMatchObject({ stepMs: 1000, columns: 12, total: 12, errors: 1 });
    expect(heatmap.edgesMs).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000]);
    expect(heatmap.cells).toEqual([
      [0, 4, 1, 0, 1],
      [1, 4, 1, 0, 0],
      [2, 1, 1, 0, 0],
      [3, 1, 1, 0, 1],
      [4, 1, 1, 0, 0],
      [5, 1, 1, 0, 0],
      // Exactly on a boundary: in the row that begins there.
      [6, 5, 1, 0, 1],
      [7, 1, 1, 0, 0],
      [8, 1, 1, 0, 0],
      [9, 1, 1, 0, 1],
      [10, 1, 1, 0, 0],
      [11, 1, 1, 1, 0],
    ]);
  });

  it('has a log axis over at least a decade, and the same total', async () => {
    const heatmap = await api.get<Heatmap>(path('heatmap', { ...rides, columns: 6, rows: 10 }));
    await golden('heatmap-log', heatmap);
    expect([heatmap.edgesMs[0], heatmap.edgesMs.at(-1)]).toEqual([500, 5000]);
    expect(heatmap).toMatchObject({ stepMs: 2000, columns: 6, total: 12 });
  });

  it('counts a box drawn around a cell as the cell does', async () => {
    for (const scale of ['log', 'linear']) {
      const heatmap = await api.get<Heatmap>(
        path('heatmap', { ...rides, columns: 4, rows: 37, scale, scope: 'spans' }),
      );
      for (const [column, row, count] of heatmap.cells) {
        const from = baseEpochMs + column * heatmap.stepMs;
        const minMs = row === 0 ? 0 : (heatmap.edgesMs[row] ?? 0);
        const box = { boxFrom: from, boxTo: from + heatmap.stepMs, minMs, maxMs: heatmap.edgesMs[row + 1] ?? 0 };
        const compare = await api.get<Compare>(path('compare', { ...rides, ...box, scope: 'spans' }));
        expect([scale, column, row, compare.selected]).toEqual([scale, column, row, count]);
      }
    }
  });

  it('finds a typical trace of a box', async () => {
    // Of 2,300, 2,400 and 2,500 ms the median is ride 0.
    expect(await api.get<Exemplar>(path('exemplar', { ...rides, minMs: 2000 }))).toEqual({
      traceId: paddedTrace(rideTrace(0)),
      spanId: '01'.padStart(16, '0'),
      durationMs: 2400,
    });
    const empty = await fetch(api.url + path('exemplar', { ...rides, minMs: 9000 }));
    expect(empty.status).toBe(404);
  });
});

describe('compare', () => {
  it('counts every attribute of the slow rides against the others', async () => {
    const compare = await api.get<Compare>(path('compare', { ...rides, minMs: 2000 }));
    expect([compare.selected, compare.baseline]).toEqual([3, 9]);
    const customer = compare.attributes.find(({ key }) => key === 'hotrod.customer.name');
    expect(customer?.same).toEqual(['hotrod.customer.id']);
    const values = customer?.values.map(({ value, selected, baseline }) => [value, selected, baseline]);
    // Without evidence the largest difference of shares comes first: 67 % against 22, 0 against 56, 33 against 11.
    expect(values).toEqual([
      ['Trom Chocolatier', 0, 5],
      ['Value Walking', 2, 2],
      ['Bicycles Green', 1, 1],
      [null, 0, 1],
    ]);
    expect(compare.excluded).toContainEqual({ key: 'duration', reason: 'the selection was made by it' });
    expect(compare.excluded.map(({ key }) => key)).toContain('hotrod.phase.customer.duration');
    // Three against nine: nothing of it is beyond chance.
    expect(compare.attributes.some(({ significant }) => significant)).toBe(false);
    await golden('compare', compare);
  });

  it('gives every value a filter that selects exactly its spans', async () => {
    const end = { selected: baseEpochMs + 3000, baseline: baseEpochMs + 30_000 };
    for (const scope of ['roots', 'spans']) {
      const compare = await api.get<Compare>(
        path('compare', { from: baseEpochMs, to: end.baseline, boxTo: end.selected, scope, limit: 200 }),
      );
      const values = compare.attributes.flatMap((attribute) => attribute.values);
      expect(values.length).toBeGreaterThan(30);
      const count = async (from: number, to: number, filter: string): Promise<number> => {
        const heatmap = await api.get<Heatmap>(path('heatmap', { from, to, filter, scope, columns: 1, rows: 1 }));
        return heatmap.total;
      };
      for (const { filter, selected, baseline } of values) {
        if (filter === undefined) continue;
        const counted = [
          await count(baseEpochMs, end.selected, filter),
          await count(end.selected, end.baseline, filter),
        ];
        expect([scope, filter, ...counted]).toEqual([scope, filter, selected, baseline]);
      }
    }
  });
});

describe('breakdown', () => {
  it('counts spans, errors and latency of each group, also of spans without the attribute', async () => {
    const breakdown = await api.get<Breakdown>(
      path('breakdown', { ...rides, by: 'hotrod.customer.name', sort: 'p50' }),
    );
    expect(breakdown).toMatchObject({ totalGroups: 4, total: 12 });
    expect(
      breakdown.groups.map(({ values, count, errors, p50Ms, maxMs }) => [values[0], count, errors, p50Ms, maxMs]),
    ).toEqual([
      // 2,400, 830, 2,500 and 890 ms: halfway between 890 and 2,400.
      ['Value Walking', 4, 0, 1645, 2500],
      // 2,300 and 870 ms.
      ['Bicycles Green', 2, 0, 1585, 2300],
      [null, 1, 1, 910, 910],
      // 820, 840, 850, 880 and 900 ms.
      ['Trom Chocolatier', 5, 0, 850, 900],
    ]);
    await golden('breakdown', breakdown);
  });

  it('groups by two keys, and each filter selects its group', async () => {
    const by = ['hotrod.customer.name', 'session.id'];
    const breakdown = await api.get<Breakdown>(path('breakdown', { ...rides, by, series: 2, measure: 'max' }));
    await golden('breakdown-two', breakdown);
    for (const group of breakdown.groups) {
      const alone = await api.get<Breakdown>(path('breakdown', { ...rides, by: 'name', filter: group.filter }));
      expect([group.filter, alone.total]).toEqual([group.filter, group.count]);
    }
    // Two sessions alternate: Value Walking's rides 0 and 6 are of session-0, 3 and 9 of session-1.
    const lines = breakdown.groups.filter(({ series }) => series !== undefined);
    expect(lines).toHaveLength(2);
    expect(breakdown.times).toHaveLength(12);
  });

  it("answers the webinar's question: median duration by SQL statement, for spans that have one", async () => {
    const breakdown = await api.get<Breakdown>(
      path('breakdown', { ...rides, scope: 'spans', by: 'db.query.text', filter: 'db.query.text exists', sort: 'p50' }),
    );
    expect(breakdown.groups.map(({ values, count, p50Ms }) => [values[0], count, p50Ms])).toEqual([
      ['SELECT pg_sleep(2), * FROM customers WHERE id = $1', 3, 2350],
      ['SELECT * FROM customers WHERE id = $1', 9, 800 + 70 - 50],
    ]);
  });

  it('reaches the statement from the entry span by its roll-up', async () => {
    const breakdown = await api.get<Breakdown>(path('breakdown', { ...rides, by: 'trace.slowest_statement' }));
    expect(breakdown.groups.map(({ values, count }) => [values[0], count])).toEqual([
      ['SELECT * FROM customers WHERE id = $1', 9],
      ['SELECT pg_sleep(2), * FROM customers WHERE id = $1', 3],
    ]);
  });

  it('cuts a value of 100 KB and still selects it', async () => {
    const breakdown = await api.get<Breakdown>(
      path('breakdown', { from: baseEpochMs, to: baseEpochMs + 60_000, by: 'long.text', filter: 'long.text exists' }),
    );
    const [group] = breakdown.groups;
    expect(group?.values[0]).toBe(`${'x'.repeat(1000)}…`);
    expect(group?.filter).toMatch(/^long\.text md5 "[0-9a-f]{32}"$/);
    const rows = await api.get<TraceRow[]>(
      path('traces', { from: baseEpochMs, to: baseEpochMs + 60_000, filter: group?.filter ?? '' }),
    );
    expect(rows.map(({ traceId }) => traceId)).toEqual([paddedTrace('b1')]);
  });
});

describe('percentiles', () => {
  it('has a value for each step, and null for a step without spans', async () => {
    const percentiles = await api.get<Percentiles>(
      path('percentiles', { from: baseEpochMs, to: baseEpochMs + 30_000, points: 6 }),
    );
    expect(percentiles).toMatchObject({
      stepMs: 5000,
      // Rides 0–4, 5–9, 10–11, nothing, the three awkward traces.
      count: [5, 5, 2, 0, 3, 0],
      errors: [0, 0, 1, 0, 0, 0],
      // 2400 2300 820 830 840; 850 2500 870 880 890; 900 910; none; 0 100 30.
      p50Ms: [840, 880, 905, null, 30, null],
    });
    await golden('percentiles', percentiles);
  });
});

describe('traces', () => {
  it('lists rides with the size of their trace and what tells them apart', async () => {
    const rows = await api.get<TraceRow[]>(path('traces', { ...rides, sort: 'slowest', limit: 4 }));
    expect(rows.map(({ durationMs, spans }) => [durationMs, spans])).toEqual([
      [2500, 4],
      [2400, 4],
      [2300, 4],
      [910, 4],
    ]);
    await golden('traces', rows);
    const spans = await api.get<TraceRow[]>(
      path('traces', { ...rides, scope: 'spans', filter: 'name = "SELECT customers"' }),
    );
    expect(spans).toHaveLength(12);
    expect(spans.every((row) => row.spans === 4)).toBe(true);
  });

  it('returns a whole trace, with late spans and without duplicates', async () => {
    const late = await api.get<Trace>(`/api/traces/${paddedTrace(rideTrace(3))}`);
    expect(late.spans.map(({ name }) => name)).toEqual(['GET /dispatch', 'GET', 'GET /customer', 'SELECT customers']);
    const twice = await api.get<Trace>(`/api/traces/${paddedTrace(rideTrace(2))}`);
    expect(twice.spans).toHaveLength(4);
    await golden('trace', late);
  });

  it('returns special characters exactly as they were sent', async () => {
    const { spans } = await api.get<Trace>(`/api/traces/${paddedTrace('b1')}`);
    const [span] = spans;
    expect(span).toMatchObject({ name: 'everything "at once" 🚕', kind: 'consumer', durationNs: '0' });
    expect(Object.keys(span?.attributes ?? {})).toHaveLength(1011);
    expect(span?.attributes).toMatchObject({
      'key.999': 'value 999',
      'long.text': 'x'.repeat(100_000),
      emoji: '👩‍🚒 "quoted" \\ \n',
      'largest.integer': '9223372036854775807',
      'one.less': '9223372036854775806',
      list: ['a', 1, true],
      nested: { a: { b: 2 } },
      empty: '',
      nothing: null,
      error: 'as an attribute',
      "'; DROP TABLE spans; --": 'hostile',
    });
    expect(span?.events).toEqual([
      {
        timeNs: `${baseEpochMs + 20_000}000000`,
        name: 'exception',
        attributes: { 'exception.type': 'Error', 'exception.message': '💥' },
      },
    ]);
    expect(span?.links).toEqual([
      { traceId: paddedTrace('a1'), spanId: '11'.padStart(16, '0'), attributes: { why: 'follows' } },
    ]);
  });

  it('returns a trace whose clocks disagree, and one whose parent is missing', async () => {
    const skewed = await api.get<Trace>(`/api/traces/${paddedTrace('b2')}`);
    expect(skewed.spans.map(({ name }) => name)).toEqual(['child', 'parent']);
    const orphan = await api.get<Trace>(`/api/traces/${paddedTrace('b3')}`);
    expect(orphan.spans).toMatchObject([{ name: 'orphan', parentSpanId: 'b31'.padStart(16, '0') }]);
    const missing = await fetch(`${api.url}/api/traces/${'f'.repeat(32)}`);
    expect(missing.status).toBe(404);
  });

  it('returns the logs of a trace in order, and no others', async () => {
    const logs = await api.get<LogRecord[]>(`/api/traces/${paddedTrace('ab')}/logs`);
    expect(logs.map(({ body, severityNumber }) => [body, severityNumber])).toEqual([
      ['No such customer', 17],
      ['Dispatch failed 🚕', 9],
    ]);
    await golden('logs', logs);
    expect(await api.get<LogRecord[]>(`/api/traces/${paddedTrace('a0')}/logs`)).toEqual([]);
  });
});

describe('completion', () => {
  it('offers keys with their types, first those that begin with the text', async () => {
    const keys = await api.get<AttributeKey[]>(path('attributes', { prefix: 'hotrod.c' }));
    expect(keys).toEqual([
      { key: 'hotrod.customer.id', type: 'number', spans: 11 },
      { key: 'hotrod.customer.name', type: 'string', spans: 11 },
    ]);
    const some = await api.get<AttributeKey[]>(path('attributes', { prefix: 'DUR' }));
    expect(some.map(({ key }) => key)).toEqual(['duration', 'hotrod.phase.customer.duration']);
    expect(await api.get<AttributeKey[]>(path('attributes', { limit: 1000 }))).toHaveLength(1000);
  });

  it('offers the values of a key by frequency, also those of child spans', async () => {
    expect(await api.get<AttributeValueCount[]>(path('attributes/hotrod.customer.name/values', {}))).toEqual([
      { value: 'Trom Chocolatier', spans: 5 },
      { value: 'Value Walking', spans: 4 },
      { value: 'Bicycles Green', spans: 2 },
    ]);
    expect(await api.get<AttributeValueCount[]>(path('attributes/db.system.name/values', { prefix: 'POST' }))).toEqual([
      { value: 'postgresql', spans: 12 },
    ]);
    const odd = encodeURIComponent("'; DROP TABLE spans; --");
    expect(await api.get<AttributeValueCount[]>(`/api/attributes/${odd}/values`)).toEqual([
      { value: 'hostile', spans: 1 },
    ]);
  });
});

describe('the service map', () => {
  it('draws calls between services as their caller saw them, and databases', async () => {
    const map = await api.get<ServiceMap>(path('service-map', rides));
    expect(map.edges.map(({ from, to, calls, errorRate }) => [from, to, calls, errorRate])).toEqual([
      ['customer', 'postgresql 127.0.0.1', 12, 0],
      ['frontend', 'customer', 12, 1 / 12],
    ]);
    expect(map.nodes.map(({ service, kind, ratePerSecond }) => [service, kind, ratePerSecond])).toEqual([
      ['customer', 'service', 1],
      ['frontend', 'service', 1],
      ['postgresql 127.0.0.1', 'database', 1],
    ]);
    await golden('service-map', map);
  });
});

describe('objectives', () => {
  it('counts good and bad rides, what is left of the budget and how fast it goes', async () => {
    const [latency, availability] = await api.get<SloStatus[]>('/api/slo');
    // 3 of 12 take longer than 1.2 s; 5 % may: the budget is spent five times over.
    expect(latency).toMatchObject({ total: 12, bad: 3, attained: 0.75 });
    expect(latency?.budgetLeft).toBeCloseTo(-4);
    expect(latency?.burnRate5m).toBeCloseTo(5);
    expect(availability).toMatchObject({ total: 12, bad: 1 });
    expect(availability?.burnRate1h).toBeCloseTo(1 / 12 / 0.005);
  });
});

describe('the entry span, asked from any span of its trace', () => {
  const asked = { ...rides, scope: 'spans', filter: 'db.query.text contains "pg_sleep"' };

  it('groups the spans of a statement by the customers who get it', async () => {
    const breakdown = await api.get<Breakdown>(path('breakdown', { ...asked, by: 'root.hotrod.customer.name' }));
    expect(breakdown.groups.map(({ values, count }) => [values, count])).toEqual([
      [['Value Walking'], 2],
      [['Bicycles Green'], 1],
    ]);
  });

  it('is compared, too', async () => {
    const compare = await api.get<Compare>(path('compare', { ...rides, scope: 'spans', minMs: 1000 }));
    const keys = compare.attributes.flatMap(({ key, same }) => [key, ...same]);
    expect(keys).toEqual(expect.arrayContaining(['root.name', 'root.hotrod.customer.name']));
  });

  it('is completed, with its values', async () => {
    const keys = await api.get<AttributeKey[]>(path('attributes', { prefix: 'root.hotrod.customer' }));
    expect(keys.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['root.hotrod.customer.name', 'root.hotrod.customer.id']),
    );
    const values = await api.get<AttributeValueCount[]>(
      path('attributes/root.hotrod.customer.name/values', { ...rides, scope: 'spans', prefix: 'val' }),
    );
    expect(values).toEqual([{ value: 'Value Walking', spans: 16 }]);
  });
});

describe('filters over stored spans', () => {
  const counts: [filter: string, scope: 'roots' | 'spans', count: number][] = [
    ['', 'roots', 15],
    ['', 'spans', 52],
    ['duration > 2s', 'roots', 3],
    ['duration >= 2300ms and duration < 2.5s', 'roots', 2],
    ['error = true', 'roots', 1],
    ['status = "error"', 'spans', 3],
    ['kind = "client" and service = "customer"', 'spans', 12],
    ['service.version = "1.3.9"', 'spans', 24],
    ['deployment.environment.name = "test"', 'spans', 48],
    // Missing: a test of it is false, and so the opposite is true.
    ['hotrod.customer.name = "Value Walking"', 'roots', 4],
    ['hotrod.customer.name != "Value Walking"', 'roots', 11],
    ['not hotrod.customer.name = "Value Walking"', 'roots', 11],
    ['hotrod.customer.name exists', 'roots', 11],
    ['hotrod.customer.name !exists', 'roots', 4],
    ['hotrod.customer.name contains "Green"', 'roots', 2],
    ['hotrod.customer.name !contains "Green"', 'roots', 13],
    ['hotrod.customer.name in ("Value Walking", "Bicycles Green")', 'roots', 6],
    ['hotrod.customer.name !in ("Value Walking", "Bicycles Green")', 'roots', 9],
    ['hotrod.customer.name matches "^(Value|Trom) "', 'roots', 9],
    ['hotrod.customer.name !matches "^(Value|Trom) "', 'roots', 6],
    ['hotrod.customer.name < "C"', 'roots', 2],
    // As numbers: 392 is less than 57319, though not as text.
    ['hotrod.customer.id < 1000', 'roots', 5],
    ['hotrod.customer.id in (392, 88654)', 'roots', 7],
    ['hotrod.customer.id = 392.0', 'roots', 5],
    ['hotrod.customer.id = "392"', 'roots', 5],
    ['not hotrod.customer.id >= 1000', 'roots', 9],
    ['hotrod.customer.name > 5', 'roots', 0],
    // Beyond 2^53 every digit counts.
    ['largest.integer = 9223372036854775807', 'roots', 1],
    ['largest.integer = 9223372036854775806', 'roots', 0],
    ['one.less in (9223372036854775806)', 'roots', 1],
    ['largest.integer > 9e18', 'roots', 1],
    // Quoted, a built-in's name is an attribute.
    ['"error" = "as an attribute"', 'roots', 1],
    ['"error" exists', 'roots', 1],
    ['"name" contains "another"', 'roots', 1],
    ['empty = ""', 'roots', 1],
    ['nothing exists', 'roots', 1],
    ['emoji contains "👩‍🚒"', 'roots', 1],
    ['"\'; DROP TABLE spans; --" = "hostile"', 'roots', 1],
    ['name = "orphan" or (service = "other" and not error = true)', 'spans', 2],
    [`start >= "${new Date(baseEpochMs + 10_000).toISOString()}" and service = "frontend"`, 'roots', 2],
    [`trace.id = "${'A0'.padStart(32, '0')}"`, 'spans', 4],
    ['trace.slowest_statement contains "pg_sleep"', 'roots', 3],
    // What the entry span has is told of each span of its trace; of the entry span it is its own.
    ['root.hotrod.customer.name = "Value Walking"', 'roots', 4],
    ['root.hotrod.customer.name = "Value Walking"', 'spans', 16],
    ['root.hotrod.customer.id < 1000 and service = "customer" and kind = "client"', 'spans', 5],
    ['db.query.text contains "pg_sleep" and root.name = "GET /dispatch"', 'spans', 3],
    ['root.trace.span_count = 4', 'spans', 48],
    ['trace.span_count = 4', 'roots', 12],
    ['trace.error_count >= 1', 'roots', 1],
    ['trace.service_ms.customer > 2000', 'roots', 3],
  ];
  it.each(counts)('%s of %s: %i', async (filter, scope, count) => {
    const heatmap = await api.get<Heatmap>(
      path('heatmap', { from: baseEpochMs, to: baseEpochMs + 60_000, scope, filter }),
    );
    expect(heatmap.total).toBe(count);
  });
});
