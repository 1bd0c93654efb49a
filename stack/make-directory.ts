import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { systemCode } from './refusal.ts';

/**
 * Makes a directory and those above it, as `mkdirSync` with `recursive` does; but that one never returns, and takes all
 * memory, where the system says ENOENT although the parent is there (anything below /proc; Node 24.21).
 *
 * @throws the system's error.
 */
export function makeDirectory(path: string, mode = 0o755): void {
  try {
    makeOne(path, mode);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path), mode);
    makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}
