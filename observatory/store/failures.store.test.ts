import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { send, spansRequest, startTestObservatory, temporaryDirectory } from '../fixtures/test-observatory.ts';
import { failureKind, OpenError } from './failures.ts';

const name = 'observatory.duckdb';

/** A database of some thousand spans, the last of them in the write-ahead log, as `kill -9` leaves it. */
async function fullDatabase(): Promise<string> {
  const directory = await temporaryDirectory();
  const observatory = await startTestObservatory(directory);
  for (const trace of [1, 2]) {
    const spans = Array.from({ length: 3_000 }, (_, index) => ({
      trace,
      id: index + 1,
      attributes: { 'http.route': `/${index % 7}`, note: `note ${index}` },
    }));
    await send(observatory, 'traces', spansRequest(spans));
    await observatory.flush();
    if (trace === 1) await observatory.database.reattach();
  }
  const copy = await temporaryDirectory();
  await cp(directory, copy, { recursive: true });
  return copy;
}

function overwrite(path: string, at: number, bytes: number, value: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(bytes, value), 0, bytes, at);
  closeSync(file);
}

const block = 262_144;
const damages: Record<string, (file: string, wal: string) => void> = {
  'is cut to its half': (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
  'is cut to a header': (file) => truncateSync(file, 4_096),
  'is cut within its header': (file) => truncateSync(file, 100),
  'has no first header': (file) => overwrite(file, 0, 4_096, 0),
  'has neither of its second headers': (file) => overwrite(file, 4_096, 8_192, 0),
  'has noise for a block': (file) => overwrite(file, 12_288, block, 0xa5),
  'has a byte changed in each block': (file) => {
    for (let at = 12_288 + 5_000; at < statSync(file).size; at += block) overwrite(file, at, 1, 0x5a);
  },
  'is a text': (file) =>
    writeFileSync(file, 'no database at all, but some text that is long enough to look at\n'.repeat(200)),
  'has a log of noise': (_file, wal) => writeFileSync(wal, Buffer.alloc(50_000, 0x5a)),
  'has a byte changed in its log': (_file, wal) => overwrite(wal, Math.floor(statSync(wal).size / 2), 1, 0x5a),
  'has a log that is cut': (_file, wal) => truncateSync(wal, Math.floor(statSync(wal).size / 2)),
  'has a log of another database': (_file, wal) => overwrite(wal, 20, 16, 0x5a),
};

describe('a database file', () => {
  it.each(Object.entries(damages))(
    'that %s is refused in one sentence, or read; kept as it is, and set aside on demand',
    async (_what, damage) => {
      const directory = await fullDatabase();
      const file = join(directory, name);
      damage(file, `${file}.wal`);
      const before = readFileSync(file);
      const failure = await startTestObservatory(directory).then(
        async (observatory) => {
          await observatory.close();
          return null;
        },
        (error: unknown) => error as Error,
      );
      if (failure === null) return;
      expect(failure).toBeInstanceOf(OpenError);
      expect(failure.message).toContain(file);
      expect(failure.message).toMatch(/move .* away|--start-anew/);
      expect(failure.message.length).toBeLessThan(1_000);
      expect(failure.message).not.toMatch(/\n|Stack Trace|duckdb::/);
      expect(readFileSync(file).equals(before)).toBe(true);
      if (!(failure as OpenError).damaged) return;
      const anew = await startTestObservatory(directory, {}, { startAnew: true });
      expect(await anew.parts.status()).toMatchObject({ traces: 0 });
      const kept = (await readdir(directory)).find((entry) => entry.includes('.damaged-') && !entry.endsWith('.wal'));
      expect(readFileSync(join(directory, kept ?? '')).equals(before)).toBe(true);
    },
  );

  it('that is a directory is refused in one sentence', async () => {
    const directory = await temporaryDirectory();
    mkdirSync(join(directory, name));
    await expect(startTestObservatory(directory)).rejects.toThrow(OpenError);
  });
});

it('classifies the error messages of DuckDB', () => {
  const cases = {
    'FATAL Error: Failed: database has been invalidated because of a previous fatal error.': 'broken',
    'IO Error: Checkpoint failed for database "store". The database has been invalidated. Original error: x':
      'detached',
    'TransactionContext Error: Failed to commit: Could not write file "o.duckdb": File too large': 'room',
    'IO Error: Could not write file "o.duckdb.wal": No space left on device': 'room',
    'Out of Memory Error: failed to allocate data of size 1.0 MiB (159.8 MiB/160.0 MiB used)': 'memory',
    'IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 3':
      'damage',
    'Binder Error: Catalog "store" does not exist!': 'detached',
    'Conversion Error: Could not convert string': 'other',
  };
  for (const [text, kind] of Object.entries(cases)) expect([text, failureKind(new Error(text))]).toEqual([text, kind]);
});
