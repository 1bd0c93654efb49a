import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

import { recordOf } from '../release/record/command.ts';
import type { ReleaseRecord } from '../release/record/record-file.ts';
import { createTarget } from '../release/record/target.ts';
import { readCommit } from '../runner/executors/git.ts';
import type { Releases } from '../targets/target.ts';
import type { Environment } from './config.ts';
import type { Work } from './order.ts';

/** What came of an order. */
export interface OrderOutcome {
  succeeded: boolean;
  /** False if it was ended before anything began, so that nothing has changed. */
  begun: boolean;
  /** The last lines that the program wrote. */
  lines: string;
  /** What ran before a deploy; null if the target could not say it, and for every other order. */
  before: ReleaseRecord | null;
}

export interface WorkRequest {
  order: Work;
  environment: Environment;
  /** Ends the work in good order. */
  signal: AbortSignal;
  /** For a rollback: what to restore. Null: the release before the last one. */
  restore: ReleaseRecord | null;
}

/** Carries out an order; never rejects. */
export type CarryOut = (request: WorkRequest) => Promise<OrderOutcome>;

const release = fileURLToPath(new URL('../release/main.ts', import.meta.url));
const pipeline = fileURLToPath(new URL('../runner/main.ts', import.meta.url));

/** How much of a program's output is kept, in characters. */
const keptOutput = 20_000;
/** How many of its last lines the chat is told. */
const toldLines = 12;
const toldCharacters = 1_500;
/**
 * How long a deploy or rollback may take to end after SIGTERM before it is killed, milliseconds. A pipeline that is ended
 * waits until its target has taken back or finished what it has begun. Then it runs the hooks of its step and its own,
 * which close the marker.
 */
export const graceMs = 600_000;
/** The same for a status, which leaves nothing to tidy up. */
const statusGraceMs = 5_000;
/** Windows has no process groups; there a program of its own group would open a window. */
const ownGroup = process.platform !== 'win32';

type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/**
 * The arguments of Node for an order. No shell reads them, and what a person wrote is never an option.
 *
 * @param known.running the commit that all services run; null if they run several, or it is not known.
 * @param known.recordFile for a rollback: the record of what to restore.
 */
export function programOf(
  order: Work,
  { target, repository, branch }: Environment,
  { running = null, recordFile = null }: { running?: string | null; recordFile?: string | null } = {},
): string[] {
  if (order.name === 'status') return [release, 'status', `--target=${target}`];
  if (order.name === 'rollback') {
    return [
      release,
      'rollback',
      `--target=${target}`,
      ...(recordFile === null ? [] : [`--record=${recordFile}`]),
      ...order.services.map((service) => `--service=${service}`),
    ];
  }
  return [
    pipeline,
    'run',
    `--target=${target}`,
    `--repo=${repository}`,
    `--revision=${order.revision}`,
    `--branch=${branch}`,
    // Whether this person may deploy was checked before: that is the approval.
    '--approval=auto',
    // Without it everything counts as changed, which is slower but never wrong.
    ...(running === null ? [] : [`--var=PRODUCTION_REVISION=${running}`]),
  ];
}

/**
 * @param given the environment of this program, without its own secrets.
 * @param patienceMs how long a deploy or rollback may take to end; a test waits for less.
 */
export function createProgramRunner(given: EnvironmentVariables, patienceMs = graceMs): CarryOut {
  return async ({ order, environment, signal, restore }) => {
    const env = { ...given, DEPLOY_TARGET: environment.target, ...environment.env };
    if (order.name === 'deploy') {
      const releases = await runningReleases(environment, env, signal);
      const running = releases && (await commonRevision(releases, environment, env));
      const outcome = await runProgram(programOf(order, environment, { running }), env, signal, patienceMs);
      return { ...outcome, before: releases && recordOf(releases, Date.now()) };
    }
    if (order.name === 'rollback' && restore !== null) {
      const directory = mkdtempSync(join(tmpdir(), 'hotrod-rollback-'));
      try {
        const recordFile = join(directory, 'record.json');
        writeFileSync(recordFile, JSON.stringify(restore));
        return await runProgram(programOf(order, environment, { recordFile }), env, signal, patienceMs);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }
    const ownPatienceMs = order.name === 'status' ? statusGraceMs : patienceMs;
    return runProgram(programOf(order, environment), env, signal, ownPatienceMs);
  };
}

/** @returns null if the target cannot say it; the pipeline itself says what is wrong. */
async function runningReleases(
  environment: Environment,
  env: EnvironmentVariables,
  signal: AbortSignal,
): Promise<Releases | null> {
  try {
    const target = await createTarget(environment.target);
    return await target.current({ root: process.cwd(), env, signal, log: () => undefined, settled: true });
  } catch {
    return null;
  }
}

/**
 * The commit that all services run. If they run several, because releases change single services or were taken back in
 * parts, there is no single commit to compare with.
 */
async function commonRevision(
  releases: Releases,
  environment: Environment,
  env: EnvironmentVariables,
): Promise<string | null> {
  const [first, ...others] = await Promise.all(
    Object.values(releases).map(async ({ revision, version }) => revision ?? revisionOf(version, environment, env)),
  );
  return others.every((each) => each === first) ? (first ?? null) : null;
}

/**
 * The commit in a version such as `0.1.0+1a2b3c4`: a cluster knows the image's tag alone.
 *
 * @returns null if the version names no commit, or none of this repository.
 */
async function revisionOf(
  version: string,
  { repository, branch }: Environment,
  env: EnvironmentVariables,
): Promise<string | null> {
  const digits = /\+([0-9a-f]{7,40})$/.exec(version)?.[1];
  if (digits === undefined) return null;
  try {
    const { revision } = await readCommit(repository, digits, branch, env);
    // A branch or tag may have the name as well.
    return revision.startsWith(digits) ? revision : null;
  } catch {
    return null;
  }
}

/** @param patienceMs how long it may take to end after SIGTERM. */
function runProgram(
  args: string[],
  env: EnvironmentVariables,
  signal: AbortSignal,
  patienceMs: number,
): Promise<OrderOutcome> {
  if (signal.aborted) {
    return Promise.resolve({ succeeded: false, begun: false, lines: 'It was ended before it began.', before: null });
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C and a closed terminal reach this program alone, which then ends the other in good order.
      detached: ownGroup,
      windowsHide: true,
    });
    let output = '';
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-keptOutput));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    let killTimer: NodeJS.Timeout | undefined;
    const end = (): void => {
      child.kill('SIGTERM');
      killTimer = setTimeout(() => killAll(child), patienceMs);
    };
    signal.addEventListener('abort', end, { once: true });
    const finish = (succeeded: boolean, more = ''): void => {
      clearTimeout(killTimer);
      signal.removeEventListener('abort', end);
      resolve({ succeeded, begun: true, lines: lastLines(output + more), before: null });
    };
    child.once('error', (error) => finish(false, `\n${error.message}`));
    child.once('close', (code) => finish(code === 0, signal.aborted ? '\nIt was ended before it was done.' : ''));
  });
}

/** Kills a program with all that it has started in its group, such as helm. */
function killAll(child: ChildProcess): void {
  if (!ownGroup || child.pid === undefined) return void child.kill('SIGKILL');
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // nothing is left of it
  }
}

function lastLines(output: string): string {
  const lines = stripVTControlCharacters(output)
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '');
  return lines.slice(-toldLines).join('\n').slice(-toldCharacters);
}
