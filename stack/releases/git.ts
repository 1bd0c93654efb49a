import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

import { messageOf, Refusal } from '../refusal.ts';

/** An environment without git's own variables. Through these, git tells a hook about another repository. */
export type Environment = Readonly<Record<string, string | undefined>>;

export function withoutGit(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('GIT_'),
    ),
  );
}

/**
 * Runs git and returns what it prints, without the line end.
 *
 * @param options.extra variables of git's own that this call needs.
 * @param options.signal ends git; this rejects once it has ended.
 * @throws {Refusal} with what git says.
 */
export async function git(
  args: readonly string[],
  options: { cwd?: string; env: Environment; extra?: Readonly<Record<string, string>>; signal?: AbortSignal },
): Promise<string> {
  const { cwd, env, extra = {}, signal } = options;
  const running = promisify(execFile)('git', [...args], {
    env: { ...withoutGit(env), LC_ALL: 'C', ...extra },
    maxBuffer: 64_000_000,
    timeout: 60_000,
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const { stdout } = await running;
    return stdout.trimEnd();
  } catch (error) {
    await hasEnded(running.child); // execFile rejects as soon as it has sent the signal
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n')[0] : '';
    throw new Refusal(`git ${args.find((arg) => !arg.startsWith('-')) ?? ''}: ${said || messageOf(error)}`, {
      cause: error,
    });
  }
}

async function hasEnded(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
