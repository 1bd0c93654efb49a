import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

/** The logs of all processes, a file each. */
export interface LogFiles {
  /** The file of a process. */
  path(name: string): string;
  /** A descriptor that a child may append to; the caller closes it. */
  open(name: string): number;
  /** How long the file of a process is now, in bytes. */
  size(name: string): number;
  /**
   * The line that says most about why a process ended, among those that were written last.
   *
   * @param from look at nothing before this byte.
   */
  lastWords(name: string, from?: number): LastWords | null;
  /** Cuts files that have grown too long. Call it now and then. */
  trim(): void;
}

/**
 * Children write to their files themselves, so a log costs the stack nothing and outlives it. Each start begins a new
 * file and keeps the one before as `NAME.1.log`. A file that outgrows `maxBytes` is copied there, too, and then emptied:
 * its writer has it open to append, and goes on from the start.
 */
export function openLogFiles(directory: string, names: readonly string[], maxBytes = 10_000_000): LogFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = (name: string) => join(directory, `${name}.log`);
  const previous = (name: string) => join(directory, `${name}.1.log`);
  for (const name of names) if (existsSync(path(name))) renameSync(path(name), previous(name));
  return {
    path,
    open: (name) => openSync(path(name), 'a', 0o600),
    size: (name) => statSync(path(name), { throwIfNoEntry: false })?.size ?? 0,
    lastWords(name, from = 0) {
      try {
        return lastWords(readFileSync(path(name)).subarray(from).toString().slice(-20_000));
      } catch {
        return null;
      }
    },
    trim() {
      for (const name of names) {
        if (this.size(name) <= maxBytes) continue;
        copyFileSync(path(name), previous(name));
        truncateSync(path(name), 0);
      }
    },
  };
}

/** A line of a log that may explain an end. */
export interface LastWords {
  text: string;
  /** Whether it speaks of an error. */
  isError: boolean;
}

/** The last error among the last lines of a log, else its last line. Stack frames and Node's banner say nothing. */
export function lastWords(log: string): LastWords | null {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(at |Node\.js v|[{}[\]^~]+,?$|code: )/.test(line))
    .slice(-20)
    .map(readable);
  const errors = lines.filter((line) => /error|fatal|cannot|not valid|taken|missing|is not set/i.test(line));
  const text = errors.at(-1) ?? lines.at(-1);
  return text === undefined ? null : { text: text.slice(0, 300), isError: errors.length > 0 };
}

const pinoLine = z.object({ msg: z.string().optional(), err: z.object({ message: z.string().optional() }).optional() });

/** A line of pino as "message: error". */
function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { msg, err } = pinoLine.parse(JSON.parse(line));
    return [msg, err?.message].filter(Boolean).join(': ') || line;
  } catch {
    return line;
  }
}

/**
 * Opens a log, hands its descriptor over, closes it. If it cannot be opened (a full disk), its writer goes without: a
 * process is worth more than its log.
 */
export function withLog<T>(logs: LogFiles, name: string, use: (descriptor: number | 'ignore') => T): T {
  let descriptor: number;
  try {
    descriptor = logs.open(name);
  } catch {
    return use('ignore');
  }
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
