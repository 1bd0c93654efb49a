import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { readJsonFile } from './json-file.ts';
import { type ChildRecord, isSameProcess, stopLeftovers } from './process-group.ts';
import { processIdentity } from './process-identity.ts';
import { messageOf, Refusal, systemCode } from './refusal.ts';

const childSchema = z.object({
  name: z.string(),
  pid: z.int().positive(),
  identity: z.string().nullable(),
  stopSignal: z.custom<NodeJS.Signals>((value) => typeof value === 'string'),
});

/** What a running suite leaves in its data directory for others to find: `stack.json`. */
const recordSchema = z.object({
  pid: z.int().positive(),
  identity: z.string().nullable(),
  url: z.string(),
  /** The socket at which commands reach it; null while it starts. */
  control: z.string().nullable(),
  children: z.array(childSchema),
});
export type SuiteRecord = z.infer<typeof recordSchema>;

/** A data directory that is ours alone until it is released. */
export interface DataDirectory {
  path: string;
  /** What a suite that was killed had left running. It is stopped now. */
  leftovers: readonly string[];
  /** @throws the system's error if it cannot be written; the record before stays. */
  record(changes: Partial<Pick<SuiteRecord, 'control' | 'children'>>): void;
  release(): void;
}

const fileName = 'stack.json';

/**
 * Makes the directory if it is missing, and takes it for this process. What a killed suite left running from there is
 * stopped first, but a process only if it is surely the one that was recorded.
 *
 * @param url of this suite, for the message that another start gets.
 * @throws {Refusal} if it cannot be used, or another suite runs from it.
 */
export async function claimDataDirectory(path: string, url: string): Promise<DataDirectory> {
  const file = join(path, fileName);
  let current: SuiteRecord = {
    pid: process.pid,
    identity: processIdentity(process.pid),
    url,
    control: null,
    children: [],
  };
  let leftovers: string[] = [];
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    while (!createWhole(file, current)) {
      const holder = readSuiteRecord(path);
      if (holder && runs(holder)) {
        throw new Refusal(
          `One already runs from ${path} (process ${holder.pid}, ${holder.url}): stop it with Ctrl-C or "npm start -- stop", or start another with --data-dir DIR and --port-base N.`,
        );
      }
      leftovers = [...leftovers, ...(await stopLeftovers(holder?.children ?? []))];
      rmSync(file, { force: true });
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `The data directory ${path} cannot be used (${messageOf(error)}): make it writable, or room on its disk, or choose another with --data-dir DIR.`,
      {
        cause: error,
      },
    );
  }
  return {
    path,
    leftovers,
    record(changes) {
      current = { ...current, ...changes };
      const unfinished = `${file}.${process.pid}`;
      try {
        writeFileSync(unfinished, JSON.stringify(current), { mode: 0o600 });
        renameSync(unfinished, file);
      } finally {
        rmSync(unfinished, { force: true });
      }
    },
    release() {
      if (readSuiteRecord(path)?.pid === process.pid) rmSync(file, { force: true });
    },
  };
}

/** The suite that runs, or ran, from a data directory; null if there is none or its record is not valid. */
export function readSuiteRecord(path: string): SuiteRecord | null {
  try {
    return readJsonFile(join(path, fileName), recordSchema);
  } catch {
    return null;
  }
}

/** Whether the suite of a record is alive. */
export function runs(record: SuiteRecord): boolean {
  if (record.identity === null) return isAliveAtAll(record.pid);
  return isSameProcess({ name: 'stack', stopSignal: 'SIGTERM', ...record } satisfies ChildRecord);
}

function isAliveAtAll(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Creates the file with all its content at once. False if there is one already. */
function createWhole(file: string, record: SuiteRecord): boolean {
  const unfinished = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(unfinished, JSON.stringify(record), { mode: 0o600 });
    linkSync(unfinished, file);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
}
