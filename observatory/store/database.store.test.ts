import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { openDatabase } from './database.ts';
import { sql } from './sql.ts';

// A machine under load may take ten times as long.
vi.setConfig({ testTimeout: 60_000 });

async function temporaryPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'observatory-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'observatory.duckdb');
}

const open = (path: string, onQuery?: (name: string) => void) =>
  openDatabase({ path, memoryLimitMb: 128, threads: 1, ...(onQuery ? { onQuery } : {}) });

describe('the database', () => {
  it('leaves a file of another version as it is', async () => {
    const path = await temporaryPath();
    const other = await DuckDBInstance.create(path);
    const connection = await other.connect();
    await connection.run('CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (999)');
    connection.closeSync();
    other.closeSync();
    const before = await readFile(path);
    await expect(open(path)).rejects.toThrow('another version');
    expect(before.equals(await readFile(path))).toBe(true);
    expect(await readdir(join(path, '..'))).toEqual(['observatory.duckdb']);
  });

  it('opens a file again, and one that was left before its tables were made', async () => {
    const path = await temporaryPath();
    const empty = await DuckDBInstance.create(path);
    empty.closeSync();
    for (let times = 0; times < 2; times += 1) {
      const database = await open(path);
      expect(await database.reader.rows('marker-count')).toEqual([{ markers: 0 }]);
      await database.close();
    }
  });

  it('makes a new file of small blocks, and opens one of larger blocks as it is', async () => {
    const paths = [await temporaryPath(), await temporaryPath()];
    const other = await DuckDBInstance.create(paths[1]);
    other.closeSync();
    const sizes: unknown[] = [];
    for (const path of paths) {
      const database = await open(path);
      const [row] = await database.exclusively((session) =>
        session.run(sql`SELECT block_size::INTEGER AS size FROM pragma_database_size() WHERE database_name = 'store'`),
      );
      sizes.push(row?.['size']);
      await database.close();
    }
    expect(sizes).toEqual([65_536, 262_144]);
  });

  it('measures every statement, also one that is stopped or fails', async () => {
    const told: string[] = [];
    const database = await open(await temporaryPath(), (name) => told.push(name));
    onTestFinished(() => database.close());
    await expect(database.reader.rows('pattern-check', { parameters: { pattern: '(' } })).rejects.toThrow('missing )');
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(database.aside.rows('marker-count', { signal })).rejects.toThrow('gone');
    expect(told).toEqual(['pattern-check', 'marker-count']);
  });
});
