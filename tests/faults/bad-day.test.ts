import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createTemporaryDirectory, findFreePortBase } from '../harness/suite.ts';
import { childrenOf, eventually, startStack, type StackProcess } from '../stack/stack-process.ts';

describe.skipIf(process.platform !== 'linux')('a suite on a bad day', () => {
  const directory = createTemporaryDirectory('bad-day');
  let stack: StackProcess;
  const requestTimeoutMs = 2_000;

  beforeAll(async () => {
    stack = startStack(directory.path, await findFreePortBase(), ['--no-observatory', '--rate', '5'], {
      REQUEST_TIMEOUT_MS: String(requestTimeoutMs),
    });
    await stack.printed(/HotROD runs/);
  });
  afterAll(async () => {
    stack.process.kill('SIGTERM');
    await stack.ended;
    directory.remove();
  });

  function pidOf(name: string): number {
    const { children } = JSON.parse(readFileSync(join(directory.path, 'stack.json'), 'utf8')) as {
      children: { name: string; pid: number }[];
    };
    return children.find((child) => child.name === name)?.pid ?? expect.fail(`${name} does not run`);
  }

  const order = async () => {
    const sentMs = performance.now();
    const answer = await fetch(`${stack.url}/dispatch?customer=123`);
    return { status: answer.status, body: await answer.text(), ms: performance.now() - sentMs };
  };

  test.each(['customer', 'driver', 'route'])(
    'a %s that hangs makes a ride wait no longer than its deadline, and is named',
    async (name) => {
      await expect.poll(async () => (await order()).status).toBe(200);
      const pid = pidOf(name);
      process.kill(pid, 'SIGSTOP');
      try {
        const { status, body, ms } = await order();
        expect(status).toBe(504);
        expect((JSON.parse(body) as { detail: string }).detail).toContain(name);
        // Without the ride's deadline it would wait for as long as the process is stopped: for ever.
        expect(ms).toBeLessThan(requestTimeoutMs * 10);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
  );

  test('one backend of Postgres that is killed is told on the console by the name of Postgres', async () => {
    await expect.poll(async () => (await order()).status, { timeout: 60_000 }).toBe(200);
    const said = stack.output().length;
    const postmaster = pidOf('postgres');
    const backend = await eventually('a backend that serves the customer service', () =>
      childrenOf(postmaster).find(({ command }) => command.includes('customer')),
    );
    process.kill(backend.pid, 'SIGKILL');
    await expect.poll(() => stack.output().slice(said), { timeout: 60_000 }).toMatch(/Postgres|postgres/);
    await expect.poll(async () => (await order()).status, { timeout: 60_000 }).toBe(200);
  });
});
