import { existsSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

import { Refusal } from './refusal.ts';

const megabyte = 2 ** 20;

/** What a start needs, in bytes: a new database with its log ahead, and room for logs and traces; or the latter alone. */
const needs = { newDatabase: 150 * megabyte, existing: 30 * megabyte };

/**
 * Makes sure that a start does not end in the middle for lack of room.
 *
 * @param dataDir exists.
 * @param freeBytes for tests: how much room there is.
 * @throws {Refusal} that says how much there is, how much is needed, and what to do.
 */
export function ensureRoom(dataDir: string, freeBytes: (path: string) => number = freeBytesIn): void {
  const needed = existsSync(join(dataDir, 'postgres')) ? needs.existing : needs.newDatabase;
  const free = freeBytes(dataDir);
  if (free >= needed) return;
  throw new Refusal(
    `There are ${Math.floor(free / megabyte)} MB free in ${dataDir}, and a start needs ${needed / megabyte} MB: make room, or choose another directory with --data-dir DIR.`,
  );
}

function freeBytesIn(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Infinity; // what cannot be known is no reason to refuse
  }
}
