import type { Target, TargetName } from '../../targets/target.ts';

/** The target of a name. Loaded when it is chosen: each needs other programs. */
export function loadTarget(name: TargetName): Promise<Target> {
  return Promise.reject(new Error(`The target ${name} is not there yet`));
}
