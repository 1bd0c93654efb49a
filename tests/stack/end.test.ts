import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { readSuiteRecord } from '../../stack/data-directory.ts';
import { createTemporaryDirectory } from '../harness/suite.ts';
import { endStack, eventually, findPortBase, runStackCommand, type StackProcess, startStack } from './stack-process.ts';

let directory: { path: string; remove(): void };
let stack: StackProcess;

beforeAll(() => {
  directory = createTemporaryDirectory('end');
});
afterEach(() => endStack(stack));
afterAll(() => directory.remove());

/** `npm start`, with npm as the process that signals go to. */
async function npmStart(): Promise<StackProcess> {
  const options = ['--no-load', '--no-observatory'];
  const noFilesInHome = { npm_config_logs_max: '0', npm_config_update_notifier: 'false' };
  return startStack(directory.path, await findPortBase(), options, noFilesInHome, ['npm', 'start', '--silent', '--']);
}

describe.skipIf(process.platform === 'win32')('the suite that npm has started', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('stops when npm, and nobody else, gets %s', async (signal) => {
    stack = await npmStart();
    await eventually('its data directory is its own', () => readSuiteRecord(directory.path));
    stack.process.kill(signal);
    await stack.ended;
    expect(stack.output()).toMatch(/Stopped after \d+\.\d s\./);
    await eventually('no process of the suite is left', () => stack.processes().length === 0);
  });

  it('stops in good order when npm is killed with -9', async () => {
    stack = await npmStart();
    await stack.printed(/HotROD runs/);
    stack.process.kill('SIGKILL');
    await stack.printed(/Stopped after \d+\.\d s\./);
    await eventually('no process of the suite is left', () => stack.processes().length === 0);
  });
});

describe('npm start -- stop', () => {
  it('stops a suite that runs elsewhere, and no other', async () => {
    stack = startStack(directory.path, await findPortBase(), ['--no-load', '--no-observatory']);
    await stack.printed(/HotROD runs/);
    const here = ['--data-dir', directory.path];
    for (const command of ['status', 'stop']) {
      const other = await runStackCommand(command, ...here, '--port-base', String(stack.portBase + 10));
      expect(other).toMatchObject({ code: 1, output: '' });
      expect(other.errors).toMatch(/^HotROD: .* is at http:\S+, not at port \d+: name the --data-dir .*\n$/);
    }
    const status = await runStackCommand('status', ...here, '--port-base', String(stack.portBase));
    expect(status).toMatchObject({ code: 0, errors: '' });
    expect(await runStackCommand('stop', ...here)).toEqual({ code: 0, output: 'Stopped.\n', errors: '' });
    expect(await stack.ended).toBe(0);
    const again = await runStackCommand('stop', ...here);
    expect(again).toMatchObject({ code: 1, output: '' });
    expect(again.errors).toContain('No HotROD runs from');
  });
});
