import { existsSync, readFileSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';

import { Refusal } from '../refusal.ts';

/** The account that a process runs under. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/**
 * The account that Postgres runs as: null for the caller. But Postgres refuses to run as root. Then it is the owner of
 * the database that is already there, else the machine's unprivileged account: one that /etc/passwd knows, because
 * initdb looks its name up.
 *
 * @param cluster where the database is, if there is one.
 * @throws {Refusal} as root on a machine without such an account, or as a user without a name.
 */
export function postgresAccount(cluster: string): Account | null {
  if (process.geteuid?.() !== 0) {
    if (!existsSync(cluster)) ensureNamed();
    return null;
  }
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  const accounts = parseAccounts(readFileSync('/etc/passwd', 'utf8'));
  for (const name of ['nobody', 'postgres', 'daemon']) {
    const account = accounts.get(name);
    if (account) return account;
  }
  throw new Refusal(
    'Postgres does not run as root, and /etc/passwd knows no account "nobody" to run it as: start HotROD as another user, or add that account.',
  );
}

/** initdb looks up the name of its user, even if the database's owner gets another name. @throws {Refusal} */
export function ensureNamed(lookUp: () => unknown = userInfo): void {
  try {
    lookUp();
  } catch (error) {
    const uid = process.geteuid?.();
    throw new Refusal(
      `User id ${uid} has no name on this machine, and Postgres makes no database without one: add a line to /etc/passwd, such as "hotrod:x:${uid}:${process.getegid?.()}::/tmp:/bin/sh", or start HotROD as another user.`,
      { cause: error },
    );
  }
}

/** The accounts of a passwd file, by name; without root and invalid lines. */
export function parseAccounts(passwd: string): Map<string, Account> {
  const accounts = new Map<string, Account>();
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (!name || !uid || !gid || !/^-?\d+$/.test(uid) || !/^-?\d+$/.test(gid)) continue;
    // macOS writes nobody as -2; the kernel knows unsigned numbers alone.
    const account = { name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
    if (account.uid !== 0) accounts.set(name, account);
  }
  return accounts;
}

type Permissions = Pick<Stats, 'mode' | 'uid' | 'gid' | 'isDirectory'>;

/**
 * Whether an account could read a file or directory: each directory above it can be passed through, and it can be read
 * itself. By permission bits, so access lists are not seen; what is missing cannot be read.
 */
export function canRead(path: string, account: Account, stat: (path: string) => Permissions = statSync): boolean {
  try {
    const last = stat(path);
    const wanted = last.isDirectory() ? 0o5 : 0o4;
    return allowed(last, account, wanted) && canReach(dirname(path), account, stat);
  } catch {
    return false;
  }
}

/** Whether an account could pass through a directory and all those above it. */
export function canReach(directory: string, account: Account, stat: (path: string) => Permissions = statSync): boolean {
  try {
    for (let path = directory; ; path = dirname(path)) {
      if (!allowed(stat(path), account, 0o1)) return false;
      if (dirname(path) === path) return true;
    }
  } catch {
    return false;
  }
}

function allowed(entry: Permissions, account: Account, wanted: number): boolean {
  const shift = entry.uid === account.uid ? 6 : entry.gid === account.gid ? 3 : 0;
  return ((entry.mode >> shift) & wanted) === wanted;
}
