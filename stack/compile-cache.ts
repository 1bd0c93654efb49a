import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const megabyte = 2 ** 20;

/** How much of Node's compile cache is kept. */
export interface CacheBounds {
  /** All files together, in bytes. */
  maxBytes: number;
  /** Files that were not used for so long are removed, in milliseconds. */
  maxAgeMs: number;
  /** Files that were used within this time are never removed: a process may be starting from them. In milliseconds. */
  inUseMs: number;
}

/** About twenty releases; each has paths of its own, so each has entries of its own. */
const cacheBounds: CacheBounds = { maxBytes: 100 * megabyte, maxAgeMs: 14 * 86_400_000, inUseMs: 3_600_000 };

/**
 * Removes files that were not used for long from a directory of `NODE_COMPILE_CACHE`, to which Node itself only adds.
 * Then removes the least recently used, until the rest fits. Node compiles anew what it does not find, so nothing breaks.
 *
 * @param directory need not exist.
 * @param nowMs the clock, Unix milliseconds.
 * @returns how many files and bytes were removed.
 */
export async function pruneCompileCache(
  directory: string,
  { maxBytes, maxAgeMs, inUseMs }: CacheBounds = cacheBounds,
  nowMs = Date.now(),
): Promise<{ files: number; bytes: number }> {
  const files = (await filesBelow(directory)).toSorted((a, b) => a.usedMs - b.usedMs);
  let left = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const removed = { files: 0, bytes: 0 };
  for (const { path, bytes, usedMs } of files) {
    const ageMs = nowMs - usedMs;
    if (ageMs < inUseMs || (ageMs <= maxAgeMs && left <= maxBytes)) break; // what follows was used later
    await rm(path, { force: true });
    left -= bytes;
    removed.files += 1;
    removed.bytes += bytes;
  }
  if (removed.files > 0) await removeEmptyDirectories(directory);
  return removed;
}

interface CacheFile {
  path: string;
  bytes: number;
  /** When it was read or written last, as far as the file system keeps that (with `relatime` to a day). */
  usedMs: number;
}

async function filesBelow(directory: string): Promise<CacheFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files: CacheFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const known = await stat(path).catch(() => null); // another process may tidy up, too
    if (known) files.push({ path, bytes: known.size, usedMs: Math.max(known.atimeMs, known.mtimeMs) });
  }
  return files;
}

/** Removes empty directories: those of versions of Node that are gone. */
async function removeEmptyDirectories(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await rmdir(join(directory, entry.name)).catch(() => undefined);
  }
}
