import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { runProcess } from './process.ts';

/** What a run knows of the commit it is about. */
export interface Commit {
  revision: string;
  message: string;
  author: string;
  /** Null if no branch was named and none is checked out. */
  branch: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** git says what is wrong in its first line. */
export class GitError extends Error {
  override readonly name = 'GitError';
}

/** Output of git, bounded. @throws {GitError} with what git says. */
async function git(repository: string, env: Environment, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', ['-C', repository, ...args], {
      env: withoutRepository(env),
      timeout: 60_000,
      maxBuffer: 64_000_000,
    });
    return stdout;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n')[0] : '';
    throw new GitError(said || (error instanceof Error ? error.message : String(error)), { cause: error });
  }
}

/** A hook of git is told where its repository is; commands about another one must not be. */
function withoutRepository(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^GIT_(?!SSH|CONFIG|ASKPASS|TERMINAL)/.test(entry[0]),
    ),
  );
}

/** The root of the checkout that a directory is in; the directory itself of a bare repository. @throws {GitError} */
export async function findRepository(directory: string, env: Environment): Promise<string> {
  const bare = (await git(directory, env, ['rev-parse', '--is-bare-repository'])).trim() === 'true';
  return (await git(directory, env, ['rev-parse', bare ? '--absolute-git-dir' : '--show-toplevel'])).trim();
}

/** A commit. @throws {GitError} if there is none of this name. */
export async function readCommit(
  repository: string,
  revision: string,
  branch: string | null,
  env: Environment,
): Promise<Commit> {
  const shown = await git(repository, env, [
    'log',
    '-1',
    '--format=%H%x00%an <%ae>%x00%B',
    '--end-of-options',
    revision,
  ]);
  const [hash = '', author = '', message = ''] = shown.split('\0');
  return {
    revision: hash,
    author,
    message: message.trim(),
    branch: branch ?? (await checkedOutBranch(repository, env)),
  };
}

async function checkedOutBranch(repository: string, env: Environment): Promise<string | null> {
  const name = (await git(repository, env, ['rev-parse', '--abbrev-ref', 'HEAD'])).trim();
  return name === 'HEAD' ? null : name;
}

/** A file as it is in a commit. @throws {GitError} if it is not there. */
export function readFileAt(repository: string, revision: string, path: string, env: Environment): Promise<string> {
  return git(repository, env, ['show', '--end-of-options', `${revision}:${path}`]);
}

/** Whether there is work in the checkout that is in no commit. */
export async function hasUncommittedChanges(repository: string, env: Environment): Promise<boolean> {
  try {
    return (await git(repository, env, ['status', '--porcelain', '--untracked-files=no'])).trim() !== '';
  } catch {
    return false; // a bare repository has no checkout
  }
}

/** Paths that differ between two commits. @throws {GitError} if one of them is not there. */
export async function changedPaths(
  repository: string,
  base: string,
  head: string,
  env: Environment,
): Promise<string[]> {
  const output = await git(repository, env, [
    'diff',
    '--name-only',
    '--no-renames',
    '-z',
    '--end-of-options',
    base,
    head,
  ]);
  return output.split('\0').filter((path) => path !== '');
}

/** Clones a repository of this machine and checks a commit out. */
export async function cloneRepository(options: {
  repository: string;
  revision: string;
  /** Must not exist yet. */
  directory: string;
  cwd: string;
  env: Environment;
  signal: AbortSignal;
  output: (text: string) => void;
}): Promise<{ reason: string | null; exitCode: number | null }> {
  const { repository, revision, directory, cwd, signal, output } = options;
  const env = withoutRepository(options.env);
  const run = (args: readonly string[]) => runProcess('git', args, { cwd, env, signal, output });
  if (!/^[A-Za-z0-9][\w./-]*$/.test(revision)) return { reason: `cannot check out "${revision}"`, exitCode: null };
  const cloned = await run(['clone', '--quiet', '--no-checkout', '--', repository, directory]);
  if (cloned.reason) return cloned;
  // The revision has been checked: it cannot be taken for an option.
  return run(['-C', directory, '-c', 'advice.detachedHead=false', 'checkout', '--quiet', '--detach', revision]);
}
