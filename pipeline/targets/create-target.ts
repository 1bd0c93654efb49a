import type { Target, TargetName } from './target.ts';

/** Loaded when it is chosen: each needs other programs. */
const targets: Readonly<Record<TargetName, () => Promise<Target>>> = {
  stack: async () => (await import('./stack.ts')).stackTarget,
  compose: async () => (await import('./compose.ts')).composeTarget,
  kubernetes: async () => (await import('./kubernetes.ts')).kubernetesTarget,
};

/** The target of a name. */
export function createTarget(name: TargetName): Promise<Target> {
  return targets[name]();
}
