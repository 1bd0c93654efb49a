import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { z } from 'zod';

import { readJsonFile } from './json-file.ts';

/** The commit that is checked out, or null if git or the repository is missing. */
export async function checkedOutRevision(root: string): Promise<string | null> {
  // Without a .git of its own, git would answer for a repository that happens to be around.
  if (!existsSync(join(root, '.git'))) return null;
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: root, timeout: 2_000 });
    return /^[0-9a-f]{40,64}$/.test(stdout.trim()) ? stdout.trim() : null;
  } catch {
    return null;
  }
}

/** `service.version`: the version in package.json, and the commit's first seven digits as build metadata. */
export function releaseVersion(root: string, revision: string | null): string {
  const { version } = readJsonFile(join(root, 'package.json'), z.object({ version: z.string() }));
  return revision === null ? version : `${version}+${revision.slice(0, 7)}`;
}
