/**
 * The keys of codefresh.yml that are understood here, and their types. A key that is not in these schemas is refused,
 * and the message names its path: if it were ignored, the file would do one thing on Codefresh and another here.
 */
import { z } from 'zod';

const variable = z.string().regex(/^\$\{\{[^{}]+\}\}$/);
/** true, false, or a variable that says which. */
const flag = z.union([z.boolean(), variable], { error: 'is true, false, or a variable "${{X}}"' });
const text = z.string({ error: 'is a text; put it in quotes where it looks like a number or true and false' });
const texts = z.array(text, { error: 'is a list of texts' });
const assignment = text.regex(/^[A-Za-z_][A-Za-z0-9_]*=/, 'is NAME=VALUE');
const assignments = z.array(assignment, { error: 'is a list of NAME=VALUE ("- NAME=VALUE"), not a map' });

const branchPattern = text.refine((pattern) => branchMatcher(pattern) !== null, 'is not a valid /regular expression/');

/** A name, or `/regular expression/` with the flag `i` at most; null if it is not valid. */
export function branchMatcher(pattern: string): ((branch: string) => boolean) | null {
  const match = /^\/(.*)\/(i?)$/s.exec(pattern);
  if (!match) return (branch) => branch === pattern;
  try {
    const expression = new RegExp(match[1] ?? '', match[2]);
    return (branch) => expression.test(branch);
  } catch {
    return null;
  }
}

const conditions = z.record(
  z.string().regex(/^[A-Za-z0-9_]+$/, 'is not a name of a condition: letters, digits and _ alone'),
  text.max(12_000),
);

export const stepStates = ['success', 'failure', 'skipped', 'finished', 'approved', 'denied'] as const;
const stepCondition = z.strictObject({
  name: text,
  on: z
    .array(z.enum(stepStates, { error: `is one of ${stepStates.join(', ')}` }))
    .min(1)
    .optional(),
});
const stepConditions = z.array(stepCondition).min(1);

const when = z.strictObject({
  branch: z
    .strictObject({ only: z.array(branchPattern).min(1).optional(), ignore: z.array(branchPattern).min(1).optional() })
    .optional(),
  condition: z.strictObject({ all: conditions.optional(), any: conditions.optional() }).optional(),
  steps: z
    .union([stepConditions, z.strictObject({ all: stepConditions }), z.strictObject({ any: stepConditions })])
    .optional(),
});

const retry = z.strictObject({
  maxAttempts: z.int().min(1, 'is 1 to 10').max(10, 'is 1 to 10').default(1),
  delay: z.number().min(5, 'is 5 to 60 seconds').max(60, 'is 5 to 60 seconds').default(5),
  exponentialFactor: z.number().min(1, 'is 1 to 5').max(5, 'is 1 to 5').default(1),
});

const annotationValue = z.union([z.string(), z.number(), z.boolean()]);
const annotation = z.union([z.string().regex(/^\w+$/), z.record(z.string().regex(/^\w+$/), annotationValue)]);
export const annotations = z.strictObject({
  set: z
    .array(
      z.strictObject({
        entity_type: z.string().optional(),
        entity_id: z.string().optional(),
        annotations: z.array(annotation),
      }),
    )
    .optional(),
});

/** What every step may have. `hooks` and the children of `parallel` are read apart, because they hold steps again. */
const common = {
  title: text.optional(),
  description: text.optional(),
  stage: text.optional(),
  when: when.optional(),
  retry: retry.optional(),
  fail_fast: flag.optional(),
  strict_fail_fast: flag.optional(),
  hooks: z.unknown().optional(),
};

export const timeoutPattern = /^(\d+(?:\.\d+)?|\.\d+)([smh])$/;
const timeoutForm = 'is a number with its unit: 90s, 10m or 1h';
const timeout = z.union([z.string().regex(timeoutPattern, timeoutForm), z.number()], { error: timeoutForm }).optional();

/** A type of step: keys of its own, which stand beside the common ones or under `arguments`. */
export const stepSchemas = {
  freestyle: z.strictObject({
    ...common,
    timeout,
    type: z.literal('freestyle').optional(),
    image: text,
    commands: texts.optional(),
    environment: assignments.optional(),
    working_directory: text.optional(),
    shell: z.enum(['sh', 'bash'], { error: 'is sh or bash' }).optional(),
  }),
  'git-clone': z.strictObject({
    ...common,
    timeout,
    type: z.literal('git-clone'),
    repo: text,
    revision: text.optional(),
    git: text.optional(),
    depth: z.int().positive().optional(),
    working_directory: text.optional(),
  }),
  build: z.strictObject({
    ...common,
    timeout,
    type: z.literal('build'),
    image_name: text,
    working_directory: text.optional(),
    dockerfile: text.optional(),
    tag: text.optional(),
    tags: texts.min(1).optional(),
    registry: text.optional(),
    buildkit: flag.optional(),
    build_arguments: assignments.optional(),
    cache_from: texts.optional(),
    target: text.optional(),
    disable_push: flag.optional(),
  }),
  'pending-approval': z.strictObject({
    ...common,
    type: z.literal('pending-approval'),
    timeout: z
      .strictObject({
        duration: z.number().positive(),
        timeUnit: z.enum(['minutes', 'hours'], { error: 'is minutes or hours' }).default('hours'),
        finalState: z
          .enum(['approved', 'denied', 'terminated'], { error: 'is approved, denied or terminated' })
          .default('terminated'),
      })
      .optional(),
  }),
  helm: z.strictObject({
    ...common,
    timeout,
    type: z.string(),
    working_directory: text.optional(),
    action: z.literal('install', { error: 'is "install" here; other actions run on Codefresh alone' }),
    chart_name: text,
    release_name: text,
    namespace: text.optional(),
    helm_version: text.optional(),
    kube_context: text.optional(),
    custom_values: z.array(text.regex(/^[^=\s]+=/, 'is PATH=VALUE, with _ for each dot of the path')).optional(),
    custom_value_files: texts.optional(),
    cmd_ps: text.optional(),
  }),
  parallel: z.strictObject({
    title: common.title,
    description: common.description,
    stage: common.stage,
    when: common.when,
    fail_fast: common.fail_fast,
    strict_fail_fast: common.strict_fail_fast,
    type: z.literal('parallel'),
    steps: z.record(z.string(), z.unknown()),
  }),
} as const;

export type StepKind = keyof typeof stepSchemas;
/** A step as it stands in the file, its own keys moved out of `arguments`. */
export type StepSettings<K extends StepKind> = z.infer<(typeof stepSchemas)[K]>;
export type WhenSettings = z.infer<typeof when>;
export type AnnotationSettings = z.infer<typeof annotations>;
/** true, false, or `${{X}}`. */
export type Flag = z.infer<typeof flag>;
export type RetrySettings = z.infer<typeof retry>;

export const rootSchema = z.strictObject({
  version: z.union([z.literal('1.0'), z.literal(1)], { error: 'is "1.0"' }),
  stages: texts.optional(),
  steps: z.record(z.string(), z.unknown(), { error: 'is a map of steps' }),
  mode: z.enum(['sequential', 'parallel'], { error: 'is sequential or parallel' }).default('sequential'),
  hooks: z.unknown().optional(),
  fail_fast: flag.optional(),
  strict_fail_fast: flag.optional(),
});

/** Keys that people write, and what to write instead. */
export const hints: Readonly<Record<string, string>> = {
  on_failure: 'write on_fail',
  on_failed: 'write on_fail',
  on_start: 'write on_elected',
  command: 'write commands, a list',
  script: 'write commands, a list',
  env: 'write environment, a list of NAME=VALUE, at each step that needs it',
  environment: 'it belongs to a step',
  'working-directory': 'write working_directory',
  'fail-fast': 'write fail_fast',
  workdir: 'write working_directory',
  success_criteria: 'Codefresh knows it; here fail_fast and strict_fail_fast decide',
  indicators: 'Codefresh knows it; it is not supported here',
  services: 'Codefresh knows it; it is not supported here',
  matrix: 'Codefresh knows it; here write the steps of a parallel step out',
  scale: 'Codefresh knows it; here write the steps of a parallel step out',
  debug: 'Codefresh knows it; it is not supported here',
  volumes: 'Codefresh knows it; here the shared volume is the only one',
  entry_point: 'Codefresh knows it; here write commands',
  cmd: 'Codefresh knows it; here write commands',
};

export const hookEvents = ['on_elected', 'on_success', 'on_fail', 'on_finish'] as const;
export type HookEvent = (typeof hookEvents)[number];
