import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { ensureRoom } from './free-space.ts';
import { Refusal } from './refusal.ts';

const megabyte = 2 ** 20;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-room-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

it('refuses a start without room, in a sentence that says how much is needed', () => {
  expect(() => ensureRoom(directory, () => 20.5 * megabyte)).toThrow(Refusal);
  expect(() => ensureRoom(directory, () => 20.5 * megabyte)).toThrow(
    `There are 20 MB free in ${directory}, and a start needs 150 MB: make room, or choose another directory with --data-dir DIR.`,
  );
});

it('needs less where the database is there already', () => {
  mkdirSync(join(directory, 'postgres'));
  ensureRoom(directory, () => 40 * megabyte);
  expect(() => ensureRoom(directory, () => megabyte)).toThrow('needs 30 MB');
});

it('looks at the real disk', () => {
  ensureRoom(directory);
  ensureRoom(join(directory, 'nothing'));
});
