import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
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

function run(dataDir: string, env: Record<string, string> = {}): Running & { listening: Promise<Running> } {
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      OBSERVATORY_DATA_DIR: dataDir,
      OBSERVATORY_PORT: '0',
      OBSERVATORY_OTLP_PORT: '0',
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

async function sendTraces(observatory: Running, first: number, traces: number): Promise<void> {
  const sketches = Array.from({ length: traces }, (_, index) => [
    { trace: first + index, id: 1, kind: 2 },
    { trace: first + index, id: 2, parent: 1 },
  ]).flat();
  const answer = await fetch(`${observatory.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spansRequest(sketches)),
  });
  expect(answer.status).toBe(200);
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

  it('loses no more than the window, of about a second, where it is killed under load', async () => {
    const directory = await temporaryDirectory();
    const first = await start(directory);
    /** Of about a second a busy machine makes several. */
    const aWhileMs = 8_000;
    let sent = 0;
    const sentAt: { spans: number; ms: number }[] = [];
    const begin = performance.now();
    while (performance.now() - begin < aWhileMs + 2_000) {
      await sendTraces(first, sent + 1, 50);
      sent += 50;
      sentAt.push({ spans: sent * 2, ms: performance.now() });
    }
    const before = (await status(first)).stored.spans;
    const killedMs = performance.now();
    first.child.kill('SIGKILL');
    await first.exit;
    const second = await start(directory);
    const { roots, spans } = await counted(second);
    // All that it had said to be stored is there, and so is all that was acknowledged a good while before.
    const longAgo = sentAt.findLast(({ ms }) => ms < killedMs - aWhileMs)?.spans ?? 0;
    expect(longAgo).toBeGreaterThan(0);
    expect(spans).toBeGreaterThanOrEqual(Math.max(before, longAgo));
    expect(roots * 2).toBe(spans);
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

  it.each(['OBSERVATORY_PORT', 'OBSERVATORY_OTLP_PORT'])(
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
