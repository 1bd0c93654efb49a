import {
  evaluate,
  type Expression,
  ExpressionError,
  type ExpressionScope,
  isTrue,
  parseExpression,
} from './expression.ts';
import type { Pipeline, ReadHook, ReadHooks, ReadStep } from './pipeline-file.ts';
import { neededSteps } from './step-references.ts';
import {
  type AnnotationSettings,
  branchMatcher,
  type Flag,
  type HookEvent,
  hookEvents,
  type StepKind,
  type stepStates,
  type StepSettings,
  timeoutPattern,
  type WhenSettings,
} from './schema.ts';

/** What runs, in which order and on which conditions: data alone, nothing decided that only the run can tell. */
export interface Plan {
  file: string;
  mode: 'sequential' | 'parallel';
  stages: readonly string[];
  steps: readonly PlannedStep[];
  hooks: PlannedHooks;
}

/** A step with every default filled in. */
export type PlannedStep = { [K in StepKind]: PlannedStepOf<K> }[StepKind];
export interface PlannedStepOf<K extends StepKind> {
  name: string;
  title: string;
  stage: string | null;
  kind: K;
  settings: StepSettings<K>;
  when: When;
  /** Steps that must be over before `when` can be answered. */
  needs: readonly string[];
  retry: { maxAttempts: number; delayMs: number; exponentialFactor: number };
  /** Null: none. Of an approval it is in its settings. */
  timeoutMs: number | null;
  failFast: Flag;
  strictFailFast: Flag;
  hooks: PlannedHooks;
  /** Of `parallel`; empty elsewhere. */
  children: readonly PlannedStep[];
}

export interface PlannedHook {
  mode: 'sequential' | 'parallel';
  steps: readonly PlannedStep[];
  annotations: AnnotationSettings | null;
}
export type PlannedHooks = Partial<Record<HookEvent, PlannedHook>>;

/** All parts that are there must agree. */
export interface When {
  branch: { only: readonly string[] | null; ignore: readonly string[] } | null;
  conditions: readonly { name: string; mode: 'all' | 'any'; expression: Expression }[];
  steps: { mode: 'all' | 'any'; list: readonly StepCondition[] } | null;
}
export interface StepCondition {
  name: string;
  on: readonly (typeof stepStates)[number][];
}

/** How far a step is, as conditions see it. */
export type StepResult =
  'pending' | 'running' | 'success' | 'failure' | 'skipped' | 'approved' | 'denied' | 'terminated';

/** What a condition may ask of the run. */
export interface WhenScope extends ExpressionScope {
  /** The branch that is built; null if there is none (a detached commit). */
  branch: string | null;
  resultOf(step: string): StepResult;
}

/** Whether a step runs now; `wait` if a step that it needs is not over. */
export type Decision = { verdict: 'run' } | { verdict: 'wait' } | { verdict: 'skip' | 'error'; reason: string };

/** Works out the plan of a pipeline. Pure. */
export function planPipeline(pipeline: Pipeline): Plan {
  const { file, mode, stages } = pipeline;
  const defaults = { failFast: pipeline.failFast, strictFailFast: pipeline.strictFailFast };
  return {
    file,
    mode,
    stages,
    steps: pipeline.steps.map((step) => planStep(step, defaults)),
    hooks: planHooks(pipeline.hooks),
  };
}

interface Defaults {
  failFast: Flag;
  strictFailFast: Flag;
}

function planStep(step: ReadStep, defaults: Defaults): PlannedStep {
  const { name, kind, settings, children } = step;
  const retry = 'retry' in settings ? settings.retry : undefined;
  return {
    name,
    title: settings.title ?? name,
    stage: settings.stage ?? null,
    kind,
    settings,
    when: planWhen(settings.when),
    needs: neededSteps(step),
    retry: {
      maxAttempts: retry?.maxAttempts ?? 1,
      delayMs: (retry?.delay ?? 5) * 1_000,
      exponentialFactor: retry?.exponentialFactor ?? 1,
    },
    timeoutMs: 'timeout' in settings && typeof settings.timeout === 'string' ? milliseconds(settings.timeout) : null,
    failFast: settings.fail_fast ?? defaults.failFast,
    strictFailFast: settings.strict_fail_fast ?? defaults.strictFailFast,
    hooks: planHooks(step.hooks),
    children: children.map((child) => planStep(child, defaults)),
  } as PlannedStep;
}

function planHooks(hooks: ReadHooks): PlannedHooks {
  return Object.fromEntries(
    hookEvents.flatMap((event) => {
      const hook = hooks[event];
      return hook ? [[event, planHook(hook)]] : [];
    }),
  );
}

function planHook({ mode, steps, annotations }: ReadHook): PlannedHook {
  return { mode, annotations, steps: steps.map((step) => planStep(step, { failFast: true, strictFailFast: false })) };
}

function planWhen(when: WhenSettings | undefined): When {
  const { branch, condition, steps } = when ?? {};
  const conditions = (['all', 'any'] as const).flatMap((mode) =>
    Object.entries(condition?.[mode] ?? {}).map(([name, source]) => ({
      name,
      mode,
      expression: parseExpression(source),
    })),
  );
  return {
    branch: branch ? { only: branch.only ?? null, ignore: branch.ignore ?? [] } : null,
    conditions,
    steps: !steps
      ? null
      : Array.isArray(steps)
        ? { mode: 'all', list: steps.map(withStates) }
        : 'all' in steps
          ? { mode: 'all', list: steps.all.map(withStates) }
          : { mode: 'any', list: steps.any.map(withStates) },
  };
}

function withStates({ name, on }: { name: string; on?: StepCondition['on'] | undefined }): StepCondition {
  return { name, on: on ?? ['success'] };
}

/** `90s`, `1.5m`, `1h` in milliseconds. The form has been checked. */
function milliseconds(text: string): number {
  const [, amount = '0', unit = 's'] = timeoutPattern.exec(text) ?? [];
  return Number(amount) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}

/** Every step of a plan, children after their parents; steps of hooks are left out. */
export function allSteps(steps: readonly PlannedStep[]): PlannedStep[] {
  return steps.flatMap((step) => [step, ...allSteps(step.children)]);
}

/** Answers a step's `when`, from what is known now. Pure. */
export function decide(step: Pick<PlannedStep, 'when' | 'needs'>, scope: WhenScope): Decision {
  const { branch, conditions, steps } = step.when;
  if (branch) {
    const reason = branchReason(branch, scope.branch);
    if (reason) return { verdict: 'skip', reason };
  }
  if (steps) {
    const answers = steps.list.map((condition) => answer(condition, scope));
    const no = steps.list[answers.indexOf('no')];
    if (steps.mode === 'any' ? !answers.includes('yes') : no) {
      if (steps.mode === 'any' && answers.includes('unknown')) return { verdict: 'wait' };
      return { verdict: 'skip', reason: `none of what it waits for came true: ${steps.list.map(describe).join(', ')}` };
    }
    if (steps.mode === 'all' && answers.includes('unknown')) return { verdict: 'wait' };
  }
  if (conditions.length === 0) return { verdict: 'run' };
  const asked = step.needs.filter((name) => !steps?.list.some((condition) => condition.name === name));
  if (asked.some((name) => !isOver(scope.resultOf(name)))) return { verdict: 'wait' };
  return decideConditions(conditions, scope);
}

function decideConditions(conditions: When['conditions'], scope: WhenScope): Decision {
  const answers: { name: string; mode: 'all' | 'any'; holds: boolean }[] = [];
  for (const { name, mode, expression } of conditions) {
    try {
      answers.push({ name, mode, holds: isTrue(evaluate(expression, scope)) });
    } catch (error) {
      if (!(error instanceof ExpressionError || error instanceof SyntaxError)) throw error;
      return { verdict: 'error', reason: `its condition ${name} has no value: ${error.message}` };
    }
  }
  const broken = answers.find(({ mode, holds }) => mode === 'all' && !holds);
  if (broken) return { verdict: 'skip', reason: `its condition ${broken.name} does not hold` };
  const any = answers.filter(({ mode }) => mode === 'any');
  if (any.length > 0 && !any.some(({ holds }) => holds)) {
    return { verdict: 'skip', reason: `none of its conditions holds: ${any.map(({ name }) => name).join(', ')}` };
  }
  return { verdict: 'run' };
}

function branchReason({ only, ignore }: NonNullable<When['branch']>, branch: string | null): string | null {
  const matches = (pattern: string) => branch !== null && branchMatcher(pattern)?.(branch) === true;
  const name = branch === null ? 'no branch' : `the branch ${branch}`;
  if (only && !only.some(matches)) return `${name} is not among ${only.join(', ')}`;
  return ignore.some(matches) ? `it is not for ${name}` : null;
}

export function isOver(result: StepResult): boolean {
  return result !== 'pending' && result !== 'running';
}

function answer({ name, on }: StepCondition, scope: WhenScope): 'yes' | 'no' | 'unknown' {
  const result = scope.resultOf(name);
  if (!isOver(result)) return 'unknown';
  const states: readonly string[] = result === 'approved' ? ['approved', 'success'] : [result];
  return on.some((state) => state === 'finished' || states.includes(state)) ? 'yes' : 'no';
}

function describe({ name, on }: StepCondition): string {
  return `${name} (${on.join(' or ')})`;
}
