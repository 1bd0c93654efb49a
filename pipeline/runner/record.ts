/**
 * What a run leaves behind, under `<data dir>/runs/<run id>/`: `run.json` and a log file for each step. The page of the
 * run is made of it, while it runs and afterwards.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { isSameProcess, processIdentity } from './process-identity.ts';

const states = [
  'pending',
  'running',
  'waiting for approval',
  'success',
  'failure',
  'skipped',
  'approved',
  'denied',
  'terminated',
] as const;

const stepRecord = z.object({
  /** Unique in the run; a hook's step has the name of what it belongs to in front: `deploy.on_finish`. */
  name: z.string(),
  title: z.string(),
  kind: z.string(),
  stage: z.string().nullable(),
  /** The parallel step that it is part of. */
  parent: z.string().nullable(),
  /** Of a step of a hook: whose and which. */
  hook: z.object({ of: z.string().nullable(), event: z.string() }).nullable(),
  state: z.enum(states),
  /** Why it failed, or was skipped: a clause after the name of the step. */
  reason: z.string().nullable(),
  startedAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  attempts: z.int(),
  exitCode: z.int().nullable(),
  /** The file beside run.json with all of its output; null without any. */
  log: z.string().nullable(),
  /** Its last line that is not empty. */
  lastLine: z.string().nullable(),
  spanId: z.string().nullable(),
});
export type StepRecord = z.infer<typeof stepRecord>;
export type StepState = StepRecord['state'];

/** How a run ended; as `cicd.pipeline.result`, and `interrupted` if the runner was killed. */
export const verdicts = ['running', 'success', 'failure', 'error', 'cancellation', 'interrupted'] as const;
export type Verdict = (typeof verdicts)[number];

const runRecord = z.object({
  id: z.string(),
  pipeline: z.string(),
  file: z.string(),
  repository: z.string(),
  branch: z.string().nullable(),
  revision: z.string(),
  commitMessage: z.string(),
  commitAuthor: z.string(),
  initiator: z.string(),
  executor: z.string(),
  target: z.string().nullable(),
  url: z.string().nullable(),
  traceId: z.string().nullable(),
  /** Where its trace can be seen; null if it is sent nowhere. */
  traceUrl: z.string().nullable(),
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  verdict: z.enum(verdicts),
  /** A sentence that says why it did not succeed. */
  reason: z.string().nullable(),
  warnings: z.array(z.string()),
  annotations: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  stages: z.array(z.string()),
  steps: z.array(stepRecord),
  /** The runner's process, to tell whether it still lives. */
  process: z.object({ pid: z.int(), identity: z.string().nullable() }),
});
export type RunRecord = z.infer<typeof runRecord>;

const fileName = 'run.json';
/** Of a run's id and a log's name: neither can leave its directory. */
const safeName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** What a step has written, bounded. */
export interface StepLog {
  readonly file: string;
  write(text: string): void;
  close(): void;
}

/** Keeps the record of a run that goes on. */
export interface RunRecorder {
  readonly directory: string;
  readonly record: RunRecord;
  /** Writes the record anew; the file is there as a whole or as it was. */
  save(): void;
  openLog(step: string): StepLog;
  /** The run is over and saved: removes what was kept in reserve. */
  close(): void;
}

/** Nobody reads the whole of a long log, and a step that writes without end must not fill the disk. */
const maxLogBytes = 5_000_000;

const reserveBytes = 64 * 1024;

/** Makes the directory of a run and its first record. @throws if it cannot be made, or there is one already. */
export function createRecorder(
  runsDirectory: string,
  initial: Omit<RunRecord, 'process'>,
  { maxBytes = maxLogBytes } = {},
): RunRecorder {
  if (!safeName.test(initial.id))
    throw new Error(`"${initial.id}" is not an id of a run: letters, digits, ., _ and - alone`);
  const directory = join(runsDirectory, initial.id);
  mkdirSync(runsDirectory, { recursive: true, mode: 0o700 });
  mkdirSync(directory, { mode: 0o700 });
  const record: RunRecord = { ...initial, process: { pid: process.pid, identity: processIdentity(process.pid) } };
  // With this reserve, the record can still say that the disk is full.
  const reserve = join(directory, 'reserve');
  writeFileSync(reserve, Buffer.alloc(reserveBytes), { mode: 0o600 });
  function write(): void {
    const unfinished = join(directory, `${fileName}.new`);
    writeFileSync(unfinished, `${JSON.stringify(record, null, 1)}\n`, { mode: 0o600 });
    renameSync(unfinished, join(directory, fileName));
  }
  function save(): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      rmSync(reserve, { force: true });
      write();
    }
  }
  save();
  return {
    directory,
    record,
    save,
    close: () => rmSync(reserve, { force: true }),
    openLog(step) {
      const file = `${step.replaceAll(/[^\w.-]/g, '_')}.log`;
      const descriptor = openSync(join(directory, file), 'a', 0o600);
      let left = maxBytes;
      return {
        file,
        write(text) {
          if (left <= 0) return;
          const bytes = Buffer.from(text);
          writeAll(descriptor, bytes.subarray(0, left));
          left -= bytes.length;
          if (left <= 0)
            writeAll(descriptor, Buffer.from(`\n… what follows is not kept: a log ends after ${maxBytes} bytes.\n`));
        },
        close: () => closeSync(descriptor),
      };
    },
  };
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(descriptor, bytes, offset);
}

/** The record of a run; null if there is none. One whose runner was killed says `interrupted`. */
export function readRun(runsDirectory: string, id: string): RunRecord | null {
  if (!safeName.test(id)) return null;
  let record: RunRecord;
  try {
    record = runRecord.parse(JSON.parse(readFileSync(join(runsDirectory, id, fileName), 'utf8')));
  } catch {
    return null;
  }
  return record.verdict === 'running' && !isSameProcess(record.process) ? interrupted(record) : record;
}

function interrupted(record: RunRecord): RunRecord {
  const endedAtMs = Math.max(
    record.startedAtMs,
    ...record.steps.flatMap((step) => [step.startedAtMs ?? 0, step.endedAtMs ?? 0]),
  );
  return {
    ...record,
    verdict: 'interrupted',
    endedAtMs,
    reason: 'the runner was ended before the run was over',
    steps: record.steps.map((step) =>
      step.state === 'running' || step.state === 'waiting for approval'
        ? { ...step, state: 'terminated', reason: 'the runner was ended', endedAtMs }
        : step.state === 'pending'
          ? { ...step, state: 'skipped', reason: 'the runner was ended' }
          : step,
    ),
  };
}

/** The ids of the runs, the newest first. An id begins with its time. */
export function listRuns(runsDirectory: string): string[] {
  try {
    return readdirSync(runsDirectory)
      .filter((name) => safeName.test(name))
      .toSorted()
      .toReversed();
  } catch {
    return [];
  }
}

/** Removes the oldest runs beyond `keep`; what still runs stays. */
export function removeOldRuns(runsDirectory: string, keep: number): void {
  for (const id of listRuns(runsDirectory).slice(keep)) {
    const run = readRun(runsDirectory, id);
    if (run && run.verdict !== 'running') rmSync(join(runsDirectory, id), { recursive: true, force: true });
  }
}

/** The whole log of a step, as text; null if there is none. */
export function readLog(runsDirectory: string, id: string, file: string): Buffer | null {
  if (!safeName.test(id) || !safeName.test(file) || !file.endsWith('.log')) return null;
  try {
    return readFileSync(join(runsDirectory, id, file));
  } catch {
    return null;
  }
}
