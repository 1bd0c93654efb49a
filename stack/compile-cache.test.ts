import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { pruneCompileCache } from './compile-cache.ts';

const hour = 3_600_000;
const day = 24 * hour;
const nowMs = Date.now();
const bounds = { maxBytes: 350, maxAgeMs: 14 * day, inUseMs: hour };

/** A cache with a file of a hundred bytes for each age, in milliseconds. */
function createCache(agesMs: Readonly<Record<string, number>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'compile-cache-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [path, ageMs] of Object.entries(agesMs)) {
    const file = join(directory, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'x'.repeat(100));
    const used = new Date(nowMs - ageMs);
    utimesSync(file, used, used);
  }
  return directory;
}

test('removes what was not used for two weeks, and the directory that is empty then', async () => {
  const directory = createCache({ 'v22/a': 15 * day, 'v24/b': 13 * day, 'v24/c': 0 });
  expect(await pruneCompileCache(directory, bounds, nowMs)).toEqual({ files: 1, bytes: 100 });
  expect(existsSync(join(directory, 'v22'))).toBe(false);
  expect(readdirSync(join(directory, 'v24')).toSorted()).toEqual(['b', 'c']);
});

test('removes the least recently used until the rest fits', async () => {
  const directory = createCache({
    'v24/a': 5 * day,
    'v24/b': 2 * day,
    'v24/c': 4 * day,
    'v24/d': 3 * day,
    'v24/e': day,
  });
  expect(await pruneCompileCache(directory, bounds, nowMs)).toEqual({ files: 2, bytes: 200 });
  expect(readdirSync(join(directory, 'v24')).toSorted()).toEqual(['b', 'd', 'e']);
});

test('keeps what may be in use, though it does not fit', async () => {
  const directory = createCache({ 'v24/a': 0, 'v24/b': hour / 2, 'v24/c': 1_000, 'v24/d': 2_000, 'v24/e': 2 * hour });
  expect(await pruneCompileCache(directory, bounds, nowMs)).toEqual({ files: 1, bytes: 100 });
  expect(readdirSync(join(directory, 'v24')).toSorted()).toEqual(['a', 'b', 'c', 'd']);
});

test('does nothing when there is no cache', async () => {
  expect(await pruneCompileCache(join(tmpdir(), 'no-such-cache'), bounds, nowMs)).toEqual({ files: 0, bytes: 0 });
});
