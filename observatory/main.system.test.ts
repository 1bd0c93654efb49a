import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it, onTestFinished } from 'vitest';

import type { Status } from './contract/contract.ts';
import { spansRequest, temporaryDirectory } from './fixtures/test-observatory.ts';

interface Running {
  url: string;
  otlp: string;
  child: ChildProcess;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>;
}

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

function run(
  dataDir: string,
  env: Record<string, string> = {},
  args: string[] = [],
): Running & { listening: Promise<Running> } {
  const child = spawn(process.execPath, [main, ...args], {
    env: {
      ...process.env,
      OBSERVATORY_DATA_DIR: dataDir,
      OBSERVATORY_PORT: '0',
      OBSERVATORY_OTLP_PORT: '0',
      OBSERVATORY_OTLP_GRPC_PORT: '0',
      NODE_OPTIONS: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const running: Running = {
    url: '',
    otlp: '',
    child,
    exit: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal, output }));
    }),
  };
  const listening = new Promise<Running>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += String(chunk);
      const line = /^.*"msg":"Listening".*$/m.exec(output)?.[0];
      if (line === undefined) return;
      Object.assign(running, JSON.parse(line));
      resolve(running);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void running.exit.then(() => reject(new Error(output)));
  });
  listening.catch(() => undefined);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await running.exit;
  });
  return Object.assign(running, { listening });
}

const start = (dataDir: string, env: Record<string, string> = {}): Promise<Running> => run(dataDir, env).listening;

/** Sends traces of two spans. */
function postTraces(observatory: Running, first: number, traces: number): Promise<Response> {
  const sketches = Array.from({ length: traces }, (_, index) => [
    { trace: first + index, id: 1, kind: 2 },
    { trace: first + index, id: 2, parent: 1 },
  ]).flat();
  return fetch(`${observatory.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spansRequest(sketches)),
  });
}

async function sendTraces(observatory: Running, first: number, traces: number): Promise<void> {
  expect((await postTraces(observatory, first, traces)).status).toBe(200);
}

/** Whether they were acknowledged. */
async function trySendTraces(observatory: Running, first: number, traces: number): Promise<boolean> {
  const answer = await postTraces(observatory, first, traces);
  await answer.arrayBuffer();
  return answer.status === 200;
}

async function status(observatory: Running): Promise<Status> {
  return (await (await fetch(`${observatory.url}/api/status`)).json()) as Status;
}

async function isStored(observatory: Running, spans: number): Promise<void> {
  await expect.poll(async () => (await status(observatory)).stored.spans, { timeout: 30_000 }).toBe(spans);
}

/** Entry spans of the last hour, and the spans below them, as the API counts them. */
async function counted(observatory: Running): Promise<{ roots: number; spans: number }> {
  const count = async (scope: string): Promise<number> => {
    const answer = await fetch(
      `${observatory.url}/api/heatmap?scope=${scope}&from=${Date.now() - 3_600_000}&to=${Date.now() + 60_000}`,
    );
    return ((await answer.json()) as { total: number }).total;
  };
  return { roots: await count('roots'), spans: await count('spans') };
}

describe('the process', () => {
  it('keeps what it acknowledged over a restart, and ends in time with 0', async () => {
    const directory = await temporaryDirectory();
    const first = await start(directory);
    await sendTraces(first, 1, 500);
    // Not waited for: stopping stores what waits.
    first.child.kill('SIGTERM');
    expect(await first.exit).toMatchObject({ code: 0, signal: null });
    const second = await start(directory);
    expect(await counted(second)).toEqual({ roots: 500, spans: 1_000 });
    expect(await status(second)).toMatchObject({ traces: 500, received: { spans: 0 } });
  });

  it('keeps what was stored over kill -9, takes the file over, and goes on with the traces that were open', async () => {
    const directory = await temporaryDirectory();
    const first = await start(directory);
    await sendTraces(first, 1, 300);
    await isStored(first, 600);
    await sendTraces(first, 1_000, 300);
    await isStored(first, 1_200);
    first.child.kill('SIGKILL');
    expect(await first.exit).toMatchObject({ signal: 'SIGKILL' });

    const second = await start(directory);
    expect(await counted(second)).toEqual({ roots: 600, spans: 1_200 });
    // Sent again, because its sender heard nothing, and one span that is late.
    await sendTraces(second, 1, 300);
    await isStored(second, 600);
    expect(await counted(second)).toEqual({ roots: 600, spans: 1_200 });
  });

  it('loses at most what was acknowledged in four seconds where it is killed under load, and tells each trace whole', async () => {
    const directory = await temporaryDirectory();
    let trace = 1;
    let atRest = 0;
    for (const killAfterMs of [700, 1_900, 3_300]) {
      const running = await start(directory);
      /** Of requests of 50 traces each: when it was acknowledged. */
      const acknowledged: number[] = [];
      const first = trace;
      const begin = performance.now();
      const sender = async (): Promise<void> => {
        while (performance.now() - begin < killAfterMs) {
          const from = trace;
          trace += 50;
          if (await trySendTraces(running, from, 50)) acknowledged.push(performance.now());
        }
      };
      await Promise.all([sender(), sender()]);
      const { stored } = await status(running);
      running.child.kill('SIGKILL');
      await running.exit;
      const again = await start(directory);
      const { roots, spans } = await counted(again);
      expect(spans).toBe(roots * 2);
      expect(spans - atRest).toBeGreaterThanOrEqual(stored.spans);
      const safe = acknowledged.filter((ms) => ms < (acknowledged.at(-1) ?? 0) - 4_000).length * 100;
      expect(spans - atRest).toBeGreaterThanOrEqual(safe);
      expect(spans - atRest).toBeLessThanOrEqual((trace - first) * 2);
      atRest = spans;
      again.child.kill('SIGTERM');
      await again.exit;
    }
  });

  it.skipIf(process.platform !== 'linux')(
    'on a full disk takes nothing more and says so, keeps what it acknowledged, and goes on once there is room',
    async () => {
      const directory = await temporaryDirectory();
      const running = await start(directory);
      let acknowledged = 0;
      let trace = 1;
      const sendSome = async (): Promise<boolean> => {
        const isTaken = await trySendTraces(running, trace, 500);
        trace += 500;
        if (isTaken) acknowledged += 1_000;
        return isTaken;
      };
      await sendSome();
      await isStored(running, acknowledged);
      const file = join(directory, 'observatory.duckdb');
      const limitTo = (bytes: number | 'unlimited'): void => {
        // To the process a file that may not grow is as a disk that is full.
        execFileSync('prlimit', ['--pid', String(running.child.pid), `--fsize=${bytes}:unlimited`]);
      };
      limitTo(statSync(file).size + 200_000);
      await expect.poll(sendSome).toBe(false);
      await expect.poll(async () => (await fetch(`${running.url}/readyz`)).status).toBe(503);
      expect(await (await fetch(`${running.url}/readyz`)).text()).toMatch(/store: the (disk|database file)/);
      const refusal = await postTraces(running, trace, 1);
      expect([refusal.status, refusal.headers.get('retry-after')]).toEqual([503, '1']);
      limitTo('unlimited');
      await expect.poll(async () => (await fetch(`${running.url}/readyz`)).status).toBe(200);
      expect(await sendSome()).toBe(true);
      await isStored(running, acknowledged);
      expect((await counted(running)).spans).toBe(acknowledged);
      running.child.kill('SIGTERM');
      expect(await running.exit).toMatchObject({ code: 0 });
      expect((await counted(await start(directory))).spans).toBe(acknowledged);
    },
  );

  it('says in one sentence that its database is damaged, and starts with an empty one where it is told to', async () => {
    const directory = await temporaryDirectory();
    const first = await start(directory);
    await sendTraces(first, 1, 100);
    first.child.kill('SIGTERM');
    await first.exit;
    const file = join(directory, 'observatory.duckdb');
    truncateSync(file, Math.floor(statSync(file).size / 2));
    const { code, output } = await run(directory).exit;
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/^observatory: .*observatory\.duckdb.* is damaged\. Start with --start-anew .*\n$/),
    ]);
    const anew = await run(directory, {}, ['--start-anew']).listening;
    expect(await status(anew)).toMatchObject({ traces: 0 });
    expect(readdirSync(directory).filter((name) => name.includes('.damaged-'))).not.toEqual([]);
  });

  it('refuses a database that another one has open, in one sentence', async () => {
    const directory = await temporaryDirectory();
    const first = await start(directory);
    const { code, output } = await run(directory).exit;
    expect([code, output]).toEqual([
      1,
      `observatory: ${directory}/observatory.duckdb is in use by process ${first.child.pid}: another Observatory runs on it.\n`,
    ]);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  it.each(['OBSERVATORY_PORT', 'OBSERVATORY_OTLP_PORT', 'OBSERVATORY_OTLP_GRPC_PORT'])(
    'says in one sentence that the port of %s is taken',
    async (variable) => {
      const other = createServer();
      await new Promise<void>((resolve) => {
        other.listen(0, '127.0.0.1', resolve);
      });
      onTestFinished(() => void other.close());
      const { port } = other.address() as { port: number };
      const { code, output } = await run(await temporaryDirectory(), { [variable]: String(port) }).exit;
      expect([code, output]).toEqual([
        1,
        `observatory: port ${port} is taken by another program. Stop that program, or set ${variable} to a free port.\n`,
      ]);
    },
  );

  it('names the setting that is wrong', async () => {
    const { code, output } = await run(await temporaryDirectory(), { OBSERVATORY_RETENTION_HOURS: 'forever' }).exit;
    expect(code).toBe(2);
    expect(output).toContain('OBSERVATORY_RETENTION_HOURS is not valid');
  });
});
