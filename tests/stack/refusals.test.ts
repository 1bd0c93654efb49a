import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { readSuiteRecord } from '../../stack/data-directory.ts';
import { createTemporaryDirectory } from '../harness/suite.ts';
import { endStack, eventually, findPortBase, runStackCommand, type StackProcess, startStack } from './stack-process.ts';

let directory: { path: string; remove(): void };
let stack: StackProcess | undefined;
let server: Server | undefined;

beforeAll(() => {
  directory = createTemporaryDirectory('refusals');
});
afterEach(async () => {
  await endStack(stack);
  server?.close();
  stack = server = undefined;
});
afterAll(() => directory.remove());

/** One line on standard error that says what to do, and nothing else. */
const oneLine = (text: string) => expect(text).toMatch(/^HotROD: [^\n]+\n$/);

describe('what cannot be done is refused in one line, with an exit code', () => {
  it.each([0, 3, 4])('a port that another program has taken (base + %i)', async (offset) => {
    const base = await findPortBase();
    server = createServer().listen(base + offset, '127.0.0.1');
    await once(server, 'listening');
    stack = startStack(directory.path, base, ['--no-load', '--no-observatory']);
    expect(await stack.ended).toBe(1);
    oneLine(stack.errors());
    expect(stack.errors()).toContain(`Port ${base + offset}`);
    await eventually('nothing is left', () => stack?.processes().length === 0);
  });

  it('a data directory that cannot be one', async () => {
    const file = join(directory.path, 'file');
    writeFileSync(file, '');
    for (const impossible of [file, join(file, 'below')]) {
      stack = startStack(impossible, await findPortBase(), ['--no-load', '--no-observatory']);
      expect(await stack.ended).toBe(1);
      oneLine(stack.errors());
      expect(stack.errors()).toContain('--data-dir');
    }
  });

  it('a database without its passwords, or of another Postgres', async () => {
    const data = join(directory.path, 'old', 'postgres', 'data');
    mkdirSync(data, { recursive: true });
    for (const [version, complaint] of [
      ['12', 'was made by Postgres 12'],
      ['18', 'passwords.json is missing'],
    ]) {
      writeFileSync(join(data, 'PG_VERSION'), `${version}\n`);
      stack = startStack(join(directory.path, 'old'), await findPortBase(), ['--no-load', '--no-observatory']);
      expect(await stack.ended).toBe(1);
      oneLine(stack.errors());
      expect(stack.errors()).toContain(complaint);
    }
  });

  it('a service whose settings are wrong, with what is wrong', async () => {
    stack = startStack(directory.path, await findPortBase(), ['--no-load', '--no-observatory'], {
      ROUTE_CALCULATION_DELAY_MS: 'soon',
    });
    expect(await stack.ended).toBe(1);
    expect(stack.errors()).toMatch(
      /^HotROD: route does not start: it ended with exit code 2: .*ROUTE_CALCULATION_DELAY_MS is not valid.*route\.log\n$/,
    );
    await eventually('nothing is left', () => stack?.processes().length === 0);
    expect(existsSync(join(directory.path, 'stack.json'))).toBe(false);
  });

  it('an option that does not exist, k6 where there is none, a command without a suite', async () => {
    const wrong = await runStackCommand('--port', '1');
    expect(wrong).toMatchObject({ code: 2, output: '' });
    oneLine(wrong.errors);
    const none = await runStackCommand('rate', '5', '--data-dir', directory.path);
    expect(none.code).toBe(1);
    oneLine(none.errors);
    expect(none.errors).toContain('No HotROD runs from');
    stack = startStack(directory.path, await findPortBase(), ['--load', 'k6'], { PATH: '/nowhere' });
    expect(await stack.ended).toBe(1);
    oneLine(stack.errors());
    expect(stack.errors()).toContain('k6');
  });
});

describe('Ctrl-C', () => {
  it('while it starts stops it, too', async () => {
    stack = startStack(directory.path, await findPortBase(), ['--no-load', '--no-observatory']);
    const starting = stack;
    await eventually('the first processes', () => starting.processes().length > 2);
    stack.process.kill('SIGINT');
    expect(await stack.ended).toBe(0);
    expect(stack.errors()).toBe('');
    await eventually('nothing is left', () => starting.processes().length === 0);
  });

  it('ends a git that still reads the checkout', async () => {
    const bin = join(directory.path, 'bin');
    const reached = join(directory.path, 'reached');
    rmSync(reached, { force: true }); // of a first try
    mkdirSync(bin, { recursive: true });
    const path = process.env['PATH'] ?? '';
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\nPATH='${path}'\ncase "$*" in init*) : > '${reached}'; exec sleep 600 ;; esac\nexec git "$@"\n`,
      { mode: 0o755 },
    );
    stack = startStack(join(directory.path, 'git'), await findPortBase(), ['--no-load', '--no-observatory'], {
      PATH: `${bin}:${path}`,
    });
    const starting = stack;
    await eventually('git', () => existsSync(reached));
    stack.process.kill('SIGINT');
    expect(await stack.ended).toBe(0);
    expect(stack.output()).toContain('Stopped after');
    await eventually('nothing is left', () => starting.processes().length === 0);
  });

  it('sent twice at once, as npm does, is one; sent again it ends everything at once', async () => {
    stack = startStack(directory.path, await findPortBase(), ['--no-load', '--no-observatory']);
    await stack.printed(/HotROD runs/);
    stack.process.kill('SIGINT');
    stack.process.kill('SIGINT');
    expect(await stack.ended).toBe(0);
    expect(stack.output()).toContain('Stopped after');

    // A receiver that never answers keeps the services for the two seconds that their last telemetry may take.
    server = createServer(() => {});
    const address = await new Promise<AddressInfo | string | null>((resolve) => {
      server?.listen(0, '127.0.0.1', () => resolve(server?.address() ?? null));
    });
    const receiver = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    stack = startStack(directory.path, await findPortBase(), ['--rate', '5', '--otlp-endpoint', receiver]);
    const running = stack;
    await stack.printed(/HotROD runs/);
    expect(await stack.dispatch(123)).toBe(200);
    // A process that stands still is waited for, too: for three seconds.
    const route = readSuiteRecord(directory.path)?.children.find(({ name }) => name === 'route');
    process.kill(route?.pid ?? expect.fail('route does not run'), 'SIGSTOP');
    stack.process.kill('SIGINT');
    await stack.printed(/Stopping/);
    // Those of the first half second pass for the same Ctrl-C.
    const again = setInterval(() => running.process.kill('SIGINT'), 100);
    const code = await stack.ended.finally(() => clearInterval(again));
    expect(code).toBe(1);
    expect(stack.output()).toContain('Ended at once');
    expect(stack.output()).not.toContain('Stopped after');
    await eventually('nothing is left', () => running.processes().length === 0);
  });
});
