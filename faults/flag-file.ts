import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import { carryOver, type FlagSet, flagSetSchema } from './flag-set.ts';

/** The flags as they are shipped: every fault as configured. */
const shipped = new URL('./flags.json', import.meta.url);

/**
 * Reads a file of flags. @throws an error that names the file, if it is missing or not valid.
 */
export function readFlagFile(path: string | URL): FlagSet {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${String(path)} cannot be read. Is the suite running? "npm start" makes the file.`, {
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${String(path)} is not JSON.`, { cause: error });
  }
  const parsed = flagSetSchema.safeParse(value);
  if (!parsed.success) throw new Error(`${String(path)} is not a set of flags: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Writes a file of flags at once: whoever reads it sees the old or the new one, also while another process writes. */
export function writeFlagFile(path: string, set: FlagSet): void {
  const next = `${path}.${process.pid}.new`;
  writeFileSync(next, `${JSON.stringify(set, null, 2)}\n`);
  renameSync(next, path);
}

/**
 * Makes a file of flags ready for a start: the shipped ones, each as it stands in the file that is there. A file that is
 * not valid is replaced.
 */
export function prepareFlagFile(path: string): void {
  const set = readFlagFile(shipped);
  mkdirSync(dirname(path), { recursive: true });
  writeFlagFile(path, existsSync(path) ? carryOver(set, readOr(path, set)) : set);
}

function readOr(path: string, otherwise: FlagSet): FlagSet {
  try {
    return readFlagFile(path);
  } catch {
    return otherwise;
  }
}
