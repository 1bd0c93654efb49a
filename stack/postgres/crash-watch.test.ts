import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { watchCrashes } from './crash-watch.ts';

const crash = `2026-11-29 20:47:50.000 UTC [5287] LOG:  client backend (PID 5391) was terminated by signal 9: Killed
2026-11-29 20:47:50.001 UTC [5287] LOG:  terminating any other active server processes
`;
let directory: string;
let log: string;
let told: string[];
let end: () => void;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-crash-'));
  log = join(directory, 'postgres.log');
  told = [];
});
afterEach(() => {
  end();
  rmSync(directory, { recursive: true });
});

it('reports once that Postgres lost a process, and ignores older lines of the log', async () => {
  writeFileSync(log, crash);
  end = watchCrashes(log, (news) => told.push(news));
  appendFileSync(log, 'LOG:  checkpoint complete\n');
  appendFileSync(log, crash);
  await expect.poll(() => told).toEqual([expect.stringContaining('was terminated by signal 9: Killed')]);
  writeFileSync(log, 'LOG:  the file was begun anew\n');
  await expect.poll(() => told).toHaveLength(1);
  appendFileSync(log, crash);
  await expect.poll(() => told).toHaveLength(2);
});

it('waits for a log that does not exist yet', async () => {
  end = watchCrashes(log, (news) => told.push(news));
  writeFileSync(log, crash);
  await expect.poll(() => told).toHaveLength(1);
});
