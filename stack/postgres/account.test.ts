import { describe, expect, it } from 'vitest';

import { canReach, canRead, ensureNamed, parseAccounts } from './account.ts';

const nobody = { name: 'nobody', uid: 65534, gid: 65534 };

/** A file system as a list of paths with owner, group and permission bits; directories end in a slash. */
function tree(entries: Record<string, [uid: number, gid: number, mode: number]>) {
  return (path: string) => {
    const directory = path === '/' ? '/' : `${path}/`;
    const entry = entries[directory] ?? entries[path];
    if (!entry) throw new Error(`ENOENT ${path}`);
    const [uid, gid, mode] = entry;
    return { uid, gid, mode, isDirectory: () => directory in entries };
  };
}

describe('what an account can read', () => {
  const stat = tree({
    '/': [0, 0, 0o755],
    '/root/': [0, 0, 0o700],
    '/root/hotrod/': [0, 0, 0o755],
    '/root/hotrod/file': [0, 0, 0o644],
    '/work/': [0, 0, 0o711],
    '/work/open': [0, 0, 0o644],
    '/work/closed': [0, 0, 0o600],
    '/work/own': [65534, 0, 0o400],
    '/work/group': [0, 65534, 0o640],
    // The owner's bits hold for the owner, even where others may do more.
    '/work/odd': [65534, 65534, 0o044],
  });
  it.each([
    ['/work/open', true],
    ['/work/closed', false],
    ['/work/own', true],
    ['/work/group', true],
    ['/work/odd', false],
    ['/work/missing', false],
    ['/root/hotrod/file', false],
  ])('%s: %s', (path, expected) => expect(canRead(path, nobody, stat)).toBe(expected));

  it('a directory takes reading and passing through', () => {
    expect(canRead('/work', nobody, stat)).toBe(false);
    expect(canReach('/work', nobody, stat)).toBe(true);
    expect(canReach('/root/hotrod', nobody, stat)).toBe(false);
  });
});

describe('accounts', () => {
  it('are read from a passwd file, without root and invalid lines', () => {
    const accounts = parseAccounts(
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/x\n+::::::\n# comment\ntoor:x:0:0::/:\n',
    );
    expect([...accounts.values()]).toEqual([{ name: 'nobody', uid: 65534, gid: 65533 }]);
  });
  it('have unsigned ids, as macOS writes nobody', () => {
    expect(parseAccounts('nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false').get('nobody')?.uid).toBe(
      4294967294,
    );
  });
});

it('refuses a user without a name before initdb does, and says what to do', () => {
  const lookUp = () => {
    throw new Error('ENOENT: uv_os_get_passwd');
  };
  expect(() => ensureNamed(lookUp)).toThrow(/User id \d+ has no name .*add a line to \/etc\/passwd/);
});
