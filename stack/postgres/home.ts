import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf, Refusal } from '../refusal.ts';
import { type Account, canReach } from './account.ts';

/**
 * The directory that holds the database: `postgres` in the data directory.
 *
 * As root Postgres runs under another account, which cannot enter a checkout below a closed directory such as /root
 * (mode 700). That directory is not ours to open. The database then lives in /var/tmp, under a name made from the data
 * directory's, and `postgres` in the data directory is a link to it.
 *
 * @param dataDir absolute, existing and ours: it may be opened for passing through (not for reading).
 * @param elsewhere for tests; where to go instead.
 * @throws {Refusal} if no usable place is found.
 */
export function databaseHome(dataDir: string, account: Account | null, elsewhere = '/var/tmp'): string {
  const inside = join(dataDir, 'postgres');
  try {
    if (!account) return ensureDirectory(inside, 0o700);
    openForPassage(dataDir);
    if (canReach(dataDir, account)) {
      if (isLink(inside)) rmSync(inside); // the checkout has moved to an open place
      return ensureDirectory(inside, 0o711);
    }
    const outside = join(elsewhere, `hotrod-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`);
    ensureOwnDirectory(outside, account);
    pointTo(inside, outside);
    return outside;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `The database cannot be kept in ${inside} (${messageOf(error)}): choose another place with --data-dir DIR.`,
      { cause: error },
    );
  }
}

function ensureDirectory(path: string, mode: number): string {
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode); // mkdir's own mode is cut by the umask
  return path;
}

function openForPassage(path: string): void {
  const { mode } = statSync(path);
  if ((mode & 0o011) !== 0o011) chmodSync(path, (mode & 0o777) | 0o011);
}

/** In a directory that everybody can write to, a name that is already there may be a trap. */
function ensureOwnDirectory(path: string, account: Account): void {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o711 });
  const entry = lstatSync(path);
  if (!entry.isDirectory() || entry.uid !== process.geteuid?.()) {
    throw new Refusal(`${path} is in the way and not ours: remove it, or choose another place with --data-dir DIR.`);
  }
  chmodSync(path, 0o711);
  if (!canReach(path, account)) {
    throw new Refusal(
      `Postgres does not run as root, and the account "${account.name}" can reach neither the data directory nor ${path}: choose an open place with --data-dir DIR, or start HotROD as another user.`,
    );
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function pointTo(link: string, target: string): void {
  const entry = lstatSync(link, { throwIfNoEntry: false });
  if (entry?.isSymbolicLink() && readlinkSync(link) === target) return;
  if (entry && !entry.isSymbolicLink()) throw new Refusal(`${link} is in the way: move it away and start again.`);
  if (entry) rmSync(link);
  symlinkSync(target, link);
}
