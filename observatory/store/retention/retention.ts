import { stat } from 'node:fs/promises';

import type { Database } from '../database.ts';
import { sql } from '../sql.ts';

export interface RetentionOptions {
  path: string;
  hours: number;
  maxMb: number;
}

/**
 * If the database is too large, at least this share of all telemetry is deleted, so that it is not a little every
 * minute.
 */
const stepShare = 0.1;
/**
 * After this many steps that free nothing, retention stops. Blocks become free by whole groups of rows, so a step may
 * free none yet, and that must not lead to deleting everything.
 */
const roundsInVain = 6;
const tables = ['spans', 'settled-roots', 'logs', 'metrics'] as const;
/**
 * From this many lines on, the catalogue of keys is added up: each flush adds a line for each key, and every question
 * reads them all.
 */
const mostKeyLines = 3_000;

/** Bytes in use: of the file's blocks, and of the write-ahead log beside it. */
export async function databaseBytes(
  database: Pick<Database, 'aside'>,
  path: string,
  signal?: AbortSignal,
): Promise<number> {
  const [row] = await database.aside.rows<{ used_bytes: number }>('store-size', signal ? { signal } : {});
  const log = await stat(`${path}.wal`).catch(() => null);
  return (row?.used_bytes ?? 0) + (log?.size ?? 0);
}

/**
 * Deletes what is older than it may be, and of the rest the oldest until the database is small enough. A file of DuckDB
 * never shrinks: the blocks that become free are used again, and only blocks in use are counted.
 */
export async function applyRetention(
  database: Database,
  options: RetentionOptions,
  now: number = Date.now(),
): Promise<void> {
  await addUpKeys(database);
  await deleteBefore(database, BigInt(now - options.hours * 3_600_000) * 1_000_000n);
  const limit = options.maxMb * 2 ** 20;
  let bytes = await databaseBytes(database, options.path);
  for (let inVain = 0; bytes > limit && inVain < roundsInVain;) {
    const [row] = await database.writer.rows<{ cutoff_ns: bigint | null }>('retention-cutoff', {
      parameters: { share: Math.max(stepShare, 1 - limit / bytes) },
    });
    if (row?.cutoff_ns === undefined || row.cutoff_ns === null) return;
    await deleteBefore(database, row.cutoff_ns);
    const left = await databaseBytes(database, options.path);
    inVain = left < bytes ? 0 : inVain + 1;
    bytes = left;
  }
}

/** Makes one line of each key of the catalogue. Those of keys that no span has any more stay. */
async function addUpKeys(database: Database): Promise<void> {
  await database.transaction(async (session) => {
    const [row] = await session.rows<{ lines: number }>('retention-key-lines');
    if ((row?.lines ?? 0) < mostKeyLines) return;
    await session.run(sql`CREATE OR REPLACE TEMP TABLE keys_added_up AS FROM attribute_keys`);
    await session.run(sql`DELETE FROM store.attribute_keys`);
    await session.run(sql`INSERT INTO store.attribute_keys BY NAME FROM keys_added_up`);
    await session.run(sql`DROP TABLE keys_added_up`);
  });
}

async function deleteBefore(database: Database, beforeNs: bigint): Promise<void> {
  let deleted = 0;
  await database.transaction(async (session) => {
    for (const table of tables) {
      const [row] = await session.rows<{ Count: bigint }>(`retention-${table}`, {
        parameters: { before_ns: beforeNs },
      });
      deleted += Number(row?.Count ?? 0);
    }
  });
  // Frees the blocks.
  if (deleted > 0) await database.exclusively((session) => session.run(sql`CHECKPOINT store`));
}
