import { createHash } from 'node:crypto';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { plainSpan } from '../../otlp/fixtures/span-batches.ts';
import { createAttributeBuilder } from '../../records/attribute-shapes.ts';
import type { SpanKind } from '../../records/records.ts';
import type { Resource } from '../../records/resource.ts';
import type { SpanBatch } from '../../records/span-batch.ts';
import { createSpanBatchBuilder } from '../../records/span-batch-builder.ts';
import { spanTexts } from '../../records/span-parts.ts';
import type { RootRow } from './roll-up.ts';
import { findEntries } from './trace-entries.ts';
import { createTraceNodes, none } from './trace-nodes.ts';
import { createTraces, type Traces, tracesDefaults } from './traces.ts';

const builder = createSpanBatchBuilder();
const resourceOf = (service: string): Resource => ({
  service,
  version: null,
  browser: service === 'page',
  fingerprint: service,
  attributes: createAttributeBuilder().finish(),
});

/** Ids of spans as 16 digits, by the names that sketches have for them; ids of traces likewise. */
const idOf = (name: string, digits: number): string => createHash('sha256').update(name).digest('hex').slice(0, digits);

const traceOf = (name: string): string => idOf(name, 32);

interface Sketch {
  id: string;
  parent?: string;
  service?: string;
  kind?: SpanKind;
  startMs?: number;
  ms?: number;
  error?: boolean;
  statement?: string;
  trace?: string;
}

function write({
  id,
  parent,
  service = 'frontend',
  kind = 'internal',
  startMs = 0,
  ms = 1,
  error,
  statement,
  trace = 't',
}: Sketch): void {
  if (statement !== undefined) builder.add('db.query.text', statement, '');
  builder.idTexts(traceOf(trace), idOf(id, 16), parent === undefined ? null : idOf(parent, 16));
  builder.text(spanTexts.name, id);
  builder.end(
    { resource: resourceOf(service), scope: null },
    {
      kind,
      status: error ? 'error' : 'unset',
      startNs: BigInt(startMs) * 1_000_000n,
      durationNs: BigInt(ms) * 1_000_000n,
    },
  );
}

function batchOf(sketches: Sketch[]): SpanBatch {
  for (const sketch of sketches) write(sketch);
  return builder.finish();
}

const add = (traces: Traces, sketch: Sketch, nowMs: number): boolean => traces.add(batchOf([sketch]), 0, nowMs);

/** Rows by the name of their entry span, as text that two results can be compared by. */
function told(rows: RootRow[]): Record<string, unknown> {
  return Object.fromEntries(
    rows.map(({ span: { batch, index }, serviceNs, traceStartNs, traceEndNs, ...roll }) => [
      plainSpan(batch, index).name,
      { ...roll, serviceNs: Object.fromEntries(serviceNs), start: Number(traceStartNs), end: Number(traceEndNs) },
    ]),
  );
}

async function settledRows(sketches: Sketch[]): Promise<Record<string, unknown>> {
  const traces = createTraces();
  for (const sketch of sketches) add(traces, sketch, 0);
  return told((await traces.evaluate(tracesDefaults.settleMs)).settled);
}

const ride: Sketch[] = [
  { id: 'dispatch', kind: 'server', ms: 700 },
  { id: 'ask customer', parent: 'dispatch', kind: 'client', startMs: 1, ms: 410 },
  { id: 'customer', parent: 'ask customer', service: 'customer', kind: 'server', startMs: 2, ms: 405 },
  { id: 'sql', parent: 'customer', service: 'customer', kind: 'client', startMs: 3, ms: 400, statement: 'SELECT 1' },
  { id: 'driver', parent: 'dispatch', service: 'driver', kind: 'server', startMs: 420, ms: 200 },
  {
    id: 'read',
    parent: 'driver',
    service: 'driver',
    kind: 'client',
    startMs: 430,
    ms: 30,
    error: true,
    statement: 'SELECT 2',
  },
];
const rolledUp = {
  spanCount: 6,
  errorCount: 1,
  services: ['customer', 'driver', 'frontend'],
  slowestStatement: 'SELECT 1',
  slowestStatementNs: 400e6,
  serviceNs: { frontend: 700e6, customer: 405e6, driver: 200e6 },
  start: 0,
  end: 700e6,
};

describe('the roll-up of a trace', () => {
  it('counts spans and errors, services with their time, and the slowest statement', async () => {
    expect(await settledRows(ride)).toEqual({ dispatch: rolledUp });
  });

  it('is the same in whatever order and batches its spans come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(ride, { minLength: ride.length }),
        fc.array(fc.nat(1_000), { minLength: 6, maxLength: 6 }),
        async (shuffled, waits) => {
          const traces = createTraces();
          let now = 0;
          let last: Record<string, unknown> = {};
          for (const [index, sketch] of shuffled.entries()) {
            now += waits[index] ?? 0;
            add(traces, sketch, now);
            last = told((await traces.evaluate(now)).fresh);
          }
          expect(last).toEqual({ dispatch: rolledUp });
          expect(told((await traces.evaluate(now + tracesDefaults.settleMs)).settled)).toEqual({ dispatch: rolledUp });
          expect([traces.size(), traces.open()]).toEqual([0, false]);
        },
      ),
    );
  });

  it('stays within what the file holds, however long its spans are', async () => {
    const ms = 9_000_000_000_000; // nearly 2 ** 63 ns
    const traces = createTraces();
    const work = { parent: 'root', service: 'other', startMs: 1_000_000_000_000, ms, statement: 'SELECT 1' };
    for (const sketch of [{ id: 'root' }, { id: 'a', ...work }, { id: 'b', ...work }]) add(traces, sketch, 0);
    const [row] = (await traces.evaluate(0)).fresh;
    expect(row?.traceEndNs).toBe(2n ** 63n - 1n);
    expect(row?.serviceNs.get('other')).toBeLessThan(2 ** 63);
    expect(row?.serviceNs.get('other')).toBeGreaterThan(9.2e18);
    expect(row?.slowestStatementNs).toBe(ms * 1e6);
  });

  it('works with clocks that differ', async () => {
    const skewed = ride.map((sketch) => (sketch.service === 'customer' ? { ...sketch, startMs: -5_000 } : sketch));
    expect(await settledRows(skewed)).toEqual({ dispatch: { ...rolledUp, start: -5_000e6 } });
  });
});

describe('the entry span', () => {
  const page: Sketch[] = [
    { id: 'click', service: 'page', startMs: -10, ms: 720 },
    { id: 'fetch', parent: 'click', service: 'page', kind: 'client', startMs: -5, ms: 710 },
  ];

  it("is the server's where a page began the trace, and the page's spans count", async () => {
    const rows = await settledRows([...page, { ...ride[0], id: 'dispatch', parent: 'fetch' }, ...ride.slice(1)]);
    expect(rows).toEqual({
      dispatch: {
        ...rolledUp,
        spanCount: 8,
        services: ['customer', 'driver', 'frontend', 'page'],
        serviceNs: { ...rolledUp.serviceNs, page: 720e6 },
        start: -10e6,
        end: 710e6,
      },
    });
  });

  it('is one for each request where a page made several', async () => {
    const rows = await settledRows([
      ...page,
      { id: 'first', parent: 'fetch', kind: 'server', ms: 5 },
      { id: 'second', parent: 'click', kind: 'server', startMs: 50, ms: 6 },
      { id: 'below', parent: 'second', kind: 'server', service: 'driver', startMs: 51, ms: 3 },
    ]);
    expect(Object.entries(rows).map(([id, row]) => [id, (row as { spanCount: number }).spanCount])).toEqual([
      ['first', 3],
      ['second', 2],
    ]);
  });

  it("is the page's own where no server is below", async () => {
    expect(Object.keys(await settledRows(page))).toEqual(['click']);
  });

  it('is the longest server span whose parent is missing, where none has no parent', async () => {
    expect(
      Object.keys(
        await settledRows([
          { id: 'b', parent: 'lost', kind: 'server', ms: 80, startMs: 5 },
          { id: 'a', parent: 'gone', kind: 'server', ms: 20 },
          { id: 'c', parent: 'lost', ms: 500 },
          { id: 'd', parent: 'b', kind: 'client', ms: 900 },
        ]),
      ),
    ).toEqual(['b']);
  });

  it('is found when parents form a loop', async () => {
    expect(
      Object.keys(
        await settledRows([
          { id: 'a', parent: 'b' },
          { id: 'b', parent: 'a' },
          { id: 'c', parent: 'c' },
        ]),
      ),
    ).toHaveLength(1);
  });

  it('waits for its parent, stands in after a while, and gives way when the true one comes', async () => {
    const traces = createTraces();
    add(traces, { id: 'customer', parent: 'ask', service: 'customer', kind: 'server' }, 0);
    expect(await traces.evaluate(0)).toMatchObject({ fresh: [], opened: [traceOf('t')] });
    expect((await traces.evaluate(tracesDefaults.provisionalMs - 1)).fresh).toEqual([]);
    expect(Object.keys(told((await traces.evaluate(tracesDefaults.provisionalMs)).fresh))).toEqual(['customer']);
    add(traces, { id: 'ask', parent: 'dispatch', kind: 'client' }, 3_000);
    add(traces, { id: 'dispatch', kind: 'server' }, 3_000);
    const { fresh, changed } = await traces.evaluate(3_000);
    expect([Object.keys(told(fresh)), changed]).toEqual([['dispatch'], [traceOf('t')]]);
  });
});

describe('an evaluation', () => {
  it('reports a trace again only when spans of it came', async () => {
    const traces = createTraces();
    add(traces, { id: 'a', trace: 'one' }, 0);
    add(traces, { id: 'a', trace: 'two' }, 0);
    expect((await traces.evaluate(0)).changed).toEqual(['one', 'two'].map(traceOf));
    expect(await traces.evaluate(1)).toEqual({ fresh: [], settled: [], opened: [], changed: [], closed: [] });
    add(traces, { id: 'b', trace: 'two' }, 5_000);
    expect(await traces.evaluate(6_000)).toMatchObject({
      closed: [traceOf('one')],
      changed: ['one', 'two'].map(traceOf),
    });
    expect(await traces.evaluate(11_000)).toMatchObject({ closed: [traceOf('two')] });
  });

  it('rolls up a long chain without its top', async () => {
    const traces = createTraces();
    const length = 45_000;
    const chain = Array.from({ length }, (_, depth) => ({ id: `c${depth + 1}`, parent: `c${depth}` }));
    const batch = batchOf(chain);
    // The deepest first, so that each has all of its way up before it.
    for (let index = length - 1; index >= 0; index -= 1) traces.add(batch, index, 0);
    const { fresh } = await traces.evaluate(tracesDefaults.provisionalMs);
    expect(fresh).toMatchObject([{ spanCount: length }]);
  });

  it('visits each span of a long chain once, whether its top is there or not', () => {
    const length = 1_000;
    for (const first of [0, 1]) {
      const chain = Array.from({ length }, (_, depth) =>
        depth === 0 && first === 0 ? { id: 'c0' } : { id: `c${depth + first}`, parent: `c${depth + first - 1}` },
      );
      const batch = batchOf(chain);
      const store = createTraceNodes();
      let last = none;
      // The deepest first, so that each has all of its way up before it.
      for (let index = length - 1; index >= 0; index -= 1) last = store.add(batch, index, last);
      const { entries, visits } = findEntries(store.current(), { first: 0, size: length, byId: null });
      expect([entries.length, visits]).toEqual([first === 0 ? 1 : 0, length]);
    }
  });

  it('drops a span that comes twice', async () => {
    const traces = createTraces();
    expect([add(traces, { id: 'a' }, 0), add(traces, { id: 'a' }, 1), add(traces, { id: 'b' }, 2)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(traces.size()).toBe(2);
  });

  it('drops a span that comes twice among many of one trace', async () => {
    const traces = createTraces();
    const sketches = Array.from({ length: 100 }, (_, index) => ({
      id: `span ${index}`,
      ...(index === 0 ? {} : { parent: `span ${Math.floor(index / 3)}` }),
    }));
    for (const sketch of sketches) expect(add(traces, sketch, 0)).toBe(true);
    for (const sketch of sketches) expect(add(traces, sketch, 0)).toBe(false);
    expect(told((await traces.evaluate(0, true)).settled)).toMatchObject({ 'span 0': { spanCount: 100 } });
  });

  it('keeps only the spans of a request that it still needs', async () => {
    const traces = createTraces();
    const request = batchOf(ride.slice(0, 4));
    for (let index = 0; index < request.length; index += 1) traces.add(request, index, 0);
    expect((await traces.evaluate(0)).fresh.map((row) => row.span.batch)).toEqual([request]);
    for (const sketch of ride.slice(4)) add(traces, sketch, 0);
    const { fresh } = await traces.evaluate(0);
    expect(told(fresh)).toEqual({ dispatch: rolledUp });
    expect(fresh.map((row) => row.span.batch.length)).toEqual([1]);
    expect(fresh.map(({ span: { batch, index } }) => plainSpan(batch, index))).toEqual([plainSpan(request, 0)]);
  });

  it('ends the traces that waited longest when there are too many spans', async () => {
    const traces = createTraces({ ...tracesDefaults, spanLimit: 5 });
    for (let index = 0; index < 8; index += 1) add(traces, { id: 'a', trace: `trace ${index}` }, index);
    expect((await traces.evaluate(8)).closed).toEqual(['trace 0', 'trace 1', 'trace 2'].map(traceOf));
    expect(traces.size()).toBe(5);
  });

  it('ends every trace on request', async () => {
    const traces = createTraces();
    add(traces, { id: 'a' }, 0);
    expect(await traces.evaluate(0, true)).toMatchObject({ closed: [traceOf('t')], fresh: [] });
  });
});
