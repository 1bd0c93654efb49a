import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';

import type { ApprovalState } from './execute.ts';
import type { PlannedStepOf } from './plan.ts';

/** `ask`: the person at the terminal. `wait`: `pipeline approve` from elsewhere. `auto`: yes, at once. */
export const approvalModes = ['ask', 'wait', 'auto'] as const;
export type ApprovalMode = (typeof approvalModes)[number];

/** For an approval that says no time of its own. */
const defaultTimeout = { duration: 1, timeUnit: 'hours', finalState: 'denied' } as const;
const pollMs = 500;

/** Puts an answer into the file that the waiting run looks at. */
export function answerApproval(runDirectory: string, step: string, answer: 'approved' | 'denied'): void {
  writeFileSync(answerFile(runDirectory, step), answer, { mode: 0o600 });
}

function answerFile(runDirectory: string, step: string): string {
  return join(runDirectory, `${step}.approval`);
}

/**
 * Waits for an approval, from wherever it comes. After its time is over, it has its `finalState`.
 *
 * @param say tells how to answer.
 */
export function createApprover(options: {
  mode: ApprovalMode;
  runId: string;
  runDirectory: string;
  say: (line: string) => void;
  terminal: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream };
}): (step: PlannedStepOf<'pending-approval'>, signal: AbortSignal) => Promise<ApprovalState> {
  const { mode, runId, runDirectory, say, terminal } = options;
  return async (step, signal) => {
    if (mode === 'auto') {
      say(`${step.name} is approved without asking (--approval auto)`);
      return 'approved';
    }
    const { duration, timeUnit, finalState } = step.settings.timeout ?? defaultTimeout;
    const late = AbortSignal.timeout(duration * (timeUnit === 'hours' ? 3_600_000 : 60_000));
    const answered = new AbortController();
    const either = AbortSignal.any([signal, late, answered.signal]);
    say(
      `${step.title}: waits for "npx pipeline approve ${runId}" (or "deny"), ${duration} ${timeUnit}, then it is ${finalState}`,
    );
    const sources = [pollAnswer(answerFile(runDirectory, step.name), either)];
    if (mode === 'ask') sources.push(ask(terminal, step.title, either));
    const answer = await Promise.race(sources);
    answered.abort();
    return answer ?? (signal.aborted ? 'terminated' : finalState);
  };
}

/** Null if the signal ends it. */
async function pollAnswer(file: string, signal: AbortSignal): Promise<ApprovalState | null> {
  while (!signal.aborted) {
    if (existsSync(file)) return readFileSync(file, 'utf8') === 'approved' ? 'approved' : 'denied';
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
  return null;
}

async function ask(
  terminal: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream },
  title: string,
  signal: AbortSignal,
): Promise<ApprovalState | null> {
  const lines = createInterface(terminal);
  try {
    for (;;) {
      const answer = (await lines.question(`  ${title}: approve? [y/n] `, { signal })).trim().toLowerCase();
      if (answer === 'y' || answer === 'yes') return 'approved';
      if (answer === 'n' || answer === 'no') return 'denied';
    }
  } catch {
    return null; // the signal, or a terminal that was closed: the other ways stay open
  } finally {
    lines.close();
  }
}
