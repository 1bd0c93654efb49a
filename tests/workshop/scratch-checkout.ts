import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { linkDependencies } from '../../stack/releases/dependencies.ts';
import { mustRun } from '../deploy/tools.ts';
import { root } from '../harness/suite.ts';

/**
 * A checkout as an attendee has one, with all that is in the working tree and with the same dependencies, as links.
 *
 * @param path an empty directory.
 */
export async function makeScratchCheckout(path: string, env: Readonly<Record<string, string>>): Promise<void> {
  const listed = await mustRun('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed.split('\0').filter((name) => name !== '' && existsSync(join(root, name)))) {
    const from = join(root, file);
    const to = join(path, file);
    await mkdir(dirname(to), { recursive: true });
    if (lstatSync(from).isSymbolicLink()) await symlink(readlinkSync(from), to);
    else await copyFile(from, to);
  }
  const git = (...args: string[]) => mustRun('git', args, { cwd: path, env });
  await git('init', '--quiet', '--initial-branch', 'main');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'HotROD');
  await linkDependencies({
    root: path,
    cacheDir: join(path, '.hotrod', 'dependencies'),
    seed: root,
    env,
    signal: new AbortController().signal,
    log: () => {},
  });
}
