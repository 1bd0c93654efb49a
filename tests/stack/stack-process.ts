import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { isAlive } from '../../stack/process-identity.ts';
import { half, noDelays, root } from '../harness/suite.ts';

/** `node stack/main.ts` as a person starts it. */
export interface StackProcess {
  process: ChildProcess;
  url: string;
  dataDir: string;
  portBase: number;
  /** What it wrote so far. */
  output(): string;
  errors(): string;
  /** Waits until it has written something that matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves, when it has ended, to its exit code (null: by a signal). */
  ended: Promise<number | null>;
  /** The processes of this suite that are alive: those that inherited its mark, and its Postgres. */
  processes(): number[];
  dispatch(customer: number): Promise<number>;
}

/**
 * Starts a stack on ports of its own.
 *
 * @param args further options.
 * @param program what is called, instead of Node with `stack/main.ts`.
 */
export function startStack(
  dataDir: string,
  portBase: number,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  [program, ...programArgs]: readonly [string, ...string[]] = [process.execPath, join(root, 'stack', 'main.ts')],
): StackProcess {
  const mark = randomUUID();
  const child = spawn(program, [...programArgs, '--data-dir', dataDir, '--port-base', String(portBase), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOTROD_TEST_MARK: mark, ...noDelays, ...env },
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const url = `http://127.0.0.1:${portBase}`;
  return {
    process: child,
    url,
    dataDir,
    portBase,
    output: () => output,
    errors: () => errors,
    printed: (pattern) =>
      eventually(`output like ${String(pattern)}; so far: ${output}${errors}`, () => pattern.exec(output + errors)),
    ended,
    processes: () => processesWith(mark, dataDir),
    async dispatch(customer) {
      const response = await fetch(`${url}/dispatch?customer=${customer}`);
      await response.arrayBuffer();
      return response.status;
    },
  };
}

/** Runs `node stack/main.ts` with arguments that do not start anything, to its end. */
export async function runStackCommand(
  ...args: string[]
): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, [join(root, 'stack', 'main.ts'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, errors };
}

/** Ends a stack, and leaves nothing of it whatever the test's outcome. */
export async function endStack(stack: StackProcess | undefined): Promise<void> {
  if (!stack) return;
  if (stack.process.exitCode === null && stack.process.signalCode === null) stack.process.kill('SIGTERM');
  await Promise.race([stack.ended, sleep(15_000)]);
  for (const pid of [stack.process.pid ?? 0, ...stack.processes()]) {
    if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
}

/** Waits until `look` returns something; generous, because the machine may be busy. */
export async function eventually<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
  const deadline = performance.now() + 90_000;
  for (;;) {
    const found = look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`This did not come within 90 s: ${what}`);
    await sleep(25);
  }
}

/** The first of ten ports in a row that are free now, outside of the range that the system hands out by itself. */
export async function findPortBase(): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const base = 12_000 + 9_500 * half + 10 * Math.floor(Math.random() * 950);
    const free = await Promise.all(Array.from({ length: 10 }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('there are no ten free ports in a row');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** By proc(5): `environ` holds the mark, or the command line the data directory. Linux alone; elsewhere nobody. */
function processesWith(mark: string, dataDir: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(
      (pid) => read(`/proc/${pid}/environ`).includes(mark) || read(`/proc/${pid}/cmdline`).includes(`${dataDir}/`),
    )
    .map(Number)
    .filter(isAlive);
}

/** The processes that a process has started, by proc(5). Linux alone. */
export function childrenOf(parent: number): { pid: number; command: string }[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1] === String(parent))
    .map((pid) => ({ pid: Number(pid), command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
