import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Guard, startGuard } from './guard.ts';
import { openLogFiles } from './log-files.ts';
import { isSameProcess, waitUntilGone } from './process-group.ts';
import { isAlive, processIdentity } from './process-identity.ts';
import { type SupervisedProcess, superviseProcess, usualTimes } from './supervised-process.ts';
import type { ProcessSpec } from './topology.ts';

let directory: string;
let guard: Guard;
let news: string[];
let running: SupervisedProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-supervised-'));
  guard = startGuard();
  news = [];
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((each) => each.stop(2_000)));
  guard.dismiss();
  rmSync(directory, { recursive: true });
});

/** A small program in place of a service: ready when it has written the file `ready`. */
function supervise(program: string, changes: Partial<ProcessSpec> = {}): SupervisedProcess {
  const ready = join(directory, 'ready');
  const spec: ProcessSpec = {
    name: 'fake',
    url: 'http://127.0.0.1',
    command: process.execPath,
    args: [
      '-e',
      `const {writeFileSync} = require('node:fs'); const ready = () => writeFileSync(${JSON.stringify(ready)}, String(process.pid)); ${program}`,
    ],
    cwd: directory,
    env: {},
    account: null,
    ready: (pid) => contents(ready) === String(pid),
    startAfter: [],
    stopBefore: [],
    stopSignal: 'SIGTERM',
    forceSignals: ['SIGKILL'],
    ...changes,
  };
  const supervised = superviseProcess({
    spec,
    logs: openLogFiles(join(directory, 'logs'), ['fake']),
    guard,
    report: (name, what) => news.push(`${name} ${what}`),
    times: { ...usualTimes, firstPause: 20, pollStarting: 5, pollReady: 20, patience: 20_000 },
  });
  running.push(supervised);
  return supervised;
}
function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!what()) {
    if (performance.now() > end) throw new Error(`did not come to pass within 30 s; news: ${news.join(' | ')}`);
    await sleep(10);
  }
}
const stay = 'setInterval(() => {}, 1000);';
const polite = `process.on('SIGTERM', () => process.exit(0));`;

describe('a process whose port is taken', () => {
  const takenOnce =
    'Its port may be free again: port 8088 is taken by another program. Stop that program, or set OBSERVATORY_PORT to a free port.';

  it('is tried more often than one that just ends, for the port may be taken by chance', async () => {
    const fake = supervise(`
      const {appendFileSync, readFileSync} = require('node:fs');
      appendFileSync('starts', 'x');
      if (readFileSync('starts').length < 6) { console.error(${JSON.stringify(takenOnce)}); process.exit(1); }
      ${polite} ${stay} ready()`);
    await fake.start();
    expect(fake.restarts).toBe(5);
  });

  it('is reported with advice that works here', async () => {
    const fake = supervise(`console.error(${JSON.stringify(takenOnce)}); process.exit(2)`);
    await expect(fake.start()).rejects.toThrow('Stop that program, or choose other ports with --port-base');
  });
});

describe('a process that lives', () => {
  it('is ready when it says so, and stops when asked', async () => {
    const fake = supervise(`${polite} ${stay} setTimeout(ready, 100)`);
    await fake.start();
    expect(fake.state).toBe('ready');
    const pid = fake.pid ?? 0;
    expect(isAlive(pid)).toBe(true);
    await fake.stop(5_000);
    expect([fake.state, isAlive(pid), news]).toEqual(['stopped', false, []]);
  });

  it('is killed when it does not stop', async () => {
    const fake = supervise(`process.on('SIGTERM', () => {}); ${stay} ready()`);
    await fake.start();
    const pid = fake.pid ?? 0;
    await fake.stop(100);
    await until(() => !isAlive(pid));
  });

  it('ends together with its children', async () => {
    const fake = supervise(
      `const {spawn} = require('node:child_process');
       const child = spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], {stdio: 'ignore'});
       writeFileSync('grandchild', String(child.pid)); ${polite} ${stay} setTimeout(ready, 200)`,
    );
    await fake.start();
    const grandchild = Number(contents(join(directory, 'grandchild')));
    expect(isAlive(grandchild)).toBe(true);
    await fake.stop(5_000);
    await until(() => !isAlive(grandchild));
  });

  it('is reported when it runs and cannot work', async () => {
    const fake = supervise(`${polite} ${stay} ready(); writeFileSync('keep', ''); `, {
      ready: (pid) => contents(join(directory, 'ready')) === String(pid) && contents(join(directory, 'broken')) === '',
    });
    await fake.start();
    writeFileSync(join(directory, 'broken'), 'x');
    await until(() => fake.state === 'not ready');
    writeFileSync(join(directory, 'broken'), '');
    await until(() => fake.state === 'ready');
    expect(news).toEqual(['fake runs, but is not ready', 'fake is ready again']);
  });
});

describe('a process that ends', () => {
  it('is started again, and named with how it ended', async () => {
    const fake = supervise(`${polite} ${stay} ready()`);
    await fake.start();
    const first = fake.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await until(() => fake.state === 'ready' && fake.pid !== first);
    expect(fake.restarts).toBe(1);
    expect(news[0]).toMatch(/^fake was ended by SIGKILL after .* s; again in 0\.02 s$/);
    expect(news[1]).toMatch(/^fake is ready again after .* s$/);
  });

  it('waits twice as long each time it ends again, and says why', async () => {
    const fake = supervise(
      `ready(); setTimeout(() => { console.error('Error: the road is closed'); process.exit(3) }, 400)`,
    );
    await fake.start();
    await until(() => news.filter((line) => line.includes('again in')).length >= 3);
    const pauses = news.flatMap(
      (line) => /exit code 3 .*\(Error: the road is closed\); again in ([\d.]+) s/.exec(line)?.[1] ?? [],
    );
    expect(pauses.slice(0, 3)).toEqual(['0.02', '0.04', '0.08']);
    await fake.stop(1_000);
  });

  it('before it was ever ready is given up after three times, with its last words', async () => {
    const fake = supervise(`console.error('Error: the road is closed'); process.exit(1)`);
    await expect(fake.start()).rejects.toThrow(
      /fake does not start: it ended with exit code 1: Error: the road is closed\. Its log: .*fake\.log/,
    );
    expect(news).toHaveLength(2);
  });

  it('is given up at once when its settings are wrong', async () => {
    const fake = supervise(`console.error('route: ROUTE_SPEED is not valid'); process.exit(2)`);
    await expect(fake.start()).rejects.toThrow('it ended with exit code 2: route: ROUTE_SPEED is not valid.');
    expect(news).toEqual([]);
  });

  it('is refused at once when its file is missing', async () => {
    const fake = supervise('', { entry: join(directory, 'services', 'main.ts') });
    await expect(fake.start()).rejects.toThrow(/main\.ts is missing: the checkout is not complete/);
  });

  it('is given up when there is no such program', async () => {
    const fake = supervise('', { command: join(directory, 'no-such-program') });
    await expect(fake.start()).rejects.toThrow(/fake does not start: it cannot be started: .*ENOENT/);
  });

  it('is not started again once it is to stop', async () => {
    const fake = supervise(`ready(); setTimeout(() => process.exit(1), 400)`);
    await fake.start();
    await until(() => news.length > 0);
    await fake.stop(1_000);
    const told = news.length;
    await sleep(300);
    expect([fake.pid, news.length]).toEqual([undefined, told]);
  });
});

describe('identity', () => {
  it('distinguishes a process from a later one with the same id', async () => {
    const fake = supervise(`${polite} ${stay} ready()`);
    await fake.start();
    const pid = fake.pid ?? 0;
    const record = { name: 'fake', pid, identity: processIdentity(pid), stopSignal: 'SIGTERM' as const };
    expect(isSameProcess(record)).toBe(true);
    expect(isSameProcess({ ...record, identity: '1' })).toBe(false);
    expect(isSameProcess({ ...record, identity: null })).toBe(false);
    await fake.stop(5_000);
    expect(await waitUntilGone(pid, 5_000)).toBe(true);
    expect(isSameProcess(record)).toBe(false);
  });
});
