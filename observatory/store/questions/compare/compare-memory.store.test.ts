import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../database.ts';
import { rowGroupSize } from '../../row-group.ts';
import { sql, type Sql } from '../../sql.ts';
import { askCompare } from './compare.ts';

const traces = 100_000;
const spansOfTrace = 4;
/** Every so many traces have two entry spans. */
const twoEntries = 1_000;
/** More than the answer needs, less than a group for each number and all texts of each trace's entry span take. */
const memoryLimitMb = 72;

/** Entry spans of traces `i`, one each millisecond. */
function entriesSql(values: Sql, from: Sql): Sql {
  return sql`INSERT INTO store.settled_roots BY NAME
    SELECT
      md5(i::VARCHAR) AS trace_id, i AS trace_key, md5((-i)::VARCHAR)[:16] AS span_id, 1000000 AS duration_ns,
      'a' AS service, 'GET /dispatch' AS name, 'server' AS kind, 'unset' AS status, false AS error, 1 AS resource_id,
      map() AS attributes, 0 AS trace_start_ns, 0 AS trace_end_ns, 1 AS span_count, 0 AS error_count, 'a' AS services,
      map(['a'], [1]) AS service_ns, ${values}
    FROM ${from}`;
}

/** Spans in the order of a busy store: thousands of one exporter follow one another, and only the last of them have numbers. */
const spansSql = sql`INSERT INTO store.spans BY NAME
  SELECT
    md5((i // $each)::VARCHAR) AS trace_id, md5((-i)::VARCHAR)[:16] AS span_id, i * 1000000 // $each AS start_ns,
    CASE WHEN i % 100 < 3 THEN 2000000 ELSE 1000 END AS duration_ns, 'a' AS service, 'n' AS name, 'server' AS kind,
    'unset' AS status, false AS error, 1 AS resource_id,
    CASE WHEN i % $group < $group * 0.7 THEN map() ELSE map(['route.eta'], [(i / 7)::VARCHAR]) END AS attributes
  FROM range($spans) t(i)`;

let directory: string;
let database: Database;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'observatory-'));
  const path = join(directory, 'observatory.duckdb');
  const filling = await openDatabase({ path, memoryLimitMb: 512, threads: 2 });
  await filling.exclusively(async (session) => {
    await session.run(sql`INSERT INTO store.attribute_keys
      SELECT unnest(['hotrod.customer.name', 'session.id', 'hotrod.client.id', 'hotrod.request.id', 'thread.id']), 'span', 1, 0, 0, 0
      UNION ALL SELECT 'route.eta', 'span', 0, 1, 0, 0`);
    await session.run(sql`INSERT INTO store.resources VALUES (1, 'f', 'a', map(), NULL)`);
    const ids = sql`'the request number ' || i AS hotrod_request_id, 'the session number ' || i AS session_id,
      'the client number ' || i AS hotrod_client_id`;
    const first = sql`i * 1000000 AS start_ns, ${ids}, 'customer ' || (i % 8) AS hotrod_customer_name,
      CASE WHEN i % $rare > 0 THEN '1' END AS thread_id`;
    await session.run(entriesSql(first, sql`range($traces) t(i)`), { traces, rare: twoEntries });
    const second = sql`i * 1000000 + 1 AS start_ns, 'never' AS hotrod_customer_name, '2' AS thread_id`;
    await session.run(entriesSql(second, sql`range(0, $traces, $rare) t(i)`), { traces, rare: twoEntries });
    await session.run(spansSql, { each: spansOfTrace, group: rowGroupSize, spans: traces * spansOfTrace });
  });
  await filling.close();
  database = await openDatabase({ path, memoryLimitMb, threads: 2 });
}, 120_000);
afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

describe('compare of all spans of many traces', () => {
  it('needs little memory, and counts exactly', async () => {
    const population = { fromMs: 0, toMs: traces, scope: 'spans', filter: undefined } as const;
    const { selected, baseline, attributes } = await askCompare(
      { reader: database.reader },
      population,
      { minMs: 1 },
      40,
    );
    const spans = traces * spansOfTrace;
    expect([selected, baseline]).toEqual([spans * 0.03, spans * 0.97]);
    const counts = (key: string): Record<string, number> => {
      const values = attributes.find((attribute) => [attribute.key, ...attribute.same].includes(key))?.values ?? [];
      return Object.fromEntries(values.map((value) => [value.value, value.selected + value.baseline]));
    };
    const customers = Array.from({ length: 8 }, (_, index) => [`customer ${index}`, spans / 8]);
    expect(counts('root.hotrod.customer.name')).toEqual(Object.fromEntries(customers));
    // The first entry span of these traces has no thread.
    const rare = spans / twoEntries;
    expect(counts('root.thread.id')).toEqual({ 1: spans - rare, 2: rare });
    expect(attributes.find(({ key }) => key === 'route.eta')?.kind).toBe('bins');
  }, 60_000);
});
