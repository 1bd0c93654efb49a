import type { Target, TargetName } from './target.ts';

/** The target of a name. Loaded when it is chosen: each needs other programs. */
export async function createTarget(name: TargetName): Promise<Target> {
  switch (name) {
    case 'stack':
      return (await import('./stack.ts')).stackTarget;
    case 'compose':
      return (await import('./compose.ts')).composeTarget;
    case 'kubernetes':
      return (await import('./kubernetes.ts')).kubernetesTarget;
  }
}
