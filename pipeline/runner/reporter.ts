import { stripVTControlCharacters } from 'node:util';

import type { RunRecord, StepRecord } from './record.ts';

/** What a person sees of a run in the terminal. */
export interface Reporter {
  runStarted(run: RunRecord): void;
  stepStarted(step: StepRecord): void;
  /** A piece of a step's output, secrets already hidden. */
  output(step: StepRecord, text: string): void;
  stepEnded(step: StepRecord, lastLines: readonly string[]): void;
  say(line: string): void;
  runEnded(run: RunRecord): void;
}

type Colour = 'bold' | 'gray' | 'red' | 'green' | 'yellow' | 'cyan';
const codes: Record<Colour, number> = { bold: 1, gray: 90, red: 31, green: 32, yellow: 33, cyan: 36 };

/**
 * Writes the live log: a line when a step begins and one when it is over, and the last lines of one that failed.
 *
 * @param write takes whole lines.
 * @param options verbose: every line of output, with the step's name in front.
 */
export function createReporter(
  write: (text: string) => void,
  options: { colour: boolean; verbose: boolean },
): Reporter {
  const paint = (colour: Colour, text: string) => (options.colour ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text);
  const unfinished = new Map<string, string>();
  let width = 12;
  const line = (text: string) => write(`${text}\n`);
  const nameOf = (step: StepRecord) => step.name.padEnd(width);

  function printOutput(step: StepRecord, text: string): void {
    const lines = ((unfinished.get(step.name) ?? '') + text).split('\n');
    unfinished.set(step.name, lines.pop() ?? '');
    for (const each of lines) line(`    ${paint('gray', `${nameOf(step)} │`)} ${printable(each)}`);
  }

  return {
    runStarted(run) {
      width = Math.min(28, Math.max(width, ...run.steps.map(({ name }) => name.length)));
      const what = [run.branch, run.revision.slice(0, 7), firstLine(run.commitMessage)]
        .filter(Boolean)
        .map((each) => printable(each ?? ''));
      line(`${paint('bold', run.pipeline)} ${what.join(' · ')}`);
      line(paint('gray', `run ${run.id} on ${run.executor}${run.target ? `, target ${run.target}` : ''}`));
      if (run.url) line(paint('cyan', run.url));
      for (const warning of run.warnings) line(`${paint('yellow', 'warning')} ${warning}`);
      line('');
    },
    stepStarted(step) {
      if (step.kind !== 'parallel') line(`  ${paint('gray', `▸ ${nameOf(step)}`)}`);
    },
    output(step, text) {
      if (options.verbose) printOutput(step, text);
    },
    stepEnded(step, lastLines) {
      if (options.verbose && unfinished.get(step.name)) printOutput(step, '\n');
      unfinished.delete(step.name);
      const took =
        step.startedAtMs === null || step.endedAtMs === null ? '' : duration(step.endedAtMs - step.startedAtMs);
      if (step.state === 'skipped') line(paint('gray', `  – ${nameOf(step)} skipped: ${step.reason ?? ''}`));
      else if (step.state === 'success' || step.state === 'approved') {
        const note = step.kind === 'parallel' ? '' : printable(step.lastLine ?? ''); // whole: it may be a link
        line(`  ${paint('green', '✓')} ${nameOf(step)} ${took.padStart(8)}  ${paint('gray', note)}`.trimEnd());
      } else {
        line(
          `  ${paint('red', '✗')} ${nameOf(step)} ${took.padStart(8)}  ${paint('red', printable(step.reason ?? step.state))}`,
        );
        if (!options.verbose) for (const each of lastLines) line(`    ${paint('gray', '│')} ${printable(each)}`);
      }
    },
    say: (text) => line(`  ${paint('yellow', '·')} ${printable(text)}`),
    runEnded(run) {
      const took = duration((run.endedAtMs ?? run.startedAtMs) - run.startedAtMs);
      line('');
      if (run.verdict === 'success') line(`${paint('green', 'passed')} in ${took}`);
      else line(`${paint('red', words[run.verdict])} after ${took}: ${printable(run.reason ?? '')}`);
    },
  };
}

const words: Record<RunRecord['verdict'], string> = {
  running: 'running',
  success: 'passed',
  failure: 'failed',
  error: 'could not be run',
  cancellation: 'ended',
  interrupted: 'interrupted',
};

/** Milliseconds with a unit, short: `812 ms`, `2.4 s`, `3 min 05 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** Text without what would move the cursor or colour the rest: others write output and commit messages. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, (character) => (character === '\t' ? character : ''));
}
