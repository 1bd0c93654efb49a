import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readdir, readlink, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { z } from 'zod';

import { readJsonFile } from '../json-file.ts';
import { messageOf, Refusal, systemCode } from '../refusal.ts';
import { type Environment, withoutGit } from './git.ts';
import { linkTree } from './link-tree.ts';

/** What giving a checkout its dependencies needs. */
export interface DependencyRequest {
  /** The checkout: it has a lockfile, and no node_modules that matters. */
  root: string;
  /** The directory that keeps dependencies, with a directory for each lockfile. */
  cacheDir: string;
  /** A checkout that has its dependencies: if its lockfile is the same, they are taken from there. */
  seed: string | null;
  env: Environment;
  signal: AbortSignal;
  log: (line: string) => void;
}

const lockSchema = z.object({ packages: z.record(z.string(), z.unknown()) });
/** The file that marks a directory of dependencies as complete. */
const completeFile = '.complete';

/**
 * Gives a checkout its `node_modules`, without installing anything anew if the lockfile is known: each package is a
 * link into a directory that all checkouts with this lockfile share. The packages of this repository itself (npm's
 * workspaces) are links into the checkout, so that a release runs its own code alone.
 *
 * @returns the directory with the dependencies.
 * @throws {Refusal} if they cannot be installed.
 */
export async function linkDependencies(request: DependencyRequest): Promise<string> {
  const shared = await sharedDependencies(request);
  const lock = readJsonFile(join(request.root, 'package-lock.json'), lockSchema);
  for (const workspace of ['.', ...workspacesOf(lock)]) {
    const from = join(shared, workspace, 'node_modules');
    if (!existsSync(from)) continue;
    const to = join(request.root, workspace, 'node_modules');
    await rm(to, { recursive: true, force: true });
    await linkPackages(from, to);
  }
  const now = new Date();
  await utimes(shared, now, now); // used: old ones are removed first
  return shared;
}

/** Which dependencies a checkout needs: a name for its lockfile, on this Node and machine. */
export function dependenciesKey(root: string): string {
  const [major] = process.versions.node.split('.');
  return createHash('sha256')
    .update(`${major} ${process.platform} ${process.arch}\n`)
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
    .slice(0, 16);
}

/** Paths of the workspaces: entries of the lockfile that lie in the repository. */
function workspacesOf(lock: z.infer<typeof lockSchema>): string[] {
  return Object.keys(lock.packages).filter((path) => path !== '' && !/(^|\/)node_modules\//.test(path));
}

async function sharedDependencies(request: DependencyRequest): Promise<string> {
  const { root, cacheDir, seed, log } = request;
  const shared = join(cacheDir, dependenciesKey(root));
  if (existsSync(join(shared, completeFile))) return shared;
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  const staging = join(cacheDir, `.${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(staging);
    const lock = readJsonFile(join(root, 'package-lock.json'), lockSchema);
    if (seed !== null && hasSameDependencies(root, seed)) {
      log('dependencies: those of the checkout, by hard links');
      for (const workspace of ['.', ...workspacesOf(lock)]) {
        const from = join(seed, workspace, 'node_modules');
        // Names that begin with a dot are caches of tools, except for these two of npm.
        const isCache = (name: string) => name.startsWith('.') && !['.bin', '.package-lock.json'].includes(name);
        if (existsSync(from)) await linkTree(from, join(staging, workspace, 'node_modules'), isCache);
      }
    } else {
      log('dependencies: package-lock.json is new here, so "npm ci" runs (once for this lockfile)');
      await installInto(staging, workspacesOf(lock), request);
    }
    await writeFile(join(staging, completeFile), '');
    await publish(staging, shared);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return shared;
}

function hasSameDependencies(root: string, seed: string): boolean {
  try {
    const [wanted, there] = [root, seed].map((each) => readFileSync(join(each, 'package-lock.json')));
    return (
      wanted !== undefined &&
      there?.equals(wanted) === true &&
      existsSync(join(seed, 'node_modules', '.package-lock.json'))
    );
  } catch {
    return false;
  }
}

/** Moves a whole directory into its place; another process may have been quicker. */
async function publish(staging: string, to: string): Promise<void> {
  try {
    await rename(staging, to);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(systemCode(error) ?? '') || !existsSync(join(to, completeFile)))
      throw error;
  }
}

/** Installs what the lockfile says into a directory that holds nothing but what npm reads. */
async function installInto(staging: string, workspaces: readonly string[], request: DependencyRequest): Promise<void> {
  const { root, env, signal, log } = request;
  const manifests = [
    'package.json',
    'package-lock.json',
    '.npmrc',
    ...workspaces.map((path) => join(path, 'package.json')),
  ];
  for (const path of manifests.filter((each) => existsSync(join(root, each)))) {
    await mkdir(dirname(join(staging, path)), { recursive: true });
    await copyFile(join(root, path), join(staging, path));
  }
  const npm = env['npm_execpath'];
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  const child = spawn(
    command,
    [...first, 'ci', '--prefer-offline', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'],
    { cwd: staging, env: withoutGit(env), stdio: ['ignore', 'pipe', 'pipe'], signal, windowsHide: true },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const failure = await new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('close', (code) => resolve(code === 0 ? null : `exit code ${code}`));
  });
  if (failure === null) return;
  for (const line of said.trim().split('\n').slice(-10)) log(line);
  throw new Refusal(`The dependencies of this commit cannot be installed: "npm ci" ended with ${failure}.`);
}

/** Links each package of a `node_modules`. npm's own links, to workspaces and to programs, are relative and are kept. */
async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (entry.isDirectory() && (entry.name.startsWith('@') || entry.name === '.bin'))
      await linkPackages(source, target);
    else if (entry.isDirectory()) await symlink(source, target, 'junction');
    else await copyFile(source, target);
  }
}
