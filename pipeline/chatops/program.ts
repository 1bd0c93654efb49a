import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

import { createTarget } from '../release/record/target.ts';
import type { Environment } from './config.ts';
import type { Order } from './order.ts';

/** What came of an order. */
export interface OrderOutcome {
  succeeded: boolean;
  /** The last lines that the program wrote. */
  lines: string;
}

/** Carries out an order; never rejects. */
export type CarryOut = (order: Order, environment: Environment, signal: AbortSignal) => Promise<OrderOutcome>;

const release = fileURLToPath(new URL('../release/main.ts', import.meta.url));
const pipeline = fileURLToPath(new URL('../runner/main.ts', import.meta.url));

/** How much of a program's output is kept, in characters. */
const keptOutput = 20_000;
/** How many of its last lines are told. */
const toldLines = 12;
const toldCharacters = 1_500;
/** How long a program may take to end after SIGTERM before it is killed, milliseconds. */
const graceMs = 60_000;

/**
 * The arguments of Node for an order. No shell reads them, and what a person wrote is never an option.
 *
 * @param running the commit that all services run; null where they run several, or it is not known.
 */
export function programOf(
  order: Order,
  { target, repository, branch }: Environment,
  running: string | null = null,
): string[] {
  if (order.name === 'status') return [release, 'status', `--target=${target}`];
  if (order.name === 'rollback') {
    return [release, 'rollback', `--target=${target}`, ...order.services.map((service) => `--service=${service}`)];
  }
  return [
    pipeline,
    'run',
    `--target=${target}`,
    `--repo=${repository}`,
    `--revision=${order.revision}`,
    `--branch=${branch}`,
    // Who may deploy has been asked: that is the approval.
    '--approval=auto',
    // Without it everything counts as changed, which is slower and never wrong.
    ...(running === null ? [] : [`--var=PRODUCTION_REVISION=${running}`]),
  ];
}

/** @param given the environment of this program, without its own secrets. */
export function createProgramRunner(given: Readonly<Record<string, string | undefined>>): CarryOut {
  return async (order, environment, signal) => {
    const env = { ...given, DEPLOY_TARGET: environment.target, ...environment.env };
    const running = order.name === 'deploy' ? await runningRevision(environment, env, signal) : null;
    return runProgram(programOf(order, environment, running), env, signal);
  };
}

/**
 * The commit that all services run. Where they run several, because releases change single services or were taken back
 * in parts, there is no one commit to compare with.
 */
async function runningRevision(
  environment: Environment,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const target = await createTarget(environment.target);
    const releases = await target.current({ root: process.cwd(), env, signal, log: () => undefined });
    const revisions = new Set(Object.values(releases).map(({ revision }) => revision));
    return revisions.size === 1 ? ([...revisions][0] ?? null) : null;
  } catch {
    return null; // The pipeline itself says what is wrong.
  }
}

function runProgram(
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<OrderOutcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let output = '';
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-keptOutput));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    let killTimer: NodeJS.Timeout | undefined;
    const end = (): void => {
      child.kill('SIGTERM');
      killTimer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    const finish = (succeeded: boolean, more = ''): void => {
      clearTimeout(killTimer);
      signal.removeEventListener('abort', end);
      resolve({ succeeded, lines: lastLines(output + more) });
    };
    child.once('error', (error) => finish(false, `\n${error.message}`));
    child.once('close', (code) => finish(code === 0, signal.aborted ? '\nIt was ended before it was done.' : ''));
  });
}

function lastLines(output: string): string {
  const lines = stripVTControlCharacters(output)
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '');
  return lines.slice(-toldLines).join('\n').slice(-toldCharacters);
}
