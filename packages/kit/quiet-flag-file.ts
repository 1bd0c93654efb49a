import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a file of flags is looked at, in milliseconds. Looking also sees files that a volume swaps, which watching may miss. */
export const lookEveryMs = 500;

/** Tells one version of a file from the next; `missing` if there is none. */
export async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return 'missing';
  }
}

/**
 * Whether a file in flagd's format disables every flag in it. flagd answers a disabled flag with what the caller has
 * configured, so nobody need read such a file as flagd does. False for a file that is missing or that says something else.
 */
export async function disablesAll(path: string): Promise<boolean> {
  try {
    const { flags } = JSON.parse(await readFile(path, 'utf8')) as { flags: Record<string, { state?: unknown }> };
    return Object.values(flags).every(({ state }) => state === 'DISABLED');
  } catch {
    return false;
  }
}

/** Waits for as long as a file disables every flag in it, or until `signal` aborts. */
export async function untilSwitched(path: string, signal: AbortSignal): Promise<void> {
  let seen = '';
  while (!signal.aborted) {
    // Taken before the file is read: a version that is written in between is read twice, and never missed.
    const version = await versionOf(path);
    if (version !== seen && !(await disablesAll(path))) return;
    seen = version;
    await sleep(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
