import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { listReleases, prepareRelease, type ReleaseRequest, removeOldReleases } from './release-directory.ts';

let directory: string;
let checkout: string;
let dataDir: string;
let lines: string[];

const env = {
  PATH: process.env['PATH'],
  HOME: '/',
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
};
const git = (...args: string[]) => execFileSync('git', args, { cwd: checkout, env, encoding: 'utf8' }).trim();
function write(path: string, content: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  writeFileSync(join(checkout, path), content);
}
function commit(): string {
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', '--message', 'a commit');
  return git('rev-parse', 'HEAD');
}
const request = (revision: string, changes: Partial<ReleaseRequest> = {}): ReleaseRequest => ({
  repository: checkout,
  revision,
  dataDir,
  seed: { root: checkout, repository: checkout, revision },
  env,
  signal: AbortSignal.timeout(60_000),
  log: (line) => lines.push(line),
  ...changes,
});

beforeEach(() => {
  // Without symbolic links in its path, as links are compared with it.
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'hotrod-releases-'));
  [checkout, dataDir] = [join(directory, 'checkout'), join(directory, 'data')];
  lines = [];
  mkdirSync(checkout);
  mkdirSync(dataDir);
  git('init', '--quiet', '--initial-branch', 'main');
  write('package.json', JSON.stringify({ version: '1.2.3', workspaces: ['packages/kit'] }));
  write('packages/kit/package.json', '{"name":"@hotrod/kit"}');
  write('packages/kit/tokens.css', '');
  write('packages/kit/page-build.ts', '');
  write('services/frontend/page/index.html', '<p>');
  write(
    'package-lock.json',
    JSON.stringify({
      packages: { '': {}, 'packages/kit': {}, 'node_modules/@hotrod/kit': { link: true }, 'node_modules/lib': {} },
    }),
  );
  write('.gitignore', 'node_modules\ndist\n');
  // What npm ci and Vite would have made.
  write('node_modules/.package-lock.json', '{}');
  write('node_modules/lib/index.js', 'export const lib = 1;');
  write('services/frontend/page/dist/index.html', 'built');
  execFileSync('ln', ['-s', '../../packages/kit', '-T', join(checkout, 'node_modules', 'link')]);
  mkdirSync(join(checkout, 'node_modules', '@hotrod'));
  execFileSync('mv', [join(checkout, 'node_modules', 'link'), join(checkout, 'node_modules', '@hotrod', 'kit')]);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe.skipIf(process.platform !== 'linux')('a release directory', () => {
  it('holds the tree of its commit, with shared dependencies and packages of its own', async () => {
    const revision = commit();
    write('packages/kit/tokens.css', 'changed since');
    const { root, version } = await prepareRelease(request(revision));
    expect([root, version]).toEqual([join(dataDir, 'releases', revision.slice(0, 7)), `1.2.3+${revision.slice(0, 7)}`]);
    expect(readFileSync(join(root, 'packages/kit/tokens.css'), 'utf8')).toBe('');
    expect(realpathSync(join(root, 'node_modules/@hotrod/kit'))).toBe(join(root, 'packages/kit'));
    expect(realpathSync(join(root, 'node_modules/lib'))).toMatch(/\/data\/dependencies\/\w{16}\/node_modules\/lib$/);
    expect(readFileSync(join(root, 'services/frontend/page/dist/index.html'), 'utf8')).toBe('built');
  });

  it('shares its dependencies with the next one, and is made once', async () => {
    const first = await prepareRelease(request(commit()));
    write('services/frontend/main.ts', '');
    const second = await prepareRelease(request(commit()));
    expect(second.root).not.toBe(first.root);
    expect(lines).toEqual(['dependencies: those of the checkout, by hard links']);
    expect(await prepareRelease(request(second.revision ?? ''))).toEqual(second);
    expect(readdirSync(join(dataDir, 'dependencies'))).toHaveLength(1);
  });

  it('takes nothing from a release that another process is about to move into its place', async () => {
    const { root } = await prepareRelease(request(commit()));
    // As it is just before it is moved: whole, and under a name that it will not have any more.
    renameSync(root, join(dataDir, 'releases', '.1234567-89abcdef'));
    expect(listReleases(dataDir)).toEqual([]);
    writeFileSync(join(dataDir, 'releases', '.1234567-89abcdef/services/frontend/page/dist/index.html'), 'not yet');
    write('services/frontend/main.ts', '');
    const next = await prepareRelease(request(commit()));
    expect(readFileSync(join(next.root, 'services/frontend/page/dist/index.html'), 'utf8')).toBe('built');
  });

  it('is refused, and leaves nothing, where the disk is full', async () => {
    const small = join(directory, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      console.warn('No file system can be mounted here: the test of a full disk is skipped.');
      return;
    }
    try {
      write('services/frontend/large.bin', 'x'.repeat(400_000));
      await expect(prepareRelease(request(commit(), { dataDir: small }))).rejects.toThrow(
        /There is no room left for a release in .*nothing has changed/,
      );
      expect(readdirSync(join(small, 'releases'))).toEqual([]);
    } finally {
      execFileSync('umount', [small]);
    }
  });

  it('is removed when five newer ones are kept, but for those that run', async () => {
    const releases: string[] = [];
    for (let count = 0; count < 8; count += 1) {
      write('services/note.txt', String(count));
      releases.push((await prepareRelease(request(commit()))).root);
    }
    await removeOldReleases(dataDir, [releases[0] ?? '']);
    expect(releases.map((path) => existsSync(path))).toEqual([true, false, false, true, true, true, true, true]);
  });

  it('is refused where there is no such commit', async () => {
    commit();
    await expect(prepareRelease(request('f'.repeat(40)))).rejects.toThrow(/^git read-tree: fatal/);
  });
});
