import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { databaseHome } from './home.ts';

const nobody = { name: 'nobody', uid: 65534, gid: 65534 };
let top: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'hotrod-home-')));
  chmodSync(top, 0o755);
});
afterEach(() => rmSync(top, { recursive: true }));

/** A directory of that mode, whatever the umask. */
function make(name: string, mode: number): string {
  const path = join(top, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

it('is in the data directory, closed to others, for whoever runs Postgres themselves', () => {
  const dataDir = make('data', 0o755);
  expect(databaseHome(dataDir, null)).toBe(join(dataDir, 'postgres'));
  if (process.platform !== 'win32') expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
});

// What another account can reach is of concern to root alone, and only root's files can be set up so.
describe.skipIf(process.geteuid?.() !== 0)('as root, for another account', () => {
  it('is in the data directory, which is opened for passing through, not for reading', () => {
    const dataDir = make('data', 0o700);
    expect(databaseHome(dataDir, nobody)).toBe(join(dataDir, 'postgres'));
    expect(statSync(dataDir).mode & 0o777).toBe(0o711);
  });

  it('is elsewhere where a directory above is closed; that one stays closed, and a link says where', () => {
    const closed = make('root', 0o700);
    const dataDir = make('root/data', 0o755);
    const elsewhere = make('var', 0o777);
    const home = databaseHome(dataDir, nobody, elsewhere);
    expect(home.startsWith(`${elsewhere}/hotrod-`)).toBe(true);
    expect(readlinkSync(join(dataDir, 'postgres'))).toBe(home);
    expect(statSync(closed).mode & 0o777).toBe(0o700);
    expect(databaseHome(dataDir, nobody, elsewhere)).toBe(home);

    chmodSync(closed, 0o755); // the way is free: the link gives way
    expect(databaseHome(dataDir, nobody, elsewhere)).toBe(join(dataDir, 'postgres'));
    expect(lstatSync(join(dataDir, 'postgres')).isDirectory()).toBe(true);
  });

  it('steps into no trap that lies there', () => {
    make('root', 0o700);
    const dataDir = make('root/data', 0o755);
    const elsewhere = make('var', 0o777);
    const home = databaseHome(dataDir, nobody, elsewhere);
    rmSync(home, { recursive: true });
    writeFileSync(home, '');
    expect(() => databaseHome(dataDir, nobody, elsewhere)).toThrow(/is in the way and not ours/);
  });
});
