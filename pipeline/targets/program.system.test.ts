import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { mustRun, runProgram } from './program.ts';
import type { TargetContext } from './target.ts';

function createContext(signal: AbortSignal): TargetContext {
  const parent = join(import.meta.dirname, '../../.hotrod/tmp');
  mkdirSync(parent, { recursive: true });
  const root = mkdtempSync(join(parent, 'program-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return { root, env: { PATH: process.env['PATH'] }, signal, log: () => undefined };
}

test('a program that is missing is named', async () => {
  const context = createContext(new AbortController().signal);
  await expect(runProgram(context, ['no-such-program'])).rejects.toThrow('there is no no-such-program on the PATH');
});

test('nothing is started for a step that was ended before', async () => {
  const context = createContext(AbortSignal.abort());
  await expect(runProgram(context, ['touch', 'begun'])).rejects.toThrow('The step was ended.');
  expect(existsSync(join(context.root, 'begun'))).toBe(false);
});

test.skipIf(process.platform === 'win32').each([
  ['', 'and fails', 'touch begun', 1],
  ['', 'and succeeds', 'touch begun', 0],
  ['but not what it leaves behind', 'and succeeds', 'sleep 300 & echo $! > begun', 0],
])('a program of a step that ends is waited for until it has tidied up, %s %s', async (_what, _end, begin, code) => {
  const end = new AbortController();
  const context = createContext(end.signal);
  const begun = join(context.root, 'begun');
  const script = `trap 'sleep 0.5; touch tidy; exit ${code}' TERM; ${begin}; while :; do sleep 0.05; done`;
  const settled = expect(mustRun(context, ['sh', '-c', script])).rejects.toThrow('The step was ended.');
  await expect.poll(() => existsSync(begun)).toBe(true);
  onTestFinished(() => {
    const left = readFileSync(begun, 'utf8').trim();
    if (left !== '') process.kill(Number(left));
  });
  end.abort();
  await settled;
  expect(existsSync(join(context.root, 'tidy'))).toBe(true);
});
