import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createTemporaryDirectory } from '../harness/suite.ts';
import { mustRun } from '../deploy/tools.ts';

/** A clone of what runs in production, in a temporary directory, as a developer has one. */
export interface ScratchRepository {
  path: string;
  git(...args: string[]): Promise<string>;
  /** Replaces text in a file; the file must hold it. */
  edit(file: string, from: string | RegExp, to: string): void;
  write(file: string, content: string): void;
  /** Commits everything. @returns the commit. */
  commit(message: string): Promise<string>;
  /** `git push production HEAD:<branch>`, in a process group of its own, as a terminal has. */
  push(branch?: string, ...options: string[]): Push;
  remove(): void;
}

export interface Push {
  process: ChildProcess;
  output(): string;
  /** Resolves to git's exit code. */
  ended: Promise<number | null>;
}

export async function cloneProduction(dataDir: string): Promise<ScratchRepository> {
  const directory = createTemporaryDirectory('clone');
  const { path } = directory;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: path,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@example.org',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@example.org',
  };
  const git = async (...args: string[]) => (await mustRun('git', args, { cwd: path, env })).trim();
  await git('init', '--quiet');
  await git('remote', 'add', 'production', join(dataDir, 'production.git'));
  // With changes that no commit has included.
  await git('fetch', '--quiet', '--update-shallow', 'production', 'refs/hotrod/start'); // CI's checkout may be shallow
  await git('checkout', '--quiet', '-B', 'main', 'FETCH_HEAD');
  return {
    path,
    git,
    edit(file, from, to) {
      const text = readFileSync(join(path, file), 'utf8');
      const changed = text.replace(from, to);
      if (changed === text) throw new Error(`${file} does not hold ${String(from)}`);
      writeFileSync(join(path, file), changed);
    },
    write: (file, content) => writeFileSync(join(path, file), content),
    async commit(message) {
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
      return git('rev-parse', 'HEAD');
    },
    push(branch = 'main', ...options) {
      const child = spawn('git', ['push', ...options, 'production', `HEAD:refs/heads/${branch}`], {
        cwd: path,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
      return { process: child, output: () => output, ended };
    },
    remove: directory.remove,
  };
}
