import type { PlannedStepOf } from '../plan.ts';

/** A step that can be carried out: everything but approvals and parallel steps, its variables replaced. */
export type ExecutableStep =
  PlannedStepOf<'freestyle'> | PlannedStepOf<'git-clone'> | PlannedStepOf<'build'> | PlannedStepOf<'helm'>;

/** What a step gets from the run. */
export interface StepContext {
  /** Of the step's own and of the pipeline's variables; what the machine adds is the executor's affair. */
  env: Readonly<Record<string, string>>;
  /** Where the step works if it says nothing: the main clone, as steps see it; null for the shared volume. */
  defaultDirectory: string | null;
  /** Variables of the pipeline, for what the executor has to know: CF_REVISION, CF_BUILD_URL. */
  variable: (name: string) => string | undefined;
  signal: AbortSignal;
  output: (text: string) => void;
}

/** What came of a step. */
export interface StepOutcome {
  /** A clause after the name of the step; null if it succeeded. */
  reason: string | null;
  exitCode: number | null;
  /** What it handed on with cf_export. */
  exports: Readonly<Record<string, string>>;
  /** Of those, the names that must not be seen. */
  secretExports: readonly string[];
  /** What `${{NAME}}` means from now on: the directory of a clone, the image of a build. */
  value: string | null;
  /** What `${{steps.NAME.X}}` means beside the result. */
  members: Readonly<Record<string, string>>;
}

/** Carries steps out: the only part of the runner that starts other programs. */
export interface Executor {
  readonly name: string;
  /** The shared volume, as steps see it: CF_VOLUME_PATH. */
  readonly volumePath: string;
  run(step: ExecutableStep, context: StepContext): Promise<StepOutcome>;
}

/** Where the commands of a freestyle step run: on this machine, or in a container of the step's image. */
export interface Shell {
  readonly name: 'host' | 'docker';
  /** The shared volume, as commands see it. */
  readonly volumePath: string;
  run(script: Script): Promise<{ reason: string | null; exitCode: number | null }>;
}

export interface Script {
  step: string;
  image: string;
  shell: 'sh' | 'bash';
  commands: readonly string[];
  /** As commands see it, absolute. */
  directory: string;
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
  output: (text: string) => void;
}

/** On the volume: the program cf_export, and what it was told. */
export const toolDirectory = '.pipeline';

/** An outcome without anything to hand on. */
export function plainOutcome(reason: string | null, exitCode: number | null = null): StepOutcome {
  return { reason, exitCode, exports: {}, secretExports: [], value: null, members: {} };
}
