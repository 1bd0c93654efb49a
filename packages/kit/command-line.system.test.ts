import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Programs whose file is not a main.ts. */
const others = ['charts/generate.ts', 'observatory/contract/openapi.ts'];
/** A library, whose file happens to have the name. */
const isProgram = (file: string) => file !== 'packages/kit/main.ts';
const folders = '{bench,faults,loadgen,observatory,packages,pipeline,services,stack}';
const programs = [
  ...globSync(`${folders}/**/main.ts`, { cwd: root, exclude: ['**/node_modules', '**/dist'] }),
  ...others,
]
  .map((file) => file.replaceAll('\\', '/'))
  .filter(isProgram)
  .toSorted();

function run(file: string, argument: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, file), argument], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(root, '.hotrod', 'cache') },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe('every program of the repository', () => {
  it('is found', () => expect(programs.length).toBeGreaterThanOrEqual(13));

  it.each(programs)('%s answers --help, and does nothing else', (file) => {
    const { status, stdout, stderr } = run(file, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.length).toBeGreaterThan(40);
  });

  it.each(programs)('%s refuses what it does not know, with exit code 2', (file) => {
    const { status, stdout, stderr } = run(file, '--no-such-option');
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 2, stdout: '' });
    expect(stderr.trim()).toMatch(/^[\w:]+: .+$/);
  });
});
