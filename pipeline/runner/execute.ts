import type { ExecutableStep, Executor, StepOutcome } from './executors/executor.ts';
import type { Masker } from './mask.ts';
import {
  allSteps,
  decide,
  type Plan,
  type PlannedHook,
  type PlannedHooks,
  type PlannedStep,
  type PlannedStepOf,
  type StepResult,
} from './plan.ts';
import type { RunRecord, RunRecorder, StepRecord } from './record.ts';
import type { Reporter } from './reporter.ts';
import type { Flag, HookEvent } from './schema.ts';
import { failed, type StepEnd, succeeded, terminated } from './step-end.ts';
import { openOutput } from './step-output.ts';
import { createEntry, entriesOf, taskType } from './step-record.ts';
import type { RunningSpan } from './telemetry.ts';
import { type Lookup, substitute, substituteAll } from './variables.ts';

/** How an approval ended. */
export type ApprovalState = 'approved' | 'denied' | 'terminated';

/** All that a run needs beside its plan. */
export interface Run {
  plan: Plan;
  executor: Executor;
  recorder: RunRecorder;
  reporter: Reporter;
  masker: Masker;
  span: RunningSpan;
  /** CF_… and what was given to the run: found by `${{X}}` and in the environment of each step. */
  variables: Readonly<Record<string, string>>;
  /** Found by `${{X}}` alone, if nothing else has the name. */
  ambient: Readonly<Record<string, string | undefined>>;
  branch: string | null;
  approve: (step: PlannedStepOf<'pending-approval'>, signal: AbortSignal) => Promise<ApprovalState>;
  /** Ends the run in good order: what runs is stopped, hooks run. */
  signal: AbortSignal;
  /** Ends the hooks as well. */
  force: AbortSignal;
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** What steps of one group have in common. */
interface Scope {
  signal: AbortSignal;
  span: RunningSpan;
  parent: string | null;
  hook: { of: string | null; event: HookEvent } | null;
  lookup: Lookup;
  member: (path: readonly string[]) => string | undefined;
}

/** After a run is ended each hook has this long, in milliseconds. */
export const hookPatienceMs = 60_000;

/**
 * Carries a plan out. Resolves to the record of the run when it is over, whatever became of it.
 *
 * A failed step stops the build, unless it says `fail_fast: false`; then the build goes on, and succeeds unless the step
 * says `strict_fail_fast: true`. Hooks other than `on_elected` never fail a build.
 */
export async function executePlan(run: Run): Promise<RunRecord> {
  const { plan, recorder, reporter, masker } = run;
  const { record } = recorder;
  const results = new Map<string, StepResult>();
  const values = new Map<string, string>();
  const members = new Map<string, Readonly<Record<string, string>>>();
  const exported: Record<string, string> = {};
  const strictFailures: string[] = [];
  const broken = new AbortController();
  const ended = AbortSignal.any([run.signal, broken.signal]);
  let failure: string | null = null;
  let failedAny = false;

  /** The runner itself cannot go on, for example because the disk is full. What runs is stopped. */
  function breakDown(error: unknown): void {
    if (broken.signal.aborted) return;
    failure = `the runner cannot go on: ${error instanceof Error ? error.message : String(error)}`;
    broken.abort();
  }
  function attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      breakDown(error);
    }
  }
  const save = () => attempt(() => recorder.save());

  function memberOf(path: readonly string[]): string | undefined {
    const [name = '', field = ''] = path;
    if (name === 'workflow') return field === 'result' ? (failedAny ? 'failure' : 'success') : undefined;
    if (field === 'result') return results.get(name) ?? (known.has(name) ? 'pending' : undefined);
    return members.get(name)?.[field];
  }
  function lookupStep(name: string): string | undefined {
    const path = name.split('.');
    if (path.length > 1) return memberOf(path[0] === 'steps' ? path.slice(1) : path);
    return values.get(name) ?? exported[name] ?? run.variables[name] ?? run.ambient[name];
  }
  const known = new Set(allSteps(plan.steps).map(({ name }) => name));

  function entryOf(step: PlannedStep, scope: Scope): StepRecord {
    const found = record.steps.find(({ name }) => name === step.name);
    if (found) return found;
    const entry = createEntry(step, scope.parent, scope.hook);
    record.steps.push(entry);
    return entry;
  }

  function skip(step: PlannedStep, scope: Scope, reason: string): void {
    for (const each of allSteps([step])) {
      const entry = entryOf(each, scope);
      entry.state = 'skipped';
      entry.reason = reason;
      results.set(each.name, 'skipped');
    }
    save();
    reporter.stepEnded(entryOf(step, scope), []);
  }

  /** Runs a list of steps. @returns the step that stops the build; null if none does. */
  async function runSteps(
    steps: readonly PlannedStep[],
    mode: 'sequential' | 'parallel',
    scope: Scope,
  ): Promise<StepRecord | null> {
    const group = new AbortController();
    const inner = { ...scope, signal: AbortSignal.any([scope.signal, group.signal]) };
    const waiting = new Set(steps);
    const running = new Set<Promise<void>>();
    let stopper: StepRecord | null = null;

    function start(step: PlannedStep, work: Promise<StepEnd>): void {
      const over: Promise<void> = work.then(({ state }) => {
        running.delete(over);
        if (state === 'failure') failedAny = true;
        if (!stops(step, state)) return;
        stopper ??= entryOf(step, scope);
        group.abort();
      });
      running.add(over);
    }
    function stops(step: PlannedStep, state: StepResult): boolean {
      if (state === 'terminated') return !group.signal.aborted;
      if (state === 'denied') return !handlesDenial(step.name);
      if (state !== 'failure') return false;
      if (isSet(step.failFast, scope.lookup)) return true;
      if (isSet(step.strictFailFast, scope.lookup) && !scope.hook) strictFailures.push(step.name);
      return false;
    }
    /** @returns whether anything changed, so that what waits may be asked again. */
    function startWhatCan(): boolean {
      let changed = false;
      for (const step of waiting) {
        if (mode === 'sequential' && running.size > 0) break;
        if (stopper || inner.signal.aborted) {
          waiting.delete(step);
          skip(step, scope, stopper ? `${stopper.name} stopped the build` : 'the run was ended');
          continue;
        }
        const decision = decide(step, {
          branch: run.branch,
          substitute: (text) => substitute(text, scope.lookup),
          variable: scope.lookup,
          member: scope.member,
          resultOf: (name) => results.get(name) ?? 'pending',
        });
        if (decision.verdict === 'wait') continue;
        changed = true;
        waiting.delete(step);
        if (decision.verdict === 'skip') skip(step, scope, decision.reason);
        else start(step, runStep(step, inner, decision.verdict === 'error' ? decision.reason : null));
      }
      return changed;
    }

    for (;;) {
      while (startWhatCan());
      if (running.size === 0) break;
      await Promise.race(running);
    }
    for (const step of waiting) skip(step, scope, 'what it waits for is never over');
    return stopper;
  }

  /** @param fault why it cannot even be begun. */
  async function runStep(step: PlannedStep, scope: Scope, fault: string | null): Promise<StepEnd> {
    const entry = entryOf(step, scope);
    entry.state = 'running';
    entry.startedAtMs = Date.now();
    const span = scope.span.task({
      name: step.name,
      id: `${record.id}/${step.name}`,
      type: taskType(step),
      url: record.url === null ? null : `${record.url}#${step.name}`,
    });
    entry.spanId = span.spanId;
    save();
    reporter.stepStarted(entry);
    const output = openOutput(entry, { masker, reporter, recorder, attempt });
    let end: StepEnd;
    try {
      const elected = fault === null ? await runHook(step.hooks, 'on_elected', step.name, span, scope.signal) : null;
      end = fault
        ? failed(fault)
        : elected
          ? failed(`failed in its hook on_elected: ${elected.name} ${elected.reason ?? ''}`)
          : await perform(step, entry, output.write, { ...scope, span });
    } catch (error) {
      breakDown(error);
      end = failed(error instanceof Error ? error.message : String(error));
    }
    output.close();
    entry.endedAtMs = Date.now();
    entry.state = end.state;
    entry.reason = end.reason === null ? null : masker.mask(end.reason);
    entry.exitCode = end.exitCode;
    save();
    reporter.stepEnded(entry, output.lastLines());
    span.end(end.result, entry.reason);

    const hooksOf = async (event: HookEvent) => runHook(step.hooks, event, step.name, span, hookSignal(), end.state);
    if (end.state === 'success' || end.state === 'approved') await hooksOf('on_success');
    else if (end.state !== 'terminated') await hooksOf('on_fail');
    await hooksOf('on_finish');
    results.set(step.name, end.state); // only now: what waits for a step waits for its hooks, too
    return end;
  }

  async function perform(
    step: PlannedStep,
    entry: StepRecord,
    output: (text: string) => void,
    scope: Scope,
  ): Promise<StepEnd> {
    if (step.kind === 'parallel') {
      const stopper = await runSteps(step.children, 'parallel', { ...scope, parent: step.name });
      if (scope.signal.aborted) return terminated('was ended');
      return stopper ? failed(`failed: ${stopper.name} ${stopper.reason ?? stopper.state}`) : succeeded();
    }
    if (step.kind === 'pending-approval') {
      entry.state = 'waiting for approval';
      save();
      const state = await run.approve(step, scope.signal);
      if (state === 'approved') return { state, reason: null, exitCode: null, result: 'success' };
      return state === 'denied'
        ? { state, reason: 'was denied', exitCode: null, result: 'cancellation' }
        : terminated(scope.signal.aborted ? 'was ended' : 'was not approved in time');
    }
    const late = step.timeoutMs === null ? null : AbortSignal.timeout(step.timeoutMs);
    const signal = late ? AbortSignal.any([scope.signal, late]) : scope.signal;
    const { maxAttempts, delayMs, exponentialFactor } = step.retry;
    for (let number = 1; ; number += 1) {
      entry.attempts = number;
      const outcome = await runOnce(step, output, { ...scope, signal });
      if (outcome.reason === null) {
        keep(step.name, outcome, scope);
        return { ...succeeded(), exitCode: outcome.exitCode };
      }
      if (scope.signal.aborted) return { ...terminated('was ended'), exitCode: outcome.exitCode };
      if (late?.aborted) {
        return {
          ...failed(`was not done after ${String('timeout' in step.settings ? step.settings.timeout : '')}`),
          exitCode: outcome.exitCode,
          result: 'timeout',
        };
      }
      if (number >= maxAttempts) {
        const tries = maxAttempts > 1 ? ` (tried ${maxAttempts} times)` : '';
        return { ...failed(outcome.reason + tries), exitCode: outcome.exitCode };
      }
      const pauseMs = delayMs * exponentialFactor ** (number - 1);
      output(`${step.name} ${outcome.reason}; try ${number + 1} of ${maxAttempts} in ${pauseMs / 1_000} s\n`);
      await run.sleep(pauseMs, signal).catch(() => {});
    }
  }

  async function runOnce(
    step: Exclude<PlannedStep, { kind: 'parallel' | 'pending-approval' }>,
    output: (text: string) => void,
    scope: Scope,
  ): Promise<StepOutcome> {
    const settings = substituteAll(step.settings, scope.lookup);
    const own = 'environment' in settings ? (settings.environment ?? []) : [];
    const env = {
      ...(scope.hook ? {} : { ...run.variables, ...exported, CF_STEP_NAME: step.name }),
      ...Object.fromEntries(own.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
      ...(scope.span.traceId === noTrace ? {} : { TRACEPARENT: scope.span.traceparent }),
    };
    return run.executor.run({ ...step, settings } as ExecutableStep, {
      env,
      defaultDirectory: scope.hook ? null : (values.get('main_clone') ?? null),
      variable: scope.lookup,
      signal: scope.signal,
      output,
    });
  }

  function keep(name: string, outcome: StepOutcome, scope: Scope): void {
    if (outcome.value !== null) values.set(name, outcome.value);
    members.set(name, outcome.members);
    if (scope.hook) return;
    masker.add(outcome.secretExports.flatMap((secret) => outcome.exports[secret] ?? []));
    Object.assign(exported, outcome.exports);
  }

  /**
   * What was exported does not reach hooks, as on Codefresh.
   *
   * @returns the step of the hook that failed; null if the hook succeeded or is not there.
   */
  async function runHook(
    hooks: PlannedHooks,
    event: HookEvent,
    owner: string | null,
    span: RunningSpan,
    signal: AbortSignal,
    ownState: StepResult = 'running',
  ): Promise<StepRecord | null> {
    const hook: PlannedHook | undefined = hooks[event];
    if (!hook) return null;
    const member = (path: readonly string[]) => (path[0] === owner && path[1] === 'result' ? ownState : memberOf(path));
    const lookup: Lookup = (name) => {
      const path = name.split('.');
      if (path[0] === 'parentSteps' && path.length === 2) return values.get(path[1] ?? '');
      if (path[0] === 'steps' || path[0] === 'parentSteps') return member(path.slice(1));
      return run.variables[name] ?? run.ambient[name];
    };
    annotate(hook, lookup);
    const failedStep = await runSteps(hook.steps, hook.mode, {
      signal,
      span,
      parent: null,
      hook: { of: owner, event },
      lookup,
      member,
    });
    if (failedStep && event !== 'on_elected') {
      reporter.say(`the hook ${event} of ${owner ?? 'the pipeline'} failed; that does not fail the build`);
    }
    return failedStep;
  }

  function hookSignal(): AbortSignal {
    return ended.aborted ? AbortSignal.any([run.force, AbortSignal.timeout(hookPatienceMs)]) : run.force;
  }

  function annotate(hook: PlannedHook, lookup: Lookup): void {
    for (const { annotations } of hook.annotations?.set ?? []) {
      for (const each of annotations) {
        Object.assign(record.annotations, typeof each === 'string' ? { [each]: true } : substituteAll(each, lookup));
      }
    }
    save();
  }

  function handlesDenial(approval: string): boolean {
    return allSteps(plan.steps).some(({ when }) =>
      when.steps?.list.some(({ name, on }) => name === approval && (on.includes('denied') || on.includes('finished'))),
    );
  }

  record.steps = entriesOf(plan.steps, null);
  save();
  reporter.runStarted(record);
  const elected = await runHook(plan.hooks, 'on_elected', null, run.span, ended);
  const scope: Scope = {
    signal: ended,
    span: run.span,
    parent: null,
    hook: null,
    lookup: lookupStep,
    member: memberOf,
  };
  let stopper: StepRecord | null = null;
  if (elected) for (const step of plan.steps) skip(step, scope, "the pipeline's hook on_elected failed");
  else stopper = await runSteps(plan.steps, plan.mode, scope);

  const { verdict, reason } = conclude();
  failedAny ||= verdict !== 'success';
  const atEnd = async (event: HookEvent) => runHook(plan.hooks, event, null, run.span, hookSignal());
  if (verdict === 'success') await atEnd('on_success');
  else await atEnd('on_fail');
  await atEnd('on_finish');

  Object.assign(record, { verdict, reason: reason === null ? null : masker.mask(reason), endedAtMs: Date.now() });
  try {
    recorder.save();
  } catch (error) {
    reporter.say(`The record of this run cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
  run.span.end(
    verdict === 'success' || verdict === 'cancellation' || verdict === 'error' ? verdict : 'failure',
    record.reason,
  );
  reporter.runEnded(record);
  return record;

  function conclude(): { verdict: Exclude<RunRecord['verdict'], 'running' | 'interrupted'>; reason: string | null } {
    if (failure !== null) return { verdict: 'error', reason: failure };
    if (run.signal.aborted) return { verdict: 'cancellation', reason: 'it was ended from outside' };
    if (elected) return { verdict: 'failure', reason: `${elected.name} ${elected.reason ?? 'failed'}` };
    if (stopper) {
      const denied =
        stopper.state === 'denied' || (stopper.kind === 'pending-approval' && stopper.state === 'terminated');
      return {
        verdict: denied ? 'cancellation' : 'failure',
        reason: `${stopper.name} ${stopper.reason ?? stopper.state}`,
      };
    }
    if (strictFailures.length > 0)
      return { verdict: 'failure', reason: `failed though the build went on: ${strictFailures.join(', ')}` };
    return { verdict: 'success', reason: null };
  }
}

/** Of a span that nobody records. */
const noTrace = '0'.repeat(32);

function isSet(flag: Flag, lookup: Lookup): boolean {
  return typeof flag === 'boolean' ? flag : substitute(flag, lookup) === 'true';
}
