import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';

import { ExpressionError, parseExpression } from './expression.ts';
import type { Pipeline, ReadHook, ReadHooks, ReadStep } from './pipeline-file.ts';
import { PipelineFileError, type Problem } from './problem.ts';
import { plain, unknownKey, unknownType } from './read-messages.ts';
import {
  annotations as annotationsSchema,
  type HookEvent,
  hookEvents,
  rootSchema,
  type StepKind,
  stepSchemas,
} from './schema.ts';
import { flatten, inCircle, neededSteps } from './step-references.ts';
import { referencedVariables } from './variables.ts';
import { hasPath, offsetOf, type Path } from './yaml-positions.ts';

const maxFileBytes = 1_000_000;
const stepName = /^[A-Za-z0-9_-]{1,64}$/;
/** Variables that a pusher chooses, and that a shell must never read as commands. */
const chosenByStrangers = ['CF_COMMIT_MESSAGE', 'CF_COMMIT_AUTHOR', 'CF_PULL_REQUEST_TITLE'];

/**
 * Reads a pipeline file: YAML, then the keys and their types, then what Codefresh asks of the whole. Pure.
 *
 * @param text its content.
 * @param file its name, for messages.
 * @throws {PipelineFileError} with all that is wrong, each with path, line and column.
 */
export function readPipeline(text: string, file = 'codefresh.yml'): Pipeline {
  const reader = createReader(text, file);
  const pipeline = reader.read();
  if (reader.problems.length > 0 || !pipeline) {
    throw new PipelineFileError(
      file,
      reader.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    );
  }
  return pipeline;
}

function createReader(text: string, file: string) {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const lines = new LineCounter();
  const document = parseDocument(text.slice(0, maxFileBytes), { lineCounter: lines, merge: true, prettyErrors: false });
  /** Every step of the file by its name: names are unique in the whole tree. */
  const names = new Map<string, Path>();

  function problemAt(path: Path, message: string, ofKey = false): Problem {
    const { line, col } = lines.linePos(offsetOf(document.contents, path, ofKey));
    return { path: path.join('.'), line: Math.max(1, line), column: Math.max(1, col), message };
  }
  function complain(path: Path, message: string, ofKey = false): void {
    problems.push(problemAt(path, message, ofKey));
  }
  function warn(path: Path, message: string): void {
    warnings.push(problemAt(path, message));
  }

  /** Null if the value is not of the schema, after complaining about it. */
  function check<S extends z.ZodType>(
    schema: S,
    value: unknown,
    path: Path,
    where: (key: string) => Path,
  ): z.infer<S> | null {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) complainAbout(issue, path, where);
    return null;
  }

  function complainAbout(issue: z.core.$ZodIssue, path: Path, where: (key: string) => Path): void {
    const inner = issue.path.filter((part): part is string | number => typeof part !== 'symbol');
    const [first, ...rest] = inner;
    const at = typeof first === 'string' ? [...where(first), ...rest] : [...path, ...inner];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        complain(inner.length > 0 ? [...at, key] : where(key), unknownKey(key), true);
      }
    } else if (issue.code === 'invalid_key') {
      complain(at, issue.issues[0]?.message ?? 'is not a valid name', true);
    } else if (inner.length === 1 && !hasPath(document.contents, at)) {
      complain(path, `needs ${String(first)}`, true);
    } else if (issue.code === 'invalid_union') {
      // The form that fits best is the one with the fewest complaints.
      const best = issue.errors
        .filter((form) => form.length > 0)
        .toSorted((a, b) => a.length - b.length || depth(b) - depth(a))[0];
      if (best && best.some((each) => each.path.length > 0)) {
        for (const each of best) complainAbout({ ...each, path: [...issue.path, ...each.path] }, path, where);
      } else complain(at, issue.message === 'Invalid input' ? 'is not of a form that is understood' : issue.message);
    } else complain(at, plain(issue));
  }

  function read(): Pipeline | null {
    if (Buffer.byteLength(text) > maxFileBytes) complain([], `is longer than ${maxFileBytes} bytes`);
    for (const error of document.errors) {
      const { line, col } = lines.linePos(error.pos[0]);
      problems.push({
        path: '',
        line: Math.max(1, line),
        column: Math.max(1, col),
        message: `is not valid YAML: ${error.message}`,
      });
    }
    if (problems.length > 0) return null;
    const value = toPlain();
    if (!isRecord(value)) {
      complain([], 'is a map with version and steps');
      return null;
    }
    const root = check(rootSchema, value, [], (key) => [key]);
    // Whatever can still be read is read, so that one round of corrections is enough.
    const stages = Array.isArray(value['stages']) ? value['stages'].map(String) : [];
    const given = isRecord(value['steps']) ? value['steps'] : {};
    const steps = readSteps(given, ['steps'], stages);
    if (root && steps.length === 0 && Object.keys(given).length === 0) complain(['steps'], 'needs at least one step');
    const hooks = readHooks(value['hooks'], ['hooks'], stages, 'pipeline');
    if (!root) return null;
    checkReferences(steps, root.mode);
    return {
      file,
      mode: root.mode,
      stages,
      steps,
      hooks,
      failFast: root.fail_fast ?? true,
      strictFailFast: root.strict_fail_fast ?? false,
      warnings,
    };
  }

  function toPlain(): unknown {
    try {
      return document.toJS({ maxAliasCount: 1_000 }) as unknown;
    } catch (error) {
      complain([], `is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  function readSteps(
    steps: Record<string, unknown>,
    path: Path,
    stages: readonly string[],
    inHook = false,
  ): ReadStep[] {
    return Object.entries(steps).flatMap(([name, value]) => {
      const step = readStep(name, value, [...path, name], stages, inHook);
      return step ? [step] : [];
    });
  }

  function readStep(
    name: string,
    value: unknown,
    path: Path,
    stages: readonly string[],
    inHook: boolean,
  ): ReadStep | null {
    const isHookOfItsOwn = path.at(-1) !== name;
    if (!isHookOfItsOwn && !stepName.test(name)) {
      complain(path, 'is not a name of a step: letters, digits, _ and - alone', true);
    }
    const earlier = names.get(name);
    if (earlier)
      complain(path, `is the name of another step, ${earlier.join('.')}: names are unique in the whole file`, true);
    names.set(name, path);
    if (!isRecord(value)) {
      complain(path, 'is a map: type, image, commands and so on');
      return null;
    }
    const kind = kindOf(value['type']);
    if (!kind) {
      complain([...path, 'type'], unknownType(value['type']));
      return null;
    }
    const { merged, where } = withoutArguments(value, path);
    const settings = check(stepSchemas[kind], merged, path, where);
    const children =
      kind === 'parallel' && isRecord(value['steps'])
        ? readSteps(value['steps'], [...path, 'steps'], stages, inHook)
        : [];
    const hooks = kind === 'parallel' ? {} : readHooks(value['hooks'], [...path, 'hooks'], stages, name);
    if (kind === 'parallel' && 'hooks' in value) {
      // The schema has refused the key already; this says why.
      problems.splice(
        problems.findIndex((problem) => problem.path === [...path, 'hooks'].join('.')),
        1,
      );
      complain([...path, 'hooks'], 'is not possible at a parallel step: put hooks at its children', true);
    }
    if (kind === 'parallel' && isRecord(value['steps']) && Object.keys(value['steps']).length === 0) {
      complain([...path, 'steps'], 'needs at least one step');
    }
    if (!settings) return null;
    const step = { name, kind, settings, hooks, children } as ReadStep;
    checkStep(step, path, where, stages, inHook);
    return step;
  }

  /** Keys of a step's type may stand under `arguments` as well. */
  function withoutArguments(value: Record<string, unknown>, path: Path) {
    const { arguments: given, ...direct } = value;
    const under = isRecord(given) ? given : {};
    if (given !== undefined && !isRecord(given)) complain([...path, 'arguments'], 'is a map');
    for (const key of Object.keys(under)) {
      if (key in direct) complain([...path, 'arguments', key], 'stands at the step, too: write it once', true);
    }
    return {
      merged: { ...under, ...direct },
      where: (key: string): Path => (key in direct || !(key in under) ? [...path, key] : [...path, 'arguments', key]),
    };
  }

  function checkStep(
    step: ReadStep,
    path: Path,
    where: (key: string) => Path,
    stages: readonly string[],
    inHook: boolean,
  ): void {
    const { settings } = step;
    if (settings.stage !== undefined && !stages.includes(settings.stage)) {
      complain(where('stage'), `is not among the stages of the file (${stages.join(', ') || 'there are none'})`);
    }
    if ('timeout' in settings && typeof settings.timeout === 'number') {
      warn(
        where('timeout'),
        `is ignored without a unit: write ${settings.timeout}s, ${settings.timeout}m or ${settings.timeout}h`,
      );
    }
    for (const mode of ['all', 'any'] as const) {
      for (const [name, source] of Object.entries(settings.when?.condition?.[mode] ?? {})) {
        try {
          parseExpression(source);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          complain([...path, 'when', 'condition', mode, name], `is not an expression: ${error.message}`);
        }
      }
    }
    if (step.kind === 'freestyle') checkCommands(step.settings.commands ?? [], where('commands'), inHook);
    if (step.kind === 'helm' && step.settings.helm_version === undefined) {
      warn(path, 'has no helm_version: Codefresh then takes Helm 2.9.1');
    }
    if (step.kind === 'build' && step.settings.tag !== undefined && step.settings.tags !== undefined) {
      complain(where('tags'), 'excludes tag: write one of them', true);
    }
  }

  function checkCommands(commands: readonly string[], path: Path, inHook: boolean): void {
    for (const [index, command] of commands.entries()) {
      const used = referencedVariables(command);
      for (const name of used.filter((each) => chosenByStrangers.includes(each))) {
        complain(
          [...path, index],
          `must not hold \${{${name}}}: it becomes part of the shell's text, and who pushes chooses it. Write "$${name}"`,
        );
      }
      if (inHook && used.length > 0) {
        warn(
          [...path, index],
          'Codefresh may not replace ${{…}} in the commands of a hook: hand it over by environment',
        );
      }
    }
  }

  function readHooks(value: unknown, path: Path, stages: readonly string[], owner: string): ReadHooks {
    if (value === undefined) return {};
    if (!isRecord(value)) {
      complain(path, `is a map of ${hookEvents.join(', ')}`);
      return {};
    }
    const hooks: ReadHooks = {};
    for (const [event, hook] of Object.entries(value)) {
      if (!isHookEvent(event)) complain([...path, event], unknownKey(event), true);
      else hooks[event] = readHook(hook, [...path, event], stages, `${owner}.${event}`);
    }
    return hooks;
  }

  /**
   * A hook has many forms: a list of commands, one step, `exec` with either, `steps` with or without `mode`, each with
   * or without `annotations`. All become a list of steps.
   */
  function readHook(value: unknown, path: Path, stages: readonly string[], name: string): ReadHook {
    const hook: ReadHook = { mode: 'sequential', steps: [], annotations: null };
    if (!isRecord(value)) {
      hook.steps = readExec(value, path, stages, name);
      return hook;
    }
    const { annotations: marks, exec, steps, mode, ...rest } = value;
    if (marks !== undefined) {
      hook.annotations = check(annotationsSchema, marks, [...path, 'annotations'], (key) => [
        ...path,
        'annotations',
        key,
      ]);
    }
    const inner = isRecord(exec) && 'steps' in exec ? exec : null;
    const chosenMode = mode ?? inner?.['mode'];
    if (chosenMode === 'parallel') hook.mode = 'parallel';
    else if (chosenMode !== undefined && chosenMode !== 'sequential')
      complain([...path, 'mode'], 'is sequential or parallel');
    const list = steps ?? inner?.['steps'];
    if (list !== undefined) {
      const at = steps === undefined ? [...path, 'exec', 'steps'] : [...path, 'steps'];
      if (isRecord(list)) hook.steps = readSteps(list, at, stages, true);
      else complain(at, 'is a map of steps');
      const unknown = [
        ...Object.keys(rest),
        ...Object.keys(inner ?? {}).filter((key) => key !== 'steps' && key !== 'mode'),
      ];
      for (const key of unknown) complain([...path, key], unknownKey(key), true);
    } else if (exec !== undefined) {
      hook.steps = readExec(exec, [...path, 'exec'], stages, name);
      for (const key of Object.keys(rest)) complain([...path, key], unknownKey(key), true);
    } else if (Object.keys(rest).length > 0) hook.steps = readExec(rest, path, stages, name);
    else if (marks === undefined) complain(path, 'needs exec, steps or annotations');
    return hook;
  }

  /** Codefresh takes the image alpine if none is named. */
  function readExec(value: unknown, path: Path, stages: readonly string[], name: string): ReadStep[] {
    const step = Array.isArray(value)
      ? { image: 'alpine', commands: value }
      : isRecord(value)
        ? { image: 'alpine', ...value }
        : value;
    if (!isRecord(step)) {
      complain(path, 'is a list of commands, or a step with image and commands');
      return [];
    }
    const only = readStep(name, step, path, stages, true);
    return only ? [only] : [];
  }

  /** Steps that conditions name exist, and can be over by then. */
  function checkReferences(steps: readonly ReadStep[], mode: Pipeline['mode']): void {
    const order = flatten(steps);
    const after = new Map(order.map((step, index) => [step.name, index]));
    for (const step of order) {
      for (const needed of neededSteps(step)) {
        const path = [...(names.get(step.name) ?? []), 'when'];
        const index = after.get(needed);
        if (index === undefined) complain(path, `names ${needed}, and there is no such step`);
        else if (needed === step.name) complain(path, 'names its own step');
        else if (mode === 'sequential' && index > (after.get(step.name) ?? 0)) {
          complain(path, `names ${needed}, which comes later: in sequential mode it will never be over by then`);
        }
      }
    }
    if (mode === 'parallel')
      for (const name of inCircle(order))
        complain([...(names.get(name) ?? []), 'when'], 'waits, in a circle, for itself');
  }

  return { problems, read };
}

function kindOf(type: unknown): StepKind | null {
  if (type === undefined) return 'freestyle';
  if (typeof type !== 'string') return null;
  if (type === 'helm' || type.startsWith('helm:')) return 'helm';
  return Object.hasOwn(stepSchemas, type) ? (type as StepKind) : null;
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHookEvent(event: string): event is HookEvent {
  return (hookEvents as readonly string[]).includes(event);
}
