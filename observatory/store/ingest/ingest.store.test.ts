import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { describe, expect, it, onTestFinished } from 'vitest';

import { createTestClock } from '../../fixtures/test-clock.ts';
import {
  keyValues,
  send,
  sketchEpochMs,
  spanIdOf,
  type SpanSketch,
  spansRequest,
  startTestObservatory,
  temporaryDirectory,
  traceIdOf,
} from '../../fixtures/test-observatory.ts';
import type { Trace } from '../../contract/contract.ts';
import type { Observatory } from '../../observatory.ts';
import { createBuilders } from '../../otlp/decoding.ts';
import { createJsonDecoders } from '../../otlp/json/request.ts';
import { createTelemetry } from '../../telemetry.ts';
import { readAttributes } from '../attributes.ts';
import { type Database, openDatabase } from '../database.ts';
import { rowGroupSize } from '../row-group.ts';
import { createIngest } from './ingest.ts';
import { ingestDefaults } from './ingest-options.ts';
import type { Batches } from '../../records/records.ts';
import { createResourceNumbers } from './resource-numbers.ts';
import { sql, type Sql } from '../sql.ts';
import { createTraceReader } from './trace-reader.ts';

const everything = { from_ns: -(2n ** 63n), to_ns: 2n ** 63n - 1n, limit: 1_000_000, parts: 1, part: 0 };

/** The stored spans of traces, as the API would read them. */
async function storedSpans(observatory: Observatory, ...traces: number[]) {
  await observatory.flush();
  const rows = await observatory.parts.database.reader.rows('ingest-spans-of-traces', {
    parameters: { ...everything, traces: traces.map(traceIdOf) },
  });
  return rows.toSorted((a, b) => String(a.span_id).localeCompare(String(b.span_id)));
}

async function sendSpans(observatory: Observatory, ...sketches: Parameters<typeof spansRequest>[0]): Promise<void> {
  const answer = await send(observatory, 'traces', spansRequest(sketches));
  expect(await answer.json()).toEqual({});
}

/** Entry spans of a trace with their roll-up. */
async function roots(observatory: Observatory, trace: number): Promise<Record<string, unknown>[]> {
  await observatory.flush();
  return query(observatory, sql`SELECT * FROM roots WHERE trace_id = $trace ORDER BY span_id`, {
    trace: traceIdOf(trace),
  });
}

function query(
  observatory: Observatory,
  text: Sql,
  parameters: Record<string, string> = {},
): Promise<Record<string, unknown>[]> {
  return observatory.database.exclusively((session) => session.run(text, parameters));
}

const keyCatalogue = sql`FROM attribute_keys ORDER BY key`;
/** Where entry spans lie, and how many traces still receive spans. */
const places = sql`
  SELECT (SELECT count(*)::INTEGER FROM store.fresh_roots) AS fresh, (SELECT count(*)::INTEGER FROM store.settled_roots) AS settled,
    (SELECT count(*)::INTEGER FROM store.open_traces) AS open`;

/**
 * An ingest whose clock stands still. Before each transaction, and each statement with the rows that it copies, the test
 * says whether it fails.
 */
async function startFailing(
  fails: () => string | undefined,
  statementFails: (name: string, rows: { from: number; to: number }) => string | undefined = () => undefined,
) {
  const real = await openDatabase({
    path: join(await temporaryDirectory(), 'o.duckdb'),
    memoryLimitMb: 128,
    threads: 1,
  });
  let failingLoad = { table: '', message: '', times: 0 };
  let reattached = 0;
  const endings: string[] = [];
  const database: Database = {
    ...real,
    load: async (table, types) => {
      if (failingLoad.times > 0 && table.startsWith(failingLoad.table)) {
        failingLoad.times -= 1;
        throw new Error(failingLoad.message);
      }
      return real.load(table, types);
    },
    transaction: async (work) => {
      const failure = fails();
      if (failure !== undefined) throw new Error(failure);
      return real.transaction((session) =>
        work({
          ...session,
          rows: async (name, input) => {
            const { from = 0, to = Infinity } = (input?.parameters ?? {}) as { from?: number; to?: number };
            const refusal = statementFails(name, { from, to });
            if (refusal !== undefined) throw new Error(refusal);
            return session.rows(name, input);
          },
        }),
      );
    },
    reattach: async () => {
      reattached += 1;
      return real.reattach();
    },
  };
  const telemetry = createTelemetry();
  const errors: string[] = [];
  const log = { error: (_data: object, message: string) => errors.push(message) };
  const clock = createTestClock();
  const onFatal = (reason: string) => endings.push(reason);
  const ingest = await createIngest(database, telemetry, log, ingestDefaults, onFatal, clock);
  onTestFinished(async () => {
    await ingest.close();
    await real.close();
  });
  const decoders = createJsonDecoders(createBuilders());
  return {
    ingest,
    telemetry,
    errors,
    clock,
    /** What it said when it gave up. */
    endings,
    reattached: () => reattached,
    database: real,
    /** The next loads into staging tables of this name fail, so many times. */
    failLoads(table: string, message: string, times: number): void {
      failingLoad = { table, message, times };
    },
    async takeLogs(count: number): Promise<void> {
      const logRecords = Array.from({ length: count }, () => ({ timeUnixNano: '1', body: { stringValue: 'a line' } }));
      const { items } = await decoders.logs(
        Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })),
      );
      ingest.take('logs', items, 100);
    },
    /** Takes traces of so many spans each, and tells their ids. */
    async takeTraces(...counts: number[]): Promise<string[]> {
      const batches: Batches['spans'][] = [];
      for (const [index, count] of counts.entries()) {
        const root = index * 1_000_000 + 1;
        const sketches: SpanSketch[] = [{ trace: index + 1, id: root }];
        for (let id = root + 1; id < root + count; id += 1) sketches.push({ trace: index + 1, id, parent: root });
        batches.push((await decoders.spans(Buffer.from(JSON.stringify(spansRequest(sketches))))).items);
      }
      // All at once, so that they are of one load where that has room.
      for (const batch of batches) ingest.take('spans', batch, 100);
      return counts.map((_count, index) => traceIdOf(index + 1));
    },
    /** Takes spans of one trace, with these numbers. */
    async take(first: number, last = first): Promise<void> {
      const sketches = Array.from({ length: last - first + 1 }, (_, index) => ({ trace: 1, id: first + index }));
      const { items } = await decoders.spans(Buffer.from(JSON.stringify(spansRequest(sketches))));
      ingest.take('spans', items, 100);
    },
    stored: () => real.exclusively((session) => session.run(sql`SELECT span_id FROM spans`)),
  };
}

describe('what is stored', () => {
  it('is read back exactly as it was sent, special characters included', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const long = '🚕'.repeat(25_000);
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`key.${index}`, index]));
    const awkward = {
      'unit.separator': 'a\u001fb\u001f0\u001ec',
      nul: 'before\u0000after',
      empty: '',
      '': 'no key',
      "quote'": "'; DROP TABLE spans; --",
      emoji: '👩‍🚒🚕',
      long,
      yes: true,
      no: false,
      half: 0.5,
      'http.response.status_code': 200,
      'db.query.text': 'SELECT\n1',
      'a\u001fkey': 'x',
      'http.request.method': 'GET\u001fx',
      'http.route': '\u001e',
      'url.full': '\u001eurl',
      'url.path': '',
      'server.address': 'server',
      'db.system.name': 'postgresql',
      'error.type': 'timeout',
      'session.id': 'me',
      'hotrod.customer.id': 123,
      'hotrod.customer.name': "Rachel's",
    };
    const events = [
      {
        timeUnixNano: '1763712000123456789',
        name: 'exception',
        attributes: keyValues({ 'exception.message': '💥', n: 3 }),
      },
    ];
    const links = [{ traceId: traceIdOf(9), spanId: spanIdOf(9), attributes: keyValues({ why: 'retry' }) }];
    await sendSpans(
      observatory,
      { trace: 1, id: 1, attributes: awkward, more: { events, links } },
      { trace: 1, id: 2, parent: 1, attributes: many },
      { trace: 1, id: 3, parent: 1 },
      {
        trace: 1,
        id: 4,
        parent: 1,
        more: {
          attributes: [
            { key: 'big', value: { intValue: '9223372036854775807' } },
            { key: 'small', value: { intValue: '-9223372036854775808' } },
            { key: 'none', value: {} },
            { key: 'nan', value: { doubleValue: 'NaN' } },
            {
              key: 'list',
              value: {
                arrayValue: { values: [{ stringValue: 'a' }, { intValue: '9007199254740993' }, { boolValue: true }] },
              },
            },
            { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { doubleValue: 1.5 } }] } } },
            { key: 'bytes', value: { bytesValue: 'AAEC/w==' } },
          ],
        },
      },
      { trace: 1, id: 5, parent: 1, startMs: 50, ms: -40 },
    );
    const spans = await storedSpans(observatory, 1);
    expect(spans.map(readAttributes)).toEqual([
      awkward,
      many,
      {},
      {
        big: '9223372036854775807',
        small: '-9223372036854775808',
        none: null,
        nan: 'NaN',
        list: ['a', '9007199254740993', true],
        map: { k: 1.5 },
        bytes: 'AAEC/w==',
      },
      {},
    ]);
    expect(JSON.parse(String(spans[0]?.events))).toEqual([
      { timeNs: '1763712000123456789', name: 'exception', attributes: { 'exception.message': '💥', n: 3 } },
    ]);
    expect(JSON.parse(String(spans[0]?.links))).toEqual([
      { traceId: traceIdOf(9), spanId: spanIdOf(9), attributes: { why: 'retry' } },
    ]);
    expect(spans.map((span) => [span.parent_span_id, span.duration_ns])).toEqual([
      [null, 10_000_000n],
      [spanIdOf(1), 10_000_000n],
      [spanIdOf(1), 10_000_000n],
      [spanIdOf(1), 10_000_000n],
      [spanIdOf(1), 0n],
    ]);
    expect(spans[0]).toMatchObject({
      http_response_status_code: '200',
      db_query_text: 'SELECT\n1',
      start_ns: BigInt(sketchEpochMs) * 1_000_000n,
    });
  });

  it('counts its attribute keys by type, and no span twice', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    await sendSpans(
      observatory,
      { trace: 1, id: 1, attributes: { k: 'a', n: 1 } },
      { trace: 1, id: 2, attributes: { k: 5 } },
    );
    await observatory.flush();
    await sendSpans(
      observatory,
      { trace: 1, id: 1, attributes: { k: 'a', n: 1 } },
      { trace: 1, id: 3, attributes: { k: true } },
    );
    await observatory.flush();
    expect(await query(observatory, keyCatalogue)).toEqual([
      { key: 'k', place: 'span', strings: 1n, numbers: 1n, booleans: 1n, others: 0n },
      { key: 'n', place: 'span', strings: 0n, numbers: 1n, booleans: 0n, others: 0n },
      { key: 'service.name', place: 'resource', strings: 1n, numbers: 0n, booleans: 0n, others: 0n },
    ]);
  });

  it('holds logs and metrics too', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const resource = { attributes: keyValues({ 'service.name': 'driver' }) };
    await send(observatory, 'logs', {
      resourceLogs: [
        {
          resource,
          scopeLogs: [
            {
              logRecords: [
                {
                  timeUnixNano: '5',
                  body: { stringValue: 'lost' },
                  traceId: traceIdOf(1),
                  attributes: keyValues({ tries: 3 }),
                },
              ],
            },
          ],
        },
      ],
    });
    await send(observatory, 'metrics', {
      resourceMetrics: [
        {
          resource,
          scopeMetrics: [
            {
              metrics: [
                { name: 'g', unit: 's', gauge: { dataPoints: [{ timeUnixNano: '6', asInt: '9223372036854775807' }] } },
              ],
            },
          ],
        },
      ],
    });
    await observatory.flush();
    expect(await query(observatory, sql`FROM logs`)).toMatchObject([
      {
        time_ns: 5n,
        body: 'lost',
        service: 'driver',
        trace_id: traceIdOf(1),
        attributes: { tries: '3' },
        types: '{"tries":"i"}',
      },
    ]);
    expect(await query(observatory, sql`FROM metrics`)).toMatchObject([
      { time_ns: 6n, name: 'g', kind: 'gauge', value_integer: 9_223_372_036_854_775_807n, attributes: {} },
    ]);
  });
});

describe('a trace', () => {
  const statement = { 'db.query.text': 'SELECT slow' };

  it('that comes in pieces, children first, has one entry span with all of them', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    await sendSpans(observatory, {
      trace: 1,
      id: 3,
      parent: 2,
      service: 'customer',
      kind: 3,
      ms: 300,
      attributes: statement,
    });
    await observatory.flush();
    await sendSpans(observatory, { trace: 1, id: 1, kind: 2, ms: 400 });
    expect(await roots(observatory, 1)).toMatchObject([{ span_id: spanIdOf(1), span_count: 2 }]);
    await sendSpans(observatory, { trace: 1, id: 2, parent: 1, service: 'customer', kind: 2, ms: 310, error: true });
    expect(await roots(observatory, 1)).toMatchObject([
      {
        span_id: spanIdOf(1),
        span_count: 3,
        error_count: 1,
        services: 'customer, frontend',
        slowest_statement: 'SELECT slow',
        slowest_statement_ns: 300_000_000n,
        service_ns: { frontend: 400_000_000n, customer: 310_000_000n },
      },
    ]);
  });

  it('that was over goes on when late spans come, also after a restart, and drops duplicates', async () => {
    const directory = await temporaryDirectory();
    const first = await startTestObservatory(directory);
    await sendSpans(
      first,
      { trace: 1, id: 1, kind: 2, attributes: { a: 1 } },
      { trace: 1, id: 2, parent: 1 },
      { trace: 2, id: 1 },
    );
    await first.close();
    const second = await startTestObservatory(directory);
    expect(await query(second, places)).toEqual([{ fresh: 0, settled: 2, open: 0 }]);
    await sendSpans(
      second,
      { trace: 1, id: 2, parent: 1 },
      { trace: 1, id: 3, parent: 1, ms: 20, attributes: statement },
    );
    expect(await roots(second, 1)).toMatchObject([
      {
        span_id: spanIdOf(1),
        span_count: 3,
        slowest_statement: 'SELECT slow',
        attributes: { a: '1' },
        types: '{"a":"i"}',
      },
    ]);
    expect(await query(second, places)).toEqual([{ fresh: 1, settled: 1, open: 1 }]);
    expect(await storedSpans(second, 1)).toHaveLength(3);
    expect(second.telemetry.text()).toContain('observatory_duplicate_spans_total 1');
    await second.close();
    const third = await startTestObservatory(directory);
    expect(await roots(third, 1)).toMatchObject([{ span_id: spanIdOf(1), span_count: 3 }]);
    expect(await query(third, places)).toEqual([{ fresh: 0, settled: 2, open: 0 }]);
  });

  it('is read back whole, part by part when it is large', async () => {
    const { ingest, database, takeTraces } = await startFailing(() => undefined);
    const counts = [3_000, 22_000, 3_000, 3_000];
    const ids = await takeTraces(...counts);
    await ingest.close();
    let most = 0;
    const rows = (async (name, input) => {
      const found = await database.writer.rows(name, input);
      if (name === 'ingest-spans-of-traces') most = Math.max(most, found.length);
      return found;
    }) as Database['writer']['rows'];
    const reading = { ...database, writer: { rows } };
    const reader = await createTraceReader(reading, await createResourceNumbers(reading));
    const spans = new Map<string, number>();
    for (const id of (await reader.settledTraces(ids)).spans.traceIds) spans.set(id, (spans.get(id) ?? 0) + 1);
    expect(ids.map((id) => spans.get(id))).toEqual(counts);
    expect(most).toBeLessThan(15_000);
  });

  it('is stored once when it is sent twice at the same time', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const spans = Array.from({ length: 50 }, (_, index) => ({
      trace: 1,
      id: index + 1,
      ...(index > 0 ? { parent: 1 } : {}),
    }));
    await Promise.all([
      sendSpans(observatory, ...spans),
      sendSpans(observatory, ...spans),
      sendSpans(observatory, ...spans),
    ]);
    expect(await storedSpans(observatory, 1)).toHaveLength(50);
    expect(await roots(observatory, 1)).toMatchObject([{ span_count: 50 }]);
    expect(await observatory.parts.status()).toMatchObject({
      received: { spans: 150 },
      stored: { spans: 150 },
      traces: 1,
    });
  });
});

describe('telemetry that nobody expects', () => {
  const nanoseconds = (text: string) => ({ startTimeUnixNano: '0', endTimeUnixNano: text });
  const cases: { name: string; sketches: SpanSketch[] }[] = [
    { name: 'a span as long as time', sketches: [{ trace: 1, id: 1, more: nanoseconds('9223372036854775807') }] },
    {
      name: 'a statement as long, in a service that is as busy twice',
      sketches: [
        { trace: 1, id: 1 },
        ...[2, 3].map((id) => ({
          trace: 1,
          id,
          parent: 1,
          service: 'other',
          attributes: { 'db.query.text': 'SELECT 1' },
          more: nanoseconds('9223372036854775807'),
        })),
      ],
    },
    {
      name: 'services that differ in a control character',
      sketches: [
        { trace: 1, id: 1, service: 'a b' },
        { trace: 1, id: 2, parent: 1, service: 'a\u001fb' },
      ],
    },
  ];
  it.each(cases)('is stored, or rejected alone: $name', async ({ sketches }) => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const answers = await Promise.all([
      send(observatory, 'traces', spansRequest(sketches)),
      send(observatory, 'traces', spansRequest([{ trace: 2, id: 9, attributes: { 'customer.name': 'Alice' } }])),
    ]);
    for (const { ok } of answers) expect(ok).toBe(true);
    expect(await storedSpans(observatory, 2)).toMatchObject([{ attributes: { 'customer.name': 'Alice' } }]);
    await sendSpans(observatory, { trace: 3, id: 10, service: 'third', attributes: { 'card.number': 'x' } });
    expect(await storedSpans(observatory, 3)).toMatchObject([{ service: 'third', attributes: { 'card.number': 'x' } }]);
    expect(await roots(observatory, 3)).toMatchObject([{ span_count: 1 }]);
    expect(observatory.telemetry.text()).toContain('observatory_lost_items_total 0');
    expect((await observatory.parts.status()).queue.items).toBe(0);
  });
});

describe('a long text', () => {
  const long = `SELECT ${'ü, '.repeat(30_000)}1`;

  it('of a hot attribute is read back whole, and its column holds the beginning', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const attributes = { 'db.query.text': long, 'http.route': '/', 'url.full': 'short' };
    await sendSpans(
      observatory,
      { trace: 1, id: 1, attributes },
      { trace: 1, id: 2, parent: 1, attributes: { 'db.query.text': 'x' } },
    );
    const [span, other] = await storedSpans(observatory, 1);
    expect(readAttributes(span ?? {})).toEqual(attributes);
    const beginning = String(span?.['db_query_text']);
    expect(long.startsWith(beginning)).toBe(true);
    expect([15_999, 16_000]).toContain(Buffer.byteLength(beginning));
    expect([other?.['db_query_text'], other?.['attributes']]).toEqual(['x', {}]);
    // The same where its trace is read back and told anew.
    expect(await roots(observatory, 1)).toMatchObject([{ db_query_text: beginning, slowest_statement: beginning }]);
  });

  it('does not make its neighbours too large to be read', async () => {
    const directory = await temporaryDirectory();
    const limit = { memoryLimitMb: 96 };
    const first = await startTestObservatory(directory, limit);
    const stacktrace = [
      { timeUnixNano: '1', name: 'exception', attributes: keyValues({ 'exception.stacktrace': long }) },
    ];
    const much = { attributes: { 'db.query.text': long, 'url.full': long }, more: { events: stacktrace } };
    const spans = Array.from({ length: 3_000 }, (_, index) => ({
      trace: 2,
      id: index + 10,
      ...(index > 0 && { parent: 10 }),
    }));
    await sendSpans(first, { trace: 1, id: 1, ...much }, ...spans);
    await first.close(); // writes the blocks as they stay
    expect(first.telemetry.text()).toContain('observatory_lost_items_total 0');
    const second = await startTestObservatory(directory, limit);
    const answer = await fetch(`${second.url}/api/traces/${traceIdOf(2)}`);
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as Trace).spans).toHaveLength(spans.length);
  });
});

describe('a flush', () => {
  const { flushIntervalMs, quietCheckpointIntervalMs, windowMs } = ingestDefaults;

  it('begins by itself when an item has waited for its time', async () => {
    const { ingest, telemetry, clock, take } = await startFailing(() => undefined);
    await take(1);
    clock.advance(flushIntervalMs - 1);
    await setImmediate();
    expect([ingest.waiting(), telemetry.counts().stored.spans]).toEqual([1, 0]);
    clock.advance(1);
    await expect.poll(() => telemetry.counts().stored.spans).toBe(1);
    expect(ingest.waiting()).toBe(0);
  });

  it('waits for more when many items wait', async () => {
    const { ingest, telemetry, clock, take } = await startFailing(() => undefined);
    await take(1, 5_000);
    clock.advance(999);
    await setImmediate();
    expect(ingest.waiting()).toBe(5_000);
    clock.advance(1);
    await expect.poll(() => telemetry.counts().stored.spans).toBe(5_000);
  });

  it('is followed by a checkpoint when the last one is long enough ago', async () => {
    const { telemetry, clock, take } = await startFailing(() => undefined);
    const checkpoints = () => /checkpoint_seconds_count (\d+)/.exec(telemetry.text())?.[1];
    await take(1);
    clock.advance(flushIntervalMs);
    await expect.poll(() => telemetry.counts().stored.spans).toBe(1);
    expect(checkpoints()).toBe('0');
    clock.advance(quietCheckpointIntervalMs);
    await expect.poll(checkpoints).toBe('1');
  });

  it('that is late stops the intake until it is done', async () => {
    const { ingest, clock, take } = await startFailing(() => undefined);
    await take(1);
    const flushed = ingest.flush();
    clock.advance(windowMs);
    expect(ingest.hasRoom(1, 1)).toBe(true);
    expect([ingest.exceedsItems(1), ingest.exceedsItems(ingestDefaults.queueItems)]).toEqual([false, true]);
    clock.advance(1);
    expect([ingest.hasRoom(1, 1), ingest.unstoredSeconds()]).toEqual([false, (windowMs + 1) / 1000]);
    await flushed;
    expect([ingest.hasRoom(1, 1), ingest.unstoredSeconds()]).toEqual([true, 0]);
    // Into an empty queue any request may go, or it would be refused for ever.
    expect(ingest.exceedsItems(ingestDefaults.queueItems + 1)).toBe(false);
  });
});

describe('a store that fails', () => {
  it('for lack of room keeps what was acknowledged, takes nothing else and says so, until there is room', async () => {
    let full = true;
    let attempts = 0;
    const { ingest, telemetry, errors, endings, clock, take, stored } = await startFailing(() => {
      if (!full) return undefined;
      attempts += 1;
      return 'IO Error: No space left on device';
    });
    await take(1);
    const flushed = ingest.flush();
    // More attempts than a load has that fails for another reason.
    await expect.poll(() => attempts).toBeGreaterThan(20);
    expect(ingest.failure()).toContain('no room left');
    expect([ingest.hasRoom(1, 1), ingest.waiting(), telemetry.counts().stored.spans]).toEqual([false, 1, 0]);
    full = false;
    await flushed;
    expect([ingest.failure(), ingest.waiting(), telemetry.counts().stored.spans]).toEqual([null, 0, 1]);
    expect([ingest.hasRoom(1, 1), errors.length, endings]).toEqual([true, attempts, []]);
    expect(clock.waits()).toEqual(Array.from({ length: attempts }, () => ingestDefaults.retryMs));
    expect(await stored()).toEqual([{ span_id: spanIdOf(1) }]);
  });

  it('while traces are read back leaves no half-read spans behind', async () => {
    const { ingest, database, takeTraces } = await startFailing(() => undefined);
    // More than are read at once.
    const ids = await takeTraces(...Array.from({ length: 300 }, () => 1));
    await ingest.close();
    let reads = 0;
    const rows: Database['writer']['rows'] = async (name, input) => {
      if (name === 'ingest-spans-of-traces' && (reads += 1) === 2) throw new Error('IO Error');
      return database.writer.rows(name, input);
    };
    const reading = { ...database, writer: { rows } };
    const reader = await createTraceReader(reading, await createResourceNumbers(reading));
    await expect(reader.settledTraces(ids)).rejects.toThrow('IO Error');
    const { spans } = await reader.settledTraces(ids.slice(0, 1));
    expect(spans.traceIds).toEqual(ids.slice(0, 1));
  });

  it('while roll-ups are staged, or spans, stores them once it works again', async () => {
    const { ingest, errors, telemetry, take, stored, failLoads } = await startFailing(() => undefined);
    for (const [index, table] of ['staged_roots', 'staged_spans'].entries()) {
      failLoads(table, 'Out of Memory Error', 2);
      await take(index + 1);
      await ingest.flush();
      expect(errors).toHaveLength(2 * (index + 1));
    }
    expect([ingest.failure(), ingest.waiting(), telemetry.counts().stored.spans]).toEqual([null, 0, 2]);
    expect(await stored()).toEqual([{ span_id: spanIdOf(1) }, { span_id: spanIdOf(2) }]);
  });

  it('while logs are staged keeps the spans that came with them', async () => {
    const { ingest, telemetry, take, takeLogs, stored, failLoads } = await startFailing(() => undefined);
    failLoads('staged_logs', 'Conversion Error', Infinity);
    await take(1);
    await takeLogs(3);
    await ingest.flush();
    expect(telemetry.text()).toContain('observatory_lost_items_total 3');
    expect([ingest.waiting(), telemetry.counts().stored]).toEqual([0, { spans: 1, logs: 0, metrics: 0 }]);
    expect(await stored()).toEqual([{ span_id: spanIdOf(1) }]);
  });

  it('on one row gives that row up alone, counts it, and goes on', async () => {
    const { ingest, telemetry, errors, take, stored } = await startFailing(
      () => undefined,
      (name, { from, to }) => (name === 'ingest-spans' && from <= 6 && to > 6 ? 'Conversion Error' : undefined),
    );
    await take(1, 10);
    await ingest.flush();
    expect(errors.filter((message) => message === 'An item was given up')).toHaveLength(1);
    expect(telemetry.text()).toContain('observatory_lost_items_total 1');
    expect([ingest.waiting(), ingest.failure(), telemetry.counts().stored.spans]).toEqual([0, null, 9]);
    const ids = [1, 2, 3, 4, 5, 6, 8, 9, 10].map((id) => ({ span_id: spanIdOf(id) }));
    expect(await stored()).toEqual(ids);
  });

  it('for lack of memory stores what is too much at once in parts', async () => {
    const { ingest, telemetry, endings, take, stored } = await startFailing(
      () => undefined,
      (name, { from, to }) => (name === 'ingest-spans' && to - from > 300 ? 'Out of Memory Error' : undefined),
    );
    await take(1, 2_000);
    await ingest.flush();
    expect([ingest.waiting(), ingest.failure(), telemetry.counts().stored.spans]).toEqual([0, null, 2_000]);
    expect(new Set((await stored()).map((row) => row['span_id'])).size).toBe(2_000);
    expect([telemetry.text(), endings]).toEqual([expect.stringContaining('observatory_lost_items_total 0'), []]);
  });

  it('every time is opened anew, then given up with a sentence, and takes nothing from then on', async () => {
    const { ingest, telemetry, endings, reattached, take, stored } = await startFailing(() => 'Conversion Error');
    await take(1);
    await ingest.flush();
    expect([reattached(), endings]).toEqual([1, [expect.stringContaining('could not be stored')]]);
    expect(telemetry.text()).toContain('observatory_lost_items_total 1');
    expect([ingest.hasRoom(1, 1), telemetry.counts().stored.spans, await stored()]).toEqual([false, 0, []]);
  });

  it('takes a burst in transactions of a group of rows each, and none of it is lost', async () => {
    const loads: unknown[] = [];
    const { ingest, telemetry, take, stored } = await startFailing(
      () => undefined,
      (name) => {
        loads.push(name);
        return undefined;
      },
    );
    const burst = 2 * rowGroupSize + 1000;
    // In requests that do not end where a group of rows does.
    for (let first = 1; first <= burst; first += 7000) await take(first, Math.min(burst, first + 6999));
    await ingest.flush();
    expect(loads.filter((name) => name === 'ingest-spans')).toHaveLength(3);
    expect([ingest.waiting(), telemetry.counts().stored.spans]).toEqual([0, burst]);
    expect(new Set((await stored()).map((row) => row['span_id'])).size).toBe(burst);
  });

  it('between two loads takes out again, at the next start, the traces that only the first of them has whole requests of', async () => {
    let loads = 0;
    const { ingest, telemetry, endings, takeTraces, database } = await startFailing(
      () => undefined,
      (name) => {
        if (name === 'ingest-spans') loads += 1;
        return loads > 1 ? 'FATAL Error: database has been invalidated because of a previous fatal error' : undefined;
      },
    );
    // A group of rows ends within the third.
    const ids = await takeTraces(20_000, 10_000, 2_000);
    await ingest.flush().catch(() => undefined);
    expect(endings).toHaveLength(1);
    expect(telemetry.counts().stored.spans).toBe(30_000);
    const counts = sql`SELECT trace_id, count(*)::INTEGER AS spans FROM spans GROUP BY trace_id ORDER BY trace_id`;
    const spansOf = () => database.exclusively((session) => session.run(counts));
    expect(await spansOf()).toHaveLength(3);
    const again = await createIngest(database, createTelemetry(), { error: () => undefined });
    onTestFinished(() => again.close());
    expect(await spansOf()).toEqual([
      { trace_id: ids[0], spans: 20_000 },
      { trace_id: ids[1], spans: 10_000 },
    ]);
  });
});

describe('what one sender sends', () => {
  it('may have as many keys as fit into a request, and loses no other span', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const keys = (span: number) =>
      Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`key.${span}.${index}`, index]));
    for (const id of [1, 2, 3, 4]) {
      await sendSpans(observatory, { trace: 1, id, attributes: keys(id) });
      await observatory.flush();
    }
    expect(await storedSpans(observatory, 1)).toHaveLength(4);
    for (let id = 100; id < 105; id += 1) {
      await sendSpans(observatory, { trace: 2, id, attributes: { 'customer.name': 'Alice' } });
      await observatory.flush();
    }
    expect(await storedSpans(observatory, 2)).toHaveLength(5);
    expect(observatory.telemetry.text()).toContain('observatory_lost_items_total 0');
    const [first] = await storedSpans(observatory, 1);
    expect(Object.keys(first?.['attributes'] as object)).toHaveLength(40_000);
    // Few of those are catalogued, and what comes later is.
    const catalogue = await query(observatory, sql`SELECT key FROM attribute_keys`);
    expect(catalogue.length).toBeLessThanOrEqual(10_000);
    expect(catalogue).toContainEqual({ key: 'customer.name' });
  });
});

describe('the file', () => {
  it('of another version of the Observatory is refused and left as it is', async () => {
    const directory = await temporaryDirectory();
    const first = await startTestObservatory(directory);
    await first.database.exclusively((session) => session.run(sql`UPDATE store.schema_version SET version = 99`));
    await first.close();
    await expect(startTestObservatory(directory)).rejects.toThrow(/another version of the Observatory/);
  });

  it('cannot be opened twice in a process', async () => {
    const directory = await temporaryDirectory();
    await startTestObservatory(directory);
    await expect(startTestObservatory(directory)).rejects.toThrow(/another Observatory runs on it/);
  });
});
