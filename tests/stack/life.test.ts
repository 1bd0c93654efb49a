import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readSuiteRecord } from '../../stack/data-directory.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { createTemporaryDirectory } from '../harness/suite.ts';
import {
  childrenOf,
  endStack,
  eventually,
  findPortBase,
  runStackCommand,
  type StackProcess,
  startStack,
} from './stack-process.ts';

const services = ['frontend', 'customer', 'driver', 'route'];

let directory: { path: string; remove(): void };
let receiver: OtlpReceiver;
let stack: StackProcess;

async function start(...args: string[]): Promise<StackProcess> {
  const started = startStack(
    directory.path,
    stack?.portBase ?? (await findPortBase()),
    ['--otlp-endpoint', receiver.url, ...args],
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '100' },
  );
  stack = started;
  await started.printed(/HotROD runs|HotROD: /);
  expect(started.errors()).toBe('');
  return started;
}
const log = (name: string) => readFileSync(join(directory.path, 'logs', `${name}.log`), 'utf8');
function pidOf(name: string): number {
  const { children } = readSuiteRecord(directory.path) ?? expect.fail('no suite runs');
  // Never 0: a signal to that would end the tests.
  return children.find((child) => child.name === name)?.pid ?? expect.fail(`${name} does not run`);
}

beforeAll(async () => {
  directory = createTemporaryDirectory('stack');
  receiver = await startOtlpReceiver();
  await start('--no-load');
});
afterAll(async () => {
  await endStack(stack);
  await receiver?.close();
  directory?.remove();
});

// One life of a suite, from the first start to the last: each part goes on where the one before stopped.
describe('npm start', () => {
  it('prints one table: each part, its address, its state', () => {
    const rows = stack
      .output()
      .match(/^ {2}\w+ .*$/gm)
      ?.map((row) => row.trim().split(/ {2,}/));
    expect(rows).toEqual([
      ...services.map((name, index) => [name, `http://127.0.0.1:${stack.portBase + index}`, 'ready']),
      ['postgres', `postgres://127.0.0.1:${stack.portBase + 4}/hotrod`, 'ready'],
      ['telemetry', receiver.url, 'OTLP'],
      ['load', 'none'],
    ]);
  });

  it('answers a dispatch, whose spans of all four services say which release they are from', async () => {
    expect(await stack.dispatch(123)).toBe(200);
    const spans = await receiver.eventually('spans of all services', () => {
      const seen = new Set(receiver.spans.map((span) => span.service));
      return services.every((name) => seen.has(name)) && receiver.spans;
    });
    for (const { resource } of spans) {
      expect(resource).toMatchObject({
        'deployment.environment.name': 'local',
        'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
        'service.namespace': 'hotrod',
      });
    }
  });

  it('keeps a log of each process', () => {
    for (const name of services) expect(log(name)).toContain('"Listening"');
    expect(log('postgres')).toContain('ready to accept connections');
  });

  it('restarts a service that dies, and names it', async () => {
    const killed = pidOf('route');
    process.kill(killed, 'SIGKILL');
    await stack.printed(/route was ended by SIGKILL .* again in 0\.25 s/);
    await stack.printed(/route is ready again/);
    expect(pidOf('route')).not.toBe(killed);
    expect(await stack.dispatch(392)).toBe(200);
  });

  it('restarts a Postgres that dies; the services reconnect without a restart', async () => {
    const customer = pidOf('customer');
    process.kill(pidOf('postgres'), 'SIGKILL');
    await stack.printed(/postgres was ended by SIGKILL/);
    await stack.printed(/postgres is ready again/);
    await expect.poll(() => stack.dispatch(123), { timeout: 60_000 }).toBe(200);
    expect(pidOf('customer')).toBe(customer);
  });

  it('takes a new load from another process', async () => {
    const sent = async () =>
      Number(
        /load: (\d+) dispatches,/.exec((await runStackCommand('rate', '--data-dir', directory.path)).output)?.[1] ?? 0,
      );
    expect(await sent()).toBe(0);
    const command = await runStackCommand('rate', '8', '--data-dir', directory.path);
    expect(command).toMatchObject({ code: 0, errors: '' });
    expect(command.output).toContain('load: 8 dispatches/s');
    await stack.printed(/load is now 8 dispatches\/s/);
    await expect.poll(sent, { timeout: 90_000 }).toBeGreaterThan(8);
    expect((await runStackCommand('status', '--data-dir', directory.path)).output).toMatch(
      /route .*ready, restarted once/,
    );
    const refused = await runStackCommand('rate', 'fast', '--data-dir', directory.path);
    expect(refused).toMatchObject({ code: 2, output: '' });
  });

  it('refuses a second suite in the same data directory, and on the same ports', async () => {
    const twice = startStack(directory.path, await findPortBase(), ['--no-load', '--no-observatory']);
    expect(await twice.ended).toBe(1);
    expect(twice.errors()).toMatch(
      /^HotROD: One already runs from .*stop it with .*"npm start -- stop", or .*--data-dir DIR.*\n$/,
    );

    const other = createTemporaryDirectory('stack-other');
    const taken = startStack(other.path, stack.portBase, ['--no-load', '--no-observatory']);
    expect(await taken.ended).toBe(1);
    other.remove();
    expect(taken.errors()).toMatch(/^HotROD: Port \d+ \(frontend\) is taken by .*--port-base.*\n$/);
    expect(await stack.dispatch(123)).toBe(200);
  });

  it('stops everything at Ctrl-C within 5 s, and leaves no process', async () => {
    expect(stack.processes().length).toBeGreaterThanOrEqual(6);
    const beganMs = performance.now();
    stack.process.kill('SIGINT');
    expect(await stack.ended).toBe(0);
    // What may take time is bounded to 5 s in all; the rest is what a machine that others use adds.
    expect(performance.now() - beganMs).toBeLessThan(15_000);
    expect(stack.output()).toMatch(/Stopped after \d+\.\d s\./);
    await eventually('no process of the suite is left', () => stack.processes().length === 0);
    expect(existsSync(join(directory.path, 'stack.json'))).toBe(false);
  });

  it('left a clean database, which the next start finds', async () => {
    expect(log('postgres')).toContain('database system is shut down');
    await start('--rate', '3'); // what a starved machine bears, too: more would be refused
    expect(stack.output()).not.toContain('makes a new database');
    expect(log('postgres')).toMatch(/database system was shut down at/);
    expect(log('postgres')).not.toMatch(/interrupted|not properly shut down/);
    await expect
      .poll(async () => (await runStackCommand('status', '--data-dir', directory.path)).output, { timeout: 90_000 })
      .toMatch(/load: [1-9]\d* dispatches, 0 failed/);
  });

  it('killed with -9 leaves nothing running for long, and starts again', async () => {
    const before = stack;
    before.process.kill('SIGKILL');
    await before.ended;
    await start('--no-load'); // at once: what was left is still there, or just going
    expect(await stack.dispatch(123)).toBe(200);
    await eventually(
      'no process of the killed suite is left',
      () => before.processes().filter((pid) => !stack.processes().includes(pid)).length === 0,
    );
  });

  it('killed with -9 together with its guard starts again, and says what it found', async () => {
    const before = stack;
    const guards = childrenOf(before.process.pid ?? 0).filter((child) => child.command.startsWith('/bin/sh '));
    expect(guards).toHaveLength(process.platform === 'linux' ? 1 : 0);
    for (const { pid } of guards) process.kill(pid, 'SIGKILL');
    before.process.kill('SIGKILL');
    await before.ended;
    await start('--no-load');
    expect(stack.output()).toMatch(/stack stopped what an earlier start had left: .*route/);
    expect(await stack.dispatch(123)).toBe(200);
  });
});
