import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

import { createTemporaryDirectory } from '../harness/suite.ts';
import { endStack, eventually, findPortBase, runStackCommand, type StackProcess, startStack } from './stack-process.ts';

// What `npm start` makes of a k6 on the PATH: a shell script stands in for it. The real one runs in tests of its own.
let directory: { path: string; remove(): void };
let stack: StackProcess;

beforeAll(() => {
  directory = createTemporaryDirectory('k6');
});
afterEach(() => endStack(stack));
afterAll(() => directory.remove());

async function startWith(script: string, ...args: string[]): Promise<void> {
  writeFileSync(join(directory.path, 'k6'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory.path, 'k6'), 0o755);
  stack = startStack(directory.path, await findPortBase(), ['--load', 'k6', '--no-observatory', ...args], {
    PATH: `${directory.path}:/usr/bin:/bin`,
  });
  await stack.printed(/HotROD runs|HotROD: /);
  expect(stack.errors()).toBe('');
}

it('runs the scripts with the profile, refuses another rate, and takes k6 with it when it stops', async () => {
  const called = join(directory.path, 'called');
  const gone = join(directory.path, 'gone');
  for (const file of [called, gone]) rmSync(file, { force: true }); // of a first try
  await startWith(
    `trap 'echo x > ${gone}; exit 0' INT; echo "$@ $PROFILE $BASE_URL $RATE" > ${called}; while :; do sleep 0.1; done`,
    '--profile',
    'soak',
  );
  await eventually('k6 is called', () => existsSync(called) && readFileSync(called, 'utf8') !== '');
  expect(readFileSync(called, 'utf8').trim()).toMatch(new RegExp(`^run .*loadgen/k6\\.ts soak ${stack.url}$`));
  expect(stack.output()).toContain('k6, profile soak');
  const refused = await runStackCommand('rate', '9', '--data-dir', directory.path);
  expect(refused.code).toBe(1);
  expect(refused.errors).toMatch(/^HotROD: k6 drives the load.*--load builtin.*\n$/);
  stack.process.kill('SIGINT');
  expect(await stack.ended).toBe(0);
  expect(existsSync(gone)).toBe(true);
  await eventually('nothing is left', () => stack.processes().length === 0);
});

it.each([
  [0, 'is through, its thresholds held'],
  [99, 'MISSED its thresholds'],
])('says what came of a k6 that ends with %i, and the suite stays', async (code, news) => {
  await startWith(`exit ${code}`, '--rate', '3');
  await stack.printed(new RegExp(`k6 ${news}`));
  expect(await stack.dispatch(123)).toBe(200);
});
