import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { watchCrashes } from './crash-watch.ts';

const crash = `2026-11-29 20:47:50.000 UTC [5287] LOG:  client backend (PID 5391) was terminated by signal 9: Killed
2026-11-29 20:47:50.001 UTC [5287] LOG:  terminating any other active server processes
`;
let directory: string;
let log: string;
let told: string[];
let end: () => void;
/** It looks at the log again. */
const look = () => void vi.advanceTimersByTime(500);
beforeEach(() => {
  vi.useFakeTimers();
  directory = mkdtempSync(join(tmpdir(), 'hotrod-crash-'));
  log = join(directory, 'postgres.log');
  told = [];
});
afterEach(() => {
  end();
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

it('reports once that Postgres lost a process, and ignores older lines of the log', () => {
  writeFileSync(log, crash);
  end = watchCrashes(log, (news) => told.push(news));
  look();
  expect(told).toEqual([]);
  appendFileSync(log, 'LOG:  checkpoint complete\n');
  appendFileSync(log, crash);
  look();
  look();
  expect(told).toEqual([expect.stringContaining('was terminated by signal 9: Killed')]);
  writeFileSync(log, `LOG:  the file was begun anew\n${crash}`);
  look();
  expect(told).toHaveLength(2);
});

it('waits for a log that does not exist yet', () => {
  end = watchCrashes(log, (news) => told.push(news));
  look();
  writeFileSync(log, crash);
  look();
  expect(told).toHaveLength(1);
});
