import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  keyValues,
  send,
  sketchEpochMs,
  type SpanSketch,
  spansRequest,
  startTestObservatory,
  temporaryDirectory,
  traceIdOf,
} from '../../fixtures/test-observatory.ts';
import type { Observatory } from '../../observatory.ts';
import { applyRetention, databaseBytes } from './retention.ts';
import { type Sql, sql } from '../sql.ts';

const hourMs = 3_600_000;

async function start() {
  const directory = await temporaryDirectory();
  const path = join(directory, 'observatory.duckdb');
  // Its own retention looks once a minute, and would not keep spans of 1970; a busy machine may need longer than that.
  const observatory = await startTestObservatory(directory, { retentionHours: 1_000_000 });
  return { directory, path, observatory };
}

async function store(observatory: Observatory, sketches: SpanSketch[]): Promise<void> {
  await send(observatory, 'traces', spansRequest(sketches));
  await observatory.flush();
}

async function traces(observatory: Observatory): Promise<unknown[]> {
  const rows = await observatory.database.exclusively((session) =>
    session.run<{ id: string }>(sql`SELECT DISTINCT trace_id AS id FROM spans ORDER BY id`),
  );
  return rows.map(({ id }) => id);
}

describe('retention', () => {
  it('deletes what is too old, and nothing else', async () => {
    const { path, directory, observatory } = await start();
    await store(observatory, [
      { trace: 1, id: 1, startMs: -3 * hourMs },
      { trace: 2, id: 1, startMs: -hourMs },
      { trace: 3, id: 1 },
    ]);
    const log = (ms: number) => ({
      timeUnixNano: String(BigInt(sketchEpochMs + ms) * 1_000_000n),
      body: { stringValue: String(ms) },
    });
    await send(observatory, 'logs', {
      resourceLogs: [
        {
          resource: { attributes: keyValues({ 'service.name': 'a' }) },
          scopeLogs: [{ logRecords: [log(-3 * hourMs), log(0)] }],
        },
      ],
    });
    await observatory.close();

    const again = await startTestObservatory(directory);
    await applyRetention(again.database, { path, hours: 2, maxMb: 1_000 }, sketchEpochMs);
    expect(await traces(again)).toEqual([traceIdOf(2), traceIdOf(3)]);
    expect(
      await again.database.exclusively((session) =>
        session.run(
          sql`SELECT (SELECT count(*)::INTEGER FROM roots) AS roots, (SELECT string_agg(body) FROM logs) AS logs`,
        ),
      ),
    ).toEqual([{ roots: 2, logs: '0' }]);
    expect(await again.parts.status()).toMatchObject({ traces: 2 });
  });

  it('deletes the oldest where the database is too large, and its blocks are used again', async () => {
    const { path, observatory } = await start();
    const run = (text: Sql): Promise<Record<string, unknown>[]> =>
      observatory.database.exclusively((session) => session.run(text));
    // A span a second, with ids that compress badly; each with an entry span.
    await run(sql`
      INSERT INTO store.settled_roots BY NAME
      SELECT md5(i::VARCHAR) AS trace_id, md5((-i)::VARCHAR)[:16] AS span_id, i * 1000000000 AS start_ns, 1 AS duration_ns, 'a' AS service,
        'n' AS name, 'server' AS kind, 'unset' AS status, false AS error, 1 AS resource_id, map(['noise'], [md5((i * 3)::VARCHAR)]) AS attributes,
        i AS trace_key, start_ns AS trace_start_ns, start_ns AS trace_end_ns, 1 AS span_count, 0 AS error_count, 'a' AS services, map(['a'], [1]) AS service_ns
      FROM range(150000) t(i)`);
    await run(
      sql`INSERT INTO store.spans BY NAME SELECT trace_id, span_id, start_ns, duration_ns, service, name, kind, status, error, resource_id, attributes FROM store.settled_roots`,
    );
    await run(sql`CHECKPOINT store`);
    const before = await databaseBytes(observatory.database, path);
    const limitMb = Math.floor(before / 2 ** 20 / 2);
    await applyRetention(observatory.database, { path, hours: 1_000_000, maxMb: limitMb });
    expect(await databaseBytes(observatory.database, path)).toBeLessThanOrEqual(limitMb * 2 ** 20);
    const seconds = sql`SELECT (min(start_ns) / 1e9)::INTEGER AS first, (max(start_ns) / 1e9)::INTEGER AS last, count(*)::INTEGER AS n FROM `;
    const [spans] = await run(sql`${seconds}spans`);
    // The youngest are left, about half of them, and all of those.
    expect(spans).toEqual({ first: 150_000 - Number(spans?.n), last: 149_999, n: expect.any(Number) });
    expect(spans?.n).toBeGreaterThan(20_000);
    expect(spans?.n).toBeLessThan(110_000);
    expect(await run(sql`${seconds}roots`)).toEqual([spans]);
    // Freed blocks are used again: the file does not grow by what comes now.
    const { size } = await stat(path);
    await run(sql`INSERT INTO store.spans SELECT * FROM store.spans LIMIT 30000`);
    await run(sql`CHECKPOINT store`);
    expect((await stat(path)).size).toBeLessThan(size * 1.1);
  });

  it('adds up the catalogue of keys, which each flush adds lines to', async () => {
    const { path, observatory } = await start();
    const flushes = 3;
    const keys = 1_500;
    const attributes = Object.fromEntries(Array.from({ length: keys }, (_, index) => [`key.${index}`, index]));
    for (let id = 1; id <= flushes; id += 1) await store(observatory, [{ trace: 1, id, attributes }]);
    const lines = sql`SELECT count(*)::INTEGER AS lines, sum(numbers)::INTEGER AS numbers FROM store.attribute_keys WHERE place = 'span'`;
    const catalogue = () => observatory.database.exclusively((session) => session.run(lines));
    expect(await catalogue()).toEqual([{ lines: flushes * keys, numbers: flushes * keys }]);
    await applyRetention(observatory.database, { path, hours: 1_000_000, maxMb: 1_000 });
    expect(await catalogue()).toEqual([{ lines: keys, numbers: flushes * keys }]);
  });
});
