import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';

import { type Environment, git } from '../releases/git.ts';
import { productionBranch } from './push.ts';

/** The bare repository that `git push production` pushes to. */
export interface ProductionRepository {
  path: string;
  /** The commit that holds the checkout as it was when `npm start` was called, with changes that are in no commit. */
  startRevision: string;
}

export function repositoryPath(dataDir: string): string {
  return join(dataDir, 'production.git');
}

/** The ref that keeps {@link ProductionRepository.startRevision}: no branch, so that nobody sees or pushes it. */
const startRef = 'refs/hotrod/start';

/** The committer of commits that no person has made. */
const committer = {
  GIT_AUTHOR_NAME: 'npm start',
  GIT_AUTHOR_EMAIL: 'hotrod@localhost',
  GIT_COMMITTER_NAME: 'npm start',
  GIT_COMMITTER_EMAIL: 'hotrod@localhost',
};

/**
 * Makes the repository if there is none, gives it hooks that lead to this checkout and data directory, and keeps in it
 * the checkout as it is now, as what production can go back to. Nothing is written to the checkout.
 *
 * @param root the checkout; it need not be a repository.
 * @param node the Node that runs the hooks.
 * @param signal ends the git that runs; this rejects once that git has ended.
 * @throws {Refusal} with what git says.
 */
export async function openRepository(options: {
  dataDir: string;
  root: string;
  node: string;
  env: Environment;
  signal: AbortSignal;
}): Promise<ProductionRepository> {
  const { dataDir, root, node, env, signal } = options;
  const path = repositoryPath(dataDir);
  // At each start, because an earlier one may have been ended in the middle. What is there stays.
  await git(['init', '--quiet', '--bare', path], { env, signal });
  await git(['symbolic-ref', 'HEAD', `refs/heads/${productionBranch}`], { cwd: path, env, signal });
  const settings = {
    'core.hooksPath': join(path, 'hooks'), // the user's own setting would lead elsewhere
    'receive.advertisePushOptions': 'true',
    'receive.fsckObjects': 'true',
    'uploadpack.allowAnySHA1InWant': 'true', // so that what runs can be fetched even if it is on no branch
    'gc.autoDetach': 'false',
  };
  for (const [name, value] of Object.entries(settings)) await git(['config', name, value], { cwd: path, env, signal });
  for (const name of ['hooks', 'info']) await mkdir(join(path, name), { recursive: true });
  for (const hook of ['pre-receive', 'post-receive']) {
    const file = join(path, 'hooks', hook);
    const program = [node, join(root, 'stack', 'push', 'main.ts'), hook, dataDir].map(quoted).join(' ');
    await writeFile(file, `#!/bin/sh\nexec ${program}\n`);
    await chmod(file, 0o755);
  }
  return { path, startRevision: await keepCheckout(path, options) };
}

/** For sh. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '/').replaceAll("'", `'\\''`)}'`;
}

async function keepCheckout(
  path: string,
  options: { dataDir: string; root: string; env: Environment; signal: AbortSignal },
): Promise<string> {
  const { dataDir, root, env, signal } = options;
  // Without a .git of its own, git would answer for a repository that happens to be around.
  const head = existsSync(join(root, '.git'))
    ? await git(['rev-parse', '--verify', '--quiet', 'HEAD'], { cwd: root, env, signal }).catch(() => null)
    : null;
  if (head !== null) {
    await git(['fetch', '--quiet', '--no-tags', '--update-shallow', root, '+HEAD:refs/hotrod/head'], {
      cwd: path,
      env,
      signal,
    });
  }
  const index = join(dataDir, 'start.index');
  const extra = { ...committer, GIT_DIR: path, GIT_WORK_TREE: root, GIT_INDEX_FILE: index };
  await writeFile(join(path, 'info', 'exclude'), excluded(root, dataDir));
  let revision: string;
  try {
    if (head !== null) await git(['read-tree', head], { cwd: root, env, extra, signal });
    const add = () => git(['-c', 'core.autocrlf=false', 'add', '--all'], { cwd: root, env, extra, signal });
    // It fails if a file of an editor or a tool vanishes meanwhile. So it is tried twice.
    await add().catch(add);
    const tree = await git(['write-tree'], { cwd: root, env, extra, signal });
    const unchanged =
      head !== null && tree === (await git(['rev-parse', `${head}^{tree}`], { cwd: path, env, signal }));
    const message = 'The checkout that npm start was called in';
    revision =
      unchanged && head !== null
        ? head
        : await git(['commit-tree', ...(head === null ? [] : ['-p', head]), '-m', message, tree], {
            cwd: root,
            env,
            extra,
            signal,
          });
  } finally {
    await rm(index, { force: true });
  }
  await git(['update-ref', startRef, revision], { cwd: path, env, signal });
  const branch = `refs/heads/${productionBranch}`;
  const known = await git(['rev-parse', '--verify', '--quiet', branch], { cwd: path, env, signal }).catch(() => null);
  if (known === null) await git(['update-ref', branch, head ?? revision], { cwd: path, env, signal });
  return revision;
}

/** A data directory in the checkout, which .gitignore may not name. As gitignore(5) writes it. */
function excluded(root: string, dataDir: string): string {
  const inside = relative(root, dataDir).replaceAll('\\', '/');
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) return '';
  return `/${inside.replaceAll(/[\\*?[\]!# ]/g, '\\$&')}/\n`;
}

/** The commit that holds what the checkout held when `npm start` was called. @throws {Refusal} */
export function startRevision(dataDir: string, env: Environment): Promise<string> {
  return git(['rev-parse', '--verify', startRef], { cwd: repositoryPath(dataDir), env });
}

/** The commit at the end of the production branch. @throws {Refusal} */
export function branchRevision(dataDir: string, env: Environment): Promise<string> {
  return git(['rev-parse', '--verify', `refs/heads/${productionBranch}`], { cwd: repositoryPath(dataDir), env });
}

/**
 * Puts the production branch to a commit without releasing it.
 *
 * @param revision without it what was checked out at the start, as if nothing had been pushed since.
 */
export async function resetBranch(dataDir: string, env: Environment, revision?: string): Promise<void> {
  const cwd = repositoryPath(dataDir);
  const commit =
    revision ??
    (await git(['rev-parse', '--verify', '--quiet', 'refs/hotrod/head'], { cwd, env }).catch(() => startRef));
  await git(['update-ref', `refs/heads/${productionBranch}`, commit], { cwd, env });
}
