import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { type TargetName, targetNames } from '../targets/target.ts';
import { type ApprovalMode, approvalModes } from './approval.ts';
import { type Component, components } from './changed.ts';

/** A command line that is not understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const executorNames = ['host', 'docker', 'dry-run'] as const;
export type ExecutorName = (typeof executorNames)[number];

/** What `pipeline run` is to do. */
export interface RunOptions {
  name: 'run';
  executor: ExecutorName;
  target: TargetName | null;
  /** The repository to clone: a checkout or a bare one. */
  repository: string;
  revision: string;
  branch: string | null;
  /** In the commit; a path that begins with `.` or `/` is a file of this machine instead. */
  file: string;
  dataDir: string;
  runId: string | null;
  /** What the address of a run begins with. */
  runsUrl: string;
  /** null: ask at a terminal, else wait. */
  approval: ApprovalMode | null;
  variables: Readonly<Record<string, string>>;
  secrets: readonly string[];
  verbose: boolean;
  keepVolume: boolean;
}

/** What `pipeline changed` is to do. */
export interface ChangedOptions {
  name: 'changed';
  repository: string;
  base: string;
  head: string;
  json: boolean;
  /** Nothing but these; empty for all. */
  only: readonly Component[];
  /** A file for values of the chart, and the tag of the images in it. */
  values: { file: string; tag: string } | null;
}

export type Command =
  | RunOptions
  | { name: 'check'; file: string }
  | ChangedOptions
  | { name: 'test'; repository: string; base: string; head: string; scope: 'changed' | 'all' }
  | { name: 'approve'; dataDir: string; run: string; step: string | null; answer: 'approved' | 'denied' }
  | { name: 'help' };

export const help = `Runs codefresh.yml on this machine, as Codefresh would.

  npx pipeline run [OPTIONS]          run the pipeline of a commit
  npx pipeline check [FILE]           say what is wrong with a pipeline file (default codefresh.yml)
  npx pipeline changed --base REV     which services a change touches, a line each
  npx pipeline test --base REV        the tests of what a change touches
  npx pipeline approve RUN [STEP]     answer a run that waits; "deny" instead of "approve" says no

run
  --target stack|compose|kubernetes   where releases go (or DEPLOY_TARGET); without it nothing can be built or deployed
  --executor host|docker|dry-run      commands run on this machine (default), in containers of each step's image, or
                                      not at all: dry-run prints the plan
  --revision REV, --branch NAME       the commit (default HEAD) and the branch it is on
  --repo DIR                          the repository (default the one around the current directory)
  --file PATH                         the pipeline in the commit (default codefresh.yml); ./PATH or /PATH: a file of
                                      this machine
  --var NAME=VALUE                    a variable of the pipeline; may be repeated
  --secret NAME                       hide the value of this variable in all output; may be repeated. Names with
                                      SECRET, TOKEN, PASSWORD, API_KEY and the like are hidden by themselves
  --approval ask|wait|auto            approvals: ask at this terminal (the default at a terminal), wait for
                                      "npx pipeline approve" (the default elsewhere), or approve without asking
  --data-dir DIR                      where runs are kept (default .hotrod, or HOTROD_DATA_DIR)
  --runs-url URL                      what the address of a run begins with (default http://127.0.0.1:8085/runs, or
                                      PIPELINE_RUNS_URL)
  --run-id ID                         default: time and commit
  --verbose                           every line of output
  --keep-volume                       leave the shared volume for a look

changed, test
  --base REV, --head REV              the change: from base (empty: everything changed) to head (default HEAD)
  --scope changed|all                 of test: tests of what changed, or all (default changed, or TEST_SCOPE)
  --only "NAME …"                     of changed: these components alone; empty: all
  --values FILE --tag TAG             of changed: write values of the chart that give what changed this tag
  --json                              of changed: a list

Exit codes: 0 passed, 1 failed, 2 wrong use or a pipeline file that is not valid, 130 ended from outside.`;

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;

/**
 * Reads the command line.
 *
 * @throws {UsageError}
 */
export function readCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Command {
  const [command, ...rest] = args;
  if (command === undefined || args.includes('--help') || args.includes('-h') || command === 'help')
    return { name: 'help' };
  switch (command) {
    case 'run':
      return readRun(rest, env, cwd);
    case 'check': {
      const { positionals } = parse(rest, {}, true);
      return { name: 'check', file: resolve(cwd, atMostOne(positionals) ?? 'codefresh.yml') };
    }
    case 'changed':
      return readChanged(rest, cwd);
    case 'test': {
      const { values } = parse(rest, { base: text, head: text, repo: text, scope: text });
      return {
        name: 'test',
        ...change(values, cwd),
        scope: oneOf(['changed', 'all'], values.scope ?? (env['TEST_SCOPE'] || 'changed'), '--scope'),
      };
    }
    case 'approve':
    case 'deny': {
      const { values, positionals } = parse(rest, { 'data-dir': text }, true);
      const [run, step, ...more] = positionals;
      if (run === undefined || more.length > 0)
        throw new UsageError(`${command} takes the id of a run, and a step if several wait`);
      const answer = command === 'approve' ? 'approved' : 'denied';
      return { name: 'approve', dataDir: dataDirectory(values['data-dir'], env, cwd), run, step: step ?? null, answer };
    }
    default:
      throw new UsageError(`"${command}" is not a command; there are run, check, changed, test, approve and deny`);
  }
}

function readChanged(args: readonly string[], cwd: string): ChangedOptions {
  const types = { base: text, head: text, repo: text, only: text, tag: text, values: text, json: flag };
  const { values } = parse(args, types);
  if ((values.tag === undefined) !== (values.values === undefined)) {
    throw new UsageError('--tag and --values belong together: the tag of the images, and the file for the values');
  }
  return {
    name: 'changed',
    ...change(values, cwd),
    json: values.json ?? false,
    only: (values.only ?? '')
      .split(/[\s,]+/)
      .flatMap((name) => (name === '' ? [] : [oneOf(components, name, '--only')])),
    values: values.tag && values.values ? { tag: values.tag, file: resolve(cwd, values.values) } : null,
  };
}

function readRun(args: readonly string[], env: Readonly<Record<string, string | undefined>>, cwd: string): RunOptions {
  const { values } = parse(args, {
    executor: text,
    target: text,
    repo: text,
    revision: text,
    branch: text,
    file: text,
    'data-dir': text,
    'run-id': text,
    'runs-url': text,
    approval: text,
    var: texts,
    secret: texts,
    verbose: flag,
    'keep-volume': flag,
  });
  const target = values.target ?? env['DEPLOY_TARGET'];
  const runsUrl = values['runs-url'] ?? (env['PIPELINE_RUNS_URL'] || 'http://127.0.0.1:8085/runs');
  if (!URL.canParse(runsUrl) || !/^https?:$/.test(new URL(runsUrl).protocol))
    throw new UsageError(`--runs-url takes an http or https URL, not "${runsUrl}"`);
  const variables = assignments(values.var ?? []);
  return {
    name: 'run',
    executor: oneOf(executorNames, values.executor ?? 'host', '--executor'),
    target: target ? oneOf(targetNames, target, values.target === undefined ? 'DEPLOY_TARGET' : '--target') : null,
    repository: resolve(cwd, values.repo ?? '.'),
    revision: values.revision ?? 'HEAD',
    branch: values.branch ?? null,
    file: values.file ?? 'codefresh.yml',
    dataDir: dataDirectory(values['data-dir'], env, cwd),
    runId: values['run-id'] ?? null,
    runsUrl: runsUrl.replace(/\/+$/, ''),
    approval: values.approval === undefined ? null : oneOf(approvalModes, values.approval, '--approval'),
    variables,
    secrets: (values.secret ?? []).map((name) => secretValue(name, variables, env)),
    verbose: values.verbose ?? false,
    keepVolume: values['keep-volume'] ?? false,
  };
}

function parse<const O extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: readonly string[],
  options: O,
  allowPositionals = false,
) {
  try {
    return parseArgs({ args: [...args], options: options ?? {}, allowPositionals, strict: true }) as ReturnType<
      typeof parseArgs<{ options: NonNullable<O>; allowPositionals: boolean; strict: true }>
    >;
  } catch (error) {
    // What parseArgs adds after the first sentence are hints about positionals, which do not help here.
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error));
  }
}

function change(
  values: { base?: string | undefined; head?: string | undefined; repo?: string | undefined },
  cwd: string,
) {
  if (values.base === undefined)
    throw new UsageError('--base is missing: the commit before the change, or "" where none is known');
  return { repository: resolve(cwd, values.repo ?? '.'), base: values.base, head: values.head ?? 'HEAD' };
}

function dataDirectory(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string {
  return resolve(cwd, given ?? (env['HOTROD_DATA_DIR'] || join(cwd, '.hotrod')));
}

function oneOf<const T extends string>(choices: readonly T[], value: string, option: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new UsageError(`${option} takes ${choices.join(', ')}, not "${value}"`);
  return found;
}

function assignments(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const match = /^([A-Za-z_]\w*)=(.*)$/s.exec(pair);
      if (!match) throw new UsageError(`--var takes NAME=VALUE, not "${pair.split('=')[0]}"`);
      return [match[1] ?? '', match[2] ?? ''];
    }),
  );
}

function secretValue(
  name: string,
  variables: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const value = variables[name] ?? env[name];
  if (value === undefined) throw new UsageError(`--secret ${name}: there is no such variable`);
  if (value.length < 3) throw new UsageError(`--secret ${name}: a value of less than 3 characters cannot be hidden`);
  return value;
}

function atMostOne(positionals: readonly string[]): string | undefined {
  if (positionals.length > 1) throw new UsageError(`"${positionals[1]}" is too much`);
  return positionals[0];
}
