import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { readJsonFile } from '../json-file.ts';
import { messageOf, Refusal } from '../refusal.ts';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';

/** A database cluster on disk. */
export interface Cluster {
  /** What Postgres calls its data directory. */
  directory: string;
  /** The password of each role, by its name. */
  passwords: Readonly<Record<string, string>>;
}

export const databaseName = 'hotrod';

/** The role that owns the cluster; no service uses it. */
const superuser = 'postgres';

/**
 * The cluster in `home`, made if there is none: passwords by scram, one role a service that may create its own schema
 * and see no other's, the C.UTF-8 collation (the same everywhere). A start that is killed half-way leaves nothing that a
 * later one would take for a cluster.
 *
 * @param roles plain identifiers.
 * @throws {Refusal} if it cannot be made, or another major release of Postgres made it.
 */
export async function openCluster(options: {
  home: string;
  binaries: Binaries;
  account: Account | null;
  roles: readonly string[];
  /** Is called with the directory before a new one is made. */
  onCreate?: (home: string) => void;
}): Promise<Cluster> {
  const { home, binaries } = options;
  const directory = join(home, 'data');
  const secrets = join(home, 'passwords.json');
  if (existsSync(join(directory, 'PG_VERSION'))) {
    const made = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
    if (made !== binaries.version.split('.')[0]) {
      throw new Refusal(
        `The database in ${directory} was made by Postgres ${made}, and this is ${binaries.version}: remove that directory (it holds nothing but sample data) and start again.`,
      );
    }
    const passwords = readPasswords(secrets);
    if (!passwords || options.roles.some((role) => !passwords[role])) {
      throw new Refusal(
        `${secrets} is missing or incomplete: remove ${home} (it holds nothing but sample data) and start again.`,
      );
    }
    return { directory, passwords };
  }
  options.onCreate?.(home);
  const passwords = Object.fromEntries(
    [superuser, ...options.roles].map((role) => [role, randomBytes(18).toString('base64url')]),
  );
  try {
    await createCluster(directory, passwords, options);
    writeFileSync(secrets, JSON.stringify(passwords), { mode: 0o600 });
    // Only this last step makes it a cluster.
    renameSync(`${directory}.new`, directory);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`The database cannot be made in ${directory}: ${messageOf(error)}`, { cause: error });
  }
  return { directory, passwords };
}

function readPasswords(file: string): Record<string, string> | null {
  try {
    return readJsonFile(file, z.record(z.string(), z.string()));
  } catch {
    return null;
  }
}

async function createCluster(
  directory: string,
  passwords: Readonly<Record<string, string>>,
  options: { home: string; binaries: Binaries; account: Account | null; roles: readonly string[] },
): Promise<void> {
  const { account, binaries } = options;
  const unfinished = `${directory}.new`;
  rmSync(directory, { recursive: true, force: true }); // without PG_VERSION it is no cluster
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const passwordFile = join(options.home, 'initial-password');
  writeFileSync(passwordFile, passwords[superuser] ?? '', { mode: 0o600 });
  if (account) for (const path of [unfinished, passwordFile]) chownSync(path, account.uid, account.gid);
  try {
    const flags = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, `--username=${superuser}`, '--encoding=UTF8'];
    const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const quick = ['--no-sync', '--no-instructions']; // what a power cut could lose here is made again
    await runAs(account, options.home, binaries.initdb, ['-D', unfinished, ...flags, ...locale, ...quick], '');
  } finally {
    rmSync(passwordFile, { force: true });
  }
  // A single-user server takes SQL without a network or a client library; a statement a line.
  const output = await runAs(
    account,
    options.home,
    binaries.postgres,
    ['--single', '-D', unfinished, '-c', 'log_statement=none', 'template1'],
    roleStatements(options.roles, passwords).join('\n') + '\n',
  );
  const failure = /^.*(?:ERROR|FATAL):.*$/m.exec(output); // its exit code is 0 whatever a statement says
  if (failure) throw new Error(failure[0]);
}

/** The SQL, a statement a line, that makes the database and the roles. */
function roleStatements(roles: readonly string[], passwords: Readonly<Record<string, string>>): string[] {
  return [
    `CREATE DATABASE ${databaseName};`,
    `REVOKE ALL ON DATABASE ${databaseName} FROM PUBLIC;`,
    ...roles.flatMap((role) => [
      `CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${passwords[role]}';`,
      // CREATE: a service makes its own schema. What it makes is its own; nobody else may look inside.
      `GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${databaseName} TO ${role};`,
      `ALTER ROLE ${role} SET search_path = ${role};`,
    ]),
  ];
}

/** Runs a program to its end; resolves to all it wrote. @throws with the last lines if it fails. */
function runAs(account: Account | null, cwd: string, program: string, args: string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: 'pipe',
      windowsHide: true,
      // Without the caller's environment: PGDATA, PGPORT or LC_ALL would change what is made.
      ...(process.platform === 'win32' ? {} : { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } }),
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-100_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(
          new Error(
            `${program} ended with ${signal ?? `code ${code}`}: ${output.trim().split('\n').slice(-3).join(' / ')}`,
          ),
        );
    });
    child.stdin.on('error', () => {}); // a program that ends early says why on the other streams
    child.stdin.end(input);
  });
}
