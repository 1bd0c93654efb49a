import type { Masker } from './mask.ts';
import type { RunRecorder, StepLog, StepRecord } from './record.ts';
import type { Reporter } from './reporter.ts';

/** Where a step's output goes. */
export interface StepOutput {
  write(text: string): void;
  /** The last lines that were written, for whoever looks at a failure. */
  lastLines(): string[];
  close(): void;
}

interface OutputContext {
  masker: Masker;
  reporter: Reporter;
  recorder: RunRecorder;
  attempt: (work: () => void) => void;
}

/** How many lines whoever looks at a failure sees. */
const shownLines = 40;
/** How much of the end is kept for them, in characters. */
const maxTailLength = 16_000;

/**
 * Opens the output of a step: what is written is masked, goes to the reporter and to the step's log, and its end is kept.
 *
 * @param attempt does what may fail, such as writing to a full disk; it never throws.
 */
export function openOutput(entry: StepRecord, { masker, reporter, recorder, attempt }: OutputContext): StepOutput {
  let log: StepLog | null = null;
  let tail = '';
  const masked = masker.stream((text) => {
    tail = (tail + text).slice(-maxTailLength);
    reporter.output(entry, text);
    attempt(() => {
      if (!log) {
        log = recorder.openLog(entry.name);
        entry.log = log.file;
        recorder.save();
      }
      log.write(text);
    });
  });
  const lines = () => tail.split('\n').filter((line) => line.trim() !== '');
  return {
    write: (text: string) => masked.write(text),
    lastLines: () => lines().slice(-shownLines),
    close() {
      masked.end();
      attempt(() => log?.close());
      entry.lastLine = lines().at(-1)?.trim().slice(0, 300) ?? null;
    },
  };
}
