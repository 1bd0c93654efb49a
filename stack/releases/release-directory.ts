import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { cp, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { ensurePageBuilt } from '@hotrod/kit/page-build';
import { z } from 'zod';

import { readJsonFile } from '../json-file.ts';
import type { ReleaseDirectory } from '../production.ts';
import { messageOf, Refusal, systemCode } from '../refusal.ts';
import { releaseVersion } from '../revision.ts';
import { dependenciesKey, linkDependencies } from './dependencies.ts';
import { type Environment, git } from './git.ts';

/** The file that marks a release directory as complete. */
const recordFile = '.hotrod-release.json';
const recordSchema = z.object({
  revision: z.string(),
  version: z.string(),
  /** The git objects that the frontend's page is made of, and its dependencies. */
  page: z.string(),
  /** The directory of its dependencies. */
  dependencies: z.string(),
});
type ReleaseRecord = z.infer<typeof recordSchema>;

/** A checkout that runs, and the commit of what it held when it was started. */
export interface Seed {
  root: string;
  repository: string;
  revision: string;
}

/** What making a release directory needs. */
export interface ReleaseRequest {
  /** A repository that has the commit: a checkout's root, or a bare one. */
  repository: string;
  revision: string;
  dataDir: string;
  /** The checkout that `npm start` was called in: what it has installed and built is used again if it fits. */
  seed: Seed | null;
  /** `service.version`, if it is not that of the commit. */
  version?: string;
  env: Environment;
  signal: AbortSignal;
  log: (line: string) => void;
}

/** What the page of the frontend is made of, in the repository. */
const pageSources = ['services/frontend/page', 'packages/kit/tokens.css', 'packages/kit/page-build.ts'];
const pageDirectory = join('services', 'frontend', 'page');

export function releasesDirectory(dataDir: string): string {
  return join(dataDir, 'releases');
}
export function dependenciesDirectory(dataDir: string): string {
  return join(dataDir, 'dependencies');
}

/**
 * Makes the directory that a release runs from, `<data dir>/releases/<first seven digits>`: the tree of the commit, its
 * dependencies, its page. One that is there is used again. It appears as a whole or not at all.
 *
 * @throws {Refusal} if the commit is not there, its dependencies cannot be installed, or the disk is full.
 */
export async function prepareRelease(request: ReleaseRequest): Promise<ReleaseDirectory> {
  const { revision, dataDir } = request;
  const releases = releasesDirectory(dataDir);
  const path = join(releases, revision.slice(0, 7));
  const there = readRelease(path);
  if (there?.revision === revision) {
    const now = new Date();
    await utimes(path, now, now);
    return { root: path, version: there.version, revision };
  }
  if (there) throw new Refusal(`${path} holds another commit, ${there.revision}: remove it.`);
  const staging = join(releases, `.${revision.slice(0, 7)}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(staging, { recursive: true, mode: 0o700 });
    await checkOut(request, staging);
    const dependencies = await linkDependencies({
      ...request,
      seed: request.seed?.root ?? null,
      root: staging,
      cacheDir: dependenciesDirectory(dataDir),
    });
    const page = await pageKey(request, revision, dependenciesKey(staging));
    await givePage(request, staging, page);
    const version = request.version ?? releaseVersion(staging, revision);
    const record: ReleaseRecord = { revision, version, page, dependencies: basename(dependencies) };
    await writeFile(join(staging, recordFile), `${JSON.stringify(record)}\n`);
    await rename(staging, path).catch((error: unknown) => {
      if (readRelease(path)?.revision !== revision) throw error; // another process was quicker
    });
    return { root: path, version, revision };
  } catch (error) {
    if (systemCode(error) === 'ENOSPC' || isFull(releases))
      throw new Refusal(
        `There is no room left for a release in ${dataDir}: nothing has changed. Make room and push again.`,
        {
          cause: error,
        },
      );
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** With less room than this, the disk counts as full: git and npm do not always say why they cannot write. In bytes. */
const leastRoom = 256 * 1024;

function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < leastRoom;
  } catch {
    return false;
  }
}

/** The tree of a commit, without a `.git`, and without a look at anybody's index. */
async function checkOut({ repository, revision, env, signal }: ReleaseRequest, to: string): Promise<void> {
  const gitDir = await git(['rev-parse', '--absolute-git-dir'], { cwd: repository, env, signal });
  const index = `${to}.index`;
  const extra = { GIT_INDEX_FILE: index, GIT_DIR: gitDir, GIT_WORK_TREE: to };
  try {
    await git(['read-tree', '--end-of-options', revision], { cwd: to, env, extra, signal });
    await git(['checkout-index', '--all'], { cwd: to, env, extra, signal });
  } finally {
    await rm(index, { force: true });
  }
}

async function pageKey({ repository, env, signal }: ReleaseRequest, revision: string, dependencies: string) {
  const objects = await git(['rev-parse', ...pageSources.map((path) => `${revision}:${path}`)], {
    cwd: repository,
    env,
    signal,
  });
  return [...objects.split('\n').map((object) => object.slice(0, 12)), dependencies].join('-');
}

/** Takes the page of a release, or of the checkout, that was made of the same sources; builds it if there is none. */
async function givePage(request: ReleaseRequest, root: string, key: string): Promise<void> {
  const dist = join(root, pageDirectory, 'dist');
  const built = await findPage(request, key);
  if (built !== null) {
    await cp(built, dist, { recursive: true });
    const now = new Date();
    await utimes(join(dist, 'index.html'), now, now); // newer than the sources, which have just been written
    return;
  }
  request.log('page of the frontend: builds it');
  await ensurePageBuilt({ directory: join(root, pageDirectory), log: () => {} }).catch((error: unknown) => {
    throw new Refusal(messageOf(error), { cause: error });
  });
}

async function findPage(request: ReleaseRequest, key: string): Promise<string | null> {
  const hasPage = (root: string) => existsSync(join(root, pageDirectory, 'dist', 'index.html'));
  const release = listReleases(request.dataDir).find(({ path, record }) => record.page === key && hasPage(path));
  if (release) return join(release.path, pageDirectory, 'dist');
  const { seed } = request;
  if (seed === null || !hasPage(seed.root)) return null;
  const { repository, revision } = seed;
  const seedKey = await pageKey({ ...request, repository }, revision, dependenciesKey(seed.root)).catch(() => null);
  return seedKey === key ? join(seed.root, pageDirectory, 'dist') : null;
}

function readRelease(path: string): ReleaseRecord | null {
  try {
    return readJsonFile(join(path, recordFile), recordSchema);
  } catch {
    return null;
  }
}

/** The releases that are there, the one used last first; without those in the making, which are about to be moved. */
export function listReleases(dataDir: string): { path: string; record: ReleaseRecord }[] {
  const directory = releasesDirectory(dataDir);
  return names(directory)
    .filter((name) => !isInTheMaking(name))
    .map((name) => join(directory, name))
    .flatMap((path) => {
      const record = readRelease(path);
      return record ? [{ path, record, usedMs: statSync(path).mtimeMs }] : [];
    })
    .toSorted((a, b) => b.usedMs - a.usedMs);
}

/** How many releases that do not run are kept, to go back to. */
const keptReleases = 5;

/**
 * Removes releases beyond the last five, never one that runs, with the dependencies that no release uses any more, and
 * what a killed process has left unfinished.
 *
 * @param inUse roots of the releases that run.
 */
export async function removeOldReleases(dataDir: string, inUse: readonly string[]): Promise<void> {
  const idle = listReleases(dataDir).filter(({ path }) => !inUse.includes(path));
  for (const { path } of idle.slice(keptReleases)) await rm(path, { recursive: true, force: true });
  const kept = new Set(listReleases(dataDir).map(({ record }) => record.dependencies));
  for (const directory of [releasesDirectory(dataDir), dependenciesDirectory(dataDir)]) {
    const isDependencies = directory === dependenciesDirectory(dataDir);
    for (const name of names(directory)) {
      const path = join(directory, name);
      const isLeft = isInTheMaking(name) || (isDependencies && !kept.has(name));
      if (isLeft && Date.now() - changedMs(path) > unfinishedMs) await rm(path, { recursive: true, force: true });
    }
  }
}

/** Something that is younger than this may be in the making, by another process. In milliseconds. */
const unfinishedMs = 3_600_000;

/** Whether a directory is one that a process still fills: it gets its name, without the dot, when it is whole. */
function isInTheMaking(name: string): boolean {
  return name.startsWith('.');
}

function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
