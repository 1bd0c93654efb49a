import { readFileSync } from 'node:fs';

/** A process, and what tells it from a later one with the same id. */
export interface ProcessRecord {
  pid: number;
  /** Null if it cannot be known (only Linux tells without another program). */
  identity: string | null;
}

/** When a process started, in ticks since the machine did; null if that cannot be known. */
export function processIdentity(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the second field is the command in brackets, and may hold blanks and brackets itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Whether the process that was recorded still runs. If it cannot be identified, its id has to do. */
export function isSameProcess({ pid, identity }: ProcessRecord): boolean {
  if (identity !== null) return processIdentity(pid) === identity;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
