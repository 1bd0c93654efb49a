import { decide, type Plan, type PlannedHooks, type PlannedStep } from './plan.ts';
import { hookEvents } from './schema.ts';
import { substitute } from './variables.ts';

/** What is known before a run: its branch and its variables. */
interface Known {
  branch: string | null;
  variables: Readonly<Record<string, string>>;
}

/**
 * The plan in words, a line for each step: what runs, what is left out and why, and what only the run will tell. Pure.
 */
export function describePlan(plan: Plan, known: Known): string {
  const width = Math.max(12, ...names(plan.steps));
  return [
    `${plan.file}, ${plan.mode}, branch ${known.branch ?? '(none)'}`,
    ...hookLines(plan.hooks, '', width),
    ...plan.steps.flatMap((step) => stepLines(step, '  ', width, known)),
  ].join('\n');
}

function names(steps: readonly PlannedStep[]): number[] {
  return steps.flatMap((step) => [step.name.length, ...names(step.children)]);
}

function stepLines(step: PlannedStep, indent: string, width: number, known: Known): string[] {
  const details = [
    step.kind === 'helm' ? step.settings.type : step.kind,
    ...(step.stage === null ? [] : [`stage ${step.stage}`]),
    ...(step.kind === 'freestyle' ? [step.settings.image] : []),
    ...(step.timeoutMs === null ? [] : [`timeout ${step.timeoutMs / 1_000} s`]),
    ...(step.retry.maxAttempts === 1 ? [] : [`${step.retry.maxAttempts} attempts`]),
    ...(step.failFast === true ? [] : [`fail_fast ${String(step.failFast)}`]),
    ...(step.strictFailFast === false ? [] : [`strict_fail_fast ${String(step.strictFailFast)}`]),
  ];
  return [
    `${indent}${step.name.padEnd(width)}  ${prospect(step, known).padEnd(9)} ${details.join(', ')}`,
    ...(step.kind === 'freestyle'
      ? (step.settings.commands ?? [])
          .flatMap((command) => command.trimEnd().split('\n'))
          .map((line) => `${indent}    $ ${line}`)
      : []),
    ...hookLines(step.hooks, `${indent}  `, width),
    ...step.children.flatMap((child) => stepLines(child, `${indent}  `, width, known)),
  ];
}

function hookLines(hooks: PlannedHooks, indent: string, width: number): string[] {
  return hookEvents.flatMap((event) => {
    const hook = hooks[event];
    if (!hook) return [];
    const steps = hook.steps.flatMap((step) =>
      stepLines(step, `${indent}    `, width, { branch: null, variables: {} }),
    );
    return [`${indent}  ${event}${hook.mode === 'parallel' ? ' (parallel)' : ''}`, ...steps];
  });
}

/** `runs`, `left out` or `depends`. */
function prospect(step: PlannedStep, { branch, variables }: Known): string {
  const unknown = new Set<string>();
  const lookup = (name: string): string | undefined => {
    const value = variables[name];
    if (value === undefined) unknown.add(name);
    return value;
  };
  const decision = decide(step, {
    branch,
    substitute: (text) => substitute(text, lookup),
    variable: lookup,
    member: (path) => {
      unknown.add(path.join('.'));
      return 'success';
    },
    resultOf: (name) => {
      unknown.add(name);
      return 'success';
    },
  });
  // The branch is looked at first: if it rules the step out, nothing unknown is asked.
  if (unknown.size > 0) return 'depends';
  return decision.verdict === 'run' ? 'runs' : 'left out';
}
