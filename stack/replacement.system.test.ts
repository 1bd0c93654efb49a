import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findFreePort } from '../tests/harness/suite.ts';
import { type Guard, startGuard } from './guard.ts';
import { bindSocket, type ListeningSocket } from './listening-socket.ts';
import { openLogFiles } from './log-files.ts';
import { isAlive } from './process-identity.ts';
import { type SupervisedProcess, superviseProcess, usualTimes } from './supervised-process.ts';
import type { ProcessSpec } from './topology.ts';

const kit = join(import.meta.dirname, '..', 'packages', 'kit');

let directory: string;
let guard: Guard;
let news: string[];
let socket: ListeningSocket | null;
let running: SupervisedProcess | undefined;
let port: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-replacement-'));
  guard = startGuard();
  news = [];
  socket = null;
  running = undefined;
  port = await findFreePort();
});
afterEach(async () => {
  await running?.stop(2_000);
  socket?.close();
  guard.dismiss();
  rmSync(directory, { recursive: true });
});

/** A service made with kit, whose answers say which release it is. Each takes `delayMs`. */
function service(release: string, before = '', delayMs = 5): ProcessSpec {
  const file = join(directory, `${release}.ts`);
  writeFileSync(
    file,
    `import { readConfig, listenSettings } from ${JSON.stringify(join(kit, 'config.ts'))};
     import { createLogger } from ${JSON.stringify(join(kit, 'logging.ts'))};
     import { runMain } from ${JSON.stringify(join(kit, 'main.ts'))};
     import { serve } from ${JSON.stringify(join(kit, 'service.ts'))};
     await runMain('fake', async () => {
       let ready: Record<string, () => Promise<void>> = {};
       ${before}
       const logger = createLogger('fake', 'info');
       await serve({
         logger,
         listen: readConfig(listenSettings(1), process.env),
         ready,
         routes: (app) => app.get('/release', (_request, response) => {
           setTimeout(() => response.json({ release: ${JSON.stringify(release)}, pid: process.pid }), ${delayMs});
         }),
         closables: [],
       });
     });`,
  );
  return {
    name: 'fake',
    url: `http://127.0.0.1:${port}`,
    command: process.execPath,
    args: [file],
    cwd: directory,
    env: { PORT: String(port), DRAIN_MS: '5000' },
    account: null,
    ready: `http://127.0.0.1:${port}/readyz`,
    saysReady: true,
    startAfter: [],
    stopBefore: [],
    stopSignal: 'SIGINT',
    forceSignals: ['SIGKILL'],
  };
}

async function start(spec: ProcessSpec, shared = true): Promise<SupervisedProcess> {
  socket = shared ? bindSocket('127.0.0.1', port) : null;
  running = superviseProcess({
    spec,
    logs: openLogFiles(join(directory, 'logs'), ['fake']),
    guard,
    socket,
    report: (name, what) => news.push(`${name} ${what}`),
    times: { ...usualTimes, firstPause: 20, patience: 30_000 },
  });
  await running.start();
  return running;
}

/** Asks without a pause over kept-alive connections, as the frontend does, and counts. */
function load(connections: number) {
  const releases = new Map<string, number>();
  const failures: string[] = [];
  const over = new AbortController();
  const client = async () => {
    while (!over.signal.aborted) {
      try {
        const response = await fetch(`http://127.0.0.1:${port}/release`);
        const { release } = (await response.json()) as { release: string };
        if (response.ok) releases.set(release, (releases.get(release) ?? 0) + 1);
        else failures.push(String(response.status));
      } catch (error) {
        const cause = error instanceof Error ? (error.cause ?? error) : error;
        failures.push(cause instanceof Error ? cause.message : 'unknown');
      }
      // Some connections are idle for a moment, and used again.
      if (Math.random() < 0.2) await sleep(Math.random() * 100);
    }
  };
  const clients = Array.from({ length: connections }, client);
  return {
    releases,
    failures,
    async stop() {
      over.abort();
      await Promise.all(clients);
    },
  };
}

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!what()) {
    if (performance.now() > end) throw new Error(`did not come to pass within 60 s; news: ${news.join(' | ')}`);
    await sleep(10);
  }
}

describe('a process that is replaced', () => {
  it.skipIf(process.platform === 'win32')('loses no request, over kept-alive connections, however often', async () => {
    const fake = await start(service('r0'));
    const first = fake.pid ?? 0;
    const traffic = load(8);
    await until(() => (traffic.releases.get('r0') ?? 0) > 20);
    for (const release of ['r1', 'r2', 'r3']) {
      await fake.replace(service(release));
      await until(() => (traffic.releases.get(release) ?? 0) > 20);
    }
    await until(() => fake.pids.length === 1);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect([...traffic.releases.keys()]).toEqual(['r0', 'r1', 'r2', 'r3']);
    expect([isAlive(first), news, fake.state]).toEqual([false, [], 'ready']);
  });

  it('stays when the new one ends before it is ready, and says why', async () => {
    const fake = await start(service('good'));
    const { pid } = fake;
    const traffic = load(2);
    await expect(fake.replace(service('bad', `throw new Error('The road is closed.');`))).rejects.toThrow(
      'The new fake does not become ready: it ended with exit code 1: fake: The road is closed.. The one before runs on.',
    );
    await until(() => (traffic.releases.get('good') ?? 0) > 5);
    await traffic.stop();
    expect([traffic.failures, [...traffic.releases.keys()], fake.pid, fake.pids]).toEqual([[], ['good'], pid, [pid]]);
  });

  it('does not get requests before it is ready', async () => {
    const fake = await start(service('old'));
    const go = join(directory, 'go');
    const replaced = fake.replace(
      service(
        'new',
        `const { accessSync } = await import('node:fs'); ready = { road: async () => accessSync(${JSON.stringify(go)}) };`,
      ),
    );
    replaced.catch(() => undefined); // awaited below, and no failure of the whole run until then
    const traffic = load(2);
    await until(() => (traffic.releases.get('old') ?? 0) > 50);
    expect([...traffic.releases.keys()]).toEqual(['old']);
    writeFileSync(go, '');
    await replaced;
    await until(() => (traffic.releases.get('new') ?? 0) > 5);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
  });

  it('is started again as its replacement', async () => {
    const fake = await start(service('r0'));
    await fake.replace(service('r1'));
    const pid = fake.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(() => fake.state === 'ready' && fake.pid !== pid && fake.pid !== undefined);
    const response = await fetch(`http://127.0.0.1:${port}/release`);
    expect(await response.json()).toMatchObject({ release: 'r1', pid: fake.pid });
    expect(news[0]).toMatch(/^fake was ended by SIGKILL/);
  });

  it('comes back by being replaced while it pauses between two starts', async () => {
    const broken = join(directory, 'broken');
    const fake = await start(
      service('r0', `if ((await import('node:fs')).existsSync(${JSON.stringify(broken)})) process.exit(1);`),
    );
    writeFileSync(broken, '');
    process.kill(fake.pid ?? 0, 'SIGKILL');
    await until(() => news.length > 1);
    await fake.replace(service('r1'));
    expect(fake.state).toBe('ready');
    expect(await (await fetch(`http://127.0.0.1:${port}/release`)).json()).toMatchObject({ release: 'r1' });
  });

  it('ends, with those that still drain, when all is stopped', async () => {
    const asked = join(directory, 'asked');
    const fake = await start(
      service(
        'r0',
        `const [{ subscribe }, { writeFileSync }] = await Promise.all([import('node:diagnostics_channel'), import('node:fs')]);
         subscribe('http.server.request.start', ({ request }) => {
           if (request.url === '/release') writeFileSync(${JSON.stringify(asked)}, '');
         });`,
        60_000,
      ),
    );
    const open = fetch(`http://127.0.0.1:${port}/release`).catch(() => 'cut off');
    const old = fake.pid ?? 0;
    await until(() => existsSync(asked));
    await fake.replace(service('r1'));
    expect(fake.pids).toHaveLength(2);
    await fake.stop(100);
    expect(await open).toBe('cut off');
    await until(() => !isAlive(old) && fake.pids.length === 0);
  });

  it('leaves the port to a new one that is ready, when no socket can be shared', async () => {
    const fake = await start(service('r0'), false);
    const old = fake.pid;
    await fake.replace(service('r1'));
    expect(await (await fetch(`http://127.0.0.1:${port}/release`)).json()).toMatchObject({ release: 'r1' });
    expect(fake.pid).not.toBe(old);
    await expect(fake.replace(service('r2', 'process.exit(3);'))).rejects.toThrow('exit code 3');
    expect(await (await fetch(`http://127.0.0.1:${port}/release`)).json()).toMatchObject({ release: 'r1' });
  });
});
