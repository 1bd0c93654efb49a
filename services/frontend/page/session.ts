const idKey = 'hotrod.session';
const countKey = 'hotrod.requests';

/** Who asks: one id for as long as the browser's tab lives, and a number for each request. */
export interface Session {
  readonly id: string;
  /** A new request's id: `<session>-<n>`, n from 1 and never twice in a session. */
  nextRequestId(): string;
}

/**
 * The session of this tab. It outlives a reload if the browser lets it be stored. If not, it lasts for one page load.
 *
 * @param storage usually `sessionStorage`; undefined if the browser has none to give.
 */
export function createSession(storage: Pick<Storage, 'getItem' | 'setItem'> | undefined): Session {
  const stored = read(storage, idKey);
  const id = stored !== undefined && /^[a-z\d]{4,16}$/.test(stored) ? stored : randomId();
  let count = id === stored ? Number.parseInt(read(storage, countKey) ?? '0', 10) || 0 : 0;
  write(storage, idKey, id);
  return {
    id,
    nextRequestId() {
      count += 1;
      write(storage, countKey, String(count));
      return `${id}-${count}`;
    },
  };
}

/** `sessionStorage`, or undefined if even looking at it is forbidden. */
export function tabStorage(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/** Six letters and digits: short enough to read aloud, and 1.5 billion of them. */
function randomId(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
  return Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => letters[byte % letters.length]).join('');
}

function read(storage: Pick<Storage, 'getItem'> | undefined, key: string): string | undefined {
  try {
    return storage?.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(storage: Pick<Storage, 'setItem'> | undefined, key: string, value: string): void {
  try {
    storage?.setItem(key, value);
  } catch {
    // Full or forbidden: the session then lasts until the next reload.
  }
}
