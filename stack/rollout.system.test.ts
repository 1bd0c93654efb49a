import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { release, startControl } from './control.ts';
import { claimDataDirectory } from './data-directory.ts';
import { openProduction, type ReleaseDirectory } from './production.ts';
import { createRollout } from './rollout.ts';
import type { SupervisedProcess } from './supervised-process.ts';
import type { ProcessSpec } from './topology.ts';

const rollbackProgram = join(import.meta.dirname, '../pipeline/release/main.ts');

/** A service without a process; how long its replacement takes is up to the test. */
function createService(name: string, replace: () => Promise<void>): SupervisedProcess {
  const spec: ProcessSpec = {
    name,
    url: 'http://127.0.0.1:1',
    command: 'true',
    args: [],
    cwd: '/',
    env: {},
    account: null,
    ready: () => true,
    startAfter: [],
    stopBefore: [],
    stopSignal: 'SIGTERM',
    forceSignals: [],
  };
  const done = () => Promise.resolve();
  return { spec, state: 'ready', pid: 1, pids: [1], restarts: 0, start: done, replace, stop: done, kill() {} };
}

test('a rollback takes back a release whose pipeline was killed, and that is still under way', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'hotrod-rollout-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const directoryOf = (digits: string): ReleaseDirectory => ({
    root: join(dataDir, 'releases', digits),
    version: `0.1.0+${digits}`,
    revision: digits.padEnd(40, '0'),
  });
  const [before, next] = [directoryOf('aaaaaaa'), directoryOf('bbbbbbb')];

  const replacing = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const customer = createService('customer', () => {
    replacing.resolve();
    return goOn.promise;
  });
  const production = openProduction(dataDir, () => undefined);
  production.save({ revision: before.revision, services: { customer: before }, previous: null });
  const rollout = createRollout({
    processes: [customer],
    production,
    checkout: directoryOf('ccccccc'),
    startRevision: null,
    specOf: () => customer.spec,
    report: () => undefined,
  });
  const directory = await claimDataDirectory(dataDir, 'http://127.0.0.1:1');
  const no = () => Promise.reject(new Error('not here'));
  const control = await startControl(dataDir, {
    status: () => ({ processes: [], load: null }),
    setRate: () => undefined,
    // The release goes on when the rollback has asked what runs.
    released() {
      const answer = rollout.released();
      goOn.resolve();
      return answer;
    },
    settled() {
      const answer = rollout.settled();
      goOn.resolve();
      return answer;
    },
    release: rollout.release,
    restart: no,
    push: no,
    requestStop: () => undefined,
  });
  onTestFinished(() => {
    control.close();
    directory.release();
  });
  directory.record({ control: control.path });

  const deployed = release(dataDir, {
    services: [{ name: 'customer', release: next }],
    revision: next.revision,
    checkout: null,
    isRollback: false,
    mark: null,
  });
  await replacing.promise;
  const record = join(dataDir, 'record.json');
  writeFileSync(
    record,
    JSON.stringify({ recordedMs: 1, releases: { customer: before.version }, revisions: { customer: before.revision } }),
  );
  const child = spawn(process.execPath, [rollbackProgram, 'rollback', '--target=stack', `--record=${record}`], {
    env: { PATH: process.env['PATH'], HOTROD_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  await deployed;
  expect(rollout.released().services['customer']?.version).toBe(before.version);
  expect([code, output]).toEqual([0, expect.stringContaining(`${before.version} `)]);
});
