import { existsSync, renameSync } from 'node:fs';

/**
 * Renames a database file, and its write-ahead log, so that an empty one can begin in its place. Nothing is deleted.
 *
 * @returns the new path of the file; the log is beside it.
 */
export function setAside(path: string, now: Date = new Date()): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '-');
  let kept = `${path}.damaged-${stamp}`;
  for (let number = 2; existsSync(kept) || existsSync(`${kept}.wal`); number += 1)
    kept = `${path}.damaged-${stamp}-${number}`;
  if (existsSync(path)) renameSync(path, kept);
  if (existsSync(`${path}.wal`)) renameSync(`${path}.wal`, `${kept}.wal`);
  return kept;
}
