import { setTimeout as sleep } from 'node:timers/promises';

import { isAlive, processIdentity } from './process-identity.ts';

/** A child that leads a process group of its own, and what tells it from a later process with its id. */
export interface ChildRecord {
  name: string;
  pid: number;
  identity: string | null;
  /** The signal that it takes as "stop in good order". */
  stopSignal: NodeJS.Signals;
}

/** Children lead groups, so that what they start ends with them, and so that Ctrl-C reaches us alone. Not on Windows. */
export const ownGroup = process.platform !== 'win32';

/** Signals a process and all that it started. False if nothing is left of them. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(ownGroup ? -pid : pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether the process that was recorded still runs. */
export function isSameProcess(child: ChildRecord): boolean {
  return child.identity !== null && isAlive(child.pid) && processIdentity(child.pid) === child.identity;
}

/** Resolves to true as soon as a process has ended, to false after `patienceMs`. */
export async function waitUntilGone(pid: number, patienceMs: number): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (isAlive(pid)) {
    if (performance.now() >= end) return false;
    await sleep(20);
  }
  return true;
}

/** Ends what an earlier stack left behind, each verified to be the very process that was recorded. */
export async function stopLeftovers(children: readonly ChildRecord[], patienceMs = 4_000): Promise<string[]> {
  const left = children.filter(isSameProcess);
  for (const child of left) signalGroup(child.pid, child.stopSignal);
  const gone = await Promise.all(left.map((child) => waitUntilGone(child.pid, patienceMs)));
  for (const [index, child] of left.entries()) if (!gone[index]) signalGroup(child.pid, 'SIGKILL');
  await Promise.all(left.map((child) => waitUntilGone(child.pid, 1_000)));
  return left.map((child) => child.name);
}
