import type { PlannedStep } from './plan.ts';
import type { StepRecord } from './record.ts';

/** The records of steps that are yet to begin, with those below them. */
export function entriesOf(steps: readonly PlannedStep[], parent: string | null): StepRecord[] {
  return steps.flatMap((step) => [createEntry(step, parent, null), ...entriesOf(step.children, step.name)]);
}

/** The record of one step that is yet to begin. */
export function createEntry(step: PlannedStep, parent: string | null, hook: StepRecord['hook']): StepRecord {
  return {
    name: step.name,
    title: step.title,
    kind: step.kind,
    stage: step.stage,
    parent,
    hook,
    state: 'pending',
    reason: null,
    startedAtMs: null,
    endedAtMs: null,
    attempts: 0,
    exitCode: null,
    log: null,
    lastLine: null,
    spanId: null,
  };
}

/**
 * `cicd.pipeline.task.type` of a step; the conventions know three: build, test and deploy.
 *
 * @returns null for every other step.
 */
export function taskType({ kind, stage }: PlannedStep): string | null {
  if (kind === 'build') return 'build';
  if (kind === 'helm') return 'deploy';
  if (/test|check|verify/i.test(stage ?? '')) return 'test';
  return /deploy|release/i.test(stage ?? '') ? 'deploy' : null;
}
