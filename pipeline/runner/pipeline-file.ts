import type { Problem } from './problem.ts';
import type { AnnotationSettings, Flag, HookEvent, StepKind, StepSettings } from './schema.ts';

/** A step that was read, with its hooks and children. */
export type ReadStep = { [K in StepKind]: ReadStepOf<K> }[StepKind];
interface ReadStepOf<K extends StepKind> {
  name: string;
  kind: K;
  settings: StepSettings<K>;
  hooks: ReadHooks;
  /** Of `parallel`; empty elsewhere. */
  children: ReadStep[];
}

/** What runs at one moment of a step or of the pipeline. */
export interface ReadHook {
  mode: 'sequential' | 'parallel';
  steps: ReadStep[];
  annotations: AnnotationSettings | null;
}
export type ReadHooks = Partial<Record<HookEvent, ReadHook>>;

/** A pipeline file that is valid. */
export interface Pipeline {
  /** For messages. */
  file: string;
  mode: 'sequential' | 'parallel';
  stages: string[];
  steps: ReadStep[];
  hooks: ReadHooks;
  failFast: Flag;
  strictFailFast: Flag;
  /** Things that are valid but may surprise. */
  warnings: Problem[];
}
