import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether a process with this id exists. One that has ended, and that nobody has waited for, does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return linuxStat(pid)?.state !== 'Z';
}

/**
 * Tells a process from a later one with the same id: when it started. Null if there is no such process, or no way to
 * know (Windows). A process that cannot be identified must not be killed.
 */
export function processIdentity(pid: number): string | null {
  if (process.platform === 'linux') return linuxStat(pid)?.startTicks ?? null;
  return ps(pid, 'lstart=');
}

/** The command a process was started with, its arguments separated by blanks; null if it cannot be known. */
export function commandLine(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return null;
    }
  }
  return ps(pid, 'command=');
}

/** proc(5): the second field is the command in brackets and may itself hold blanks and brackets. */
function linuxStat(pid: number): { state: string; startTicks: string } | null {
  if (process.platform !== 'linux') return null;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]]; // fields 3 and 22, counted from 1
    return state && startTicks ? { state, startTicks } : null;
  } catch {
    return null;
  }
}

function ps(pid: number, column: string): string | null {
  if (process.platform === 'win32') return null;
  const { status, stdout } = spawnSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : null;
}
