import { parseExpression, referencedSteps } from './expression.ts';
import type { ReadStep } from './pipeline-file.ts';

/** The steps that must be over before it is known whether a step runs. */
export function neededSteps(step: ReadStep): string[] {
  const { when } = step.settings;
  const list = when?.steps;
  const conditions = !list ? [] : Array.isArray(list) ? list : 'all' in list ? list.all : list.any;
  const expressions = [...Object.values(when?.condition?.all ?? {}), ...Object.values(when?.condition?.any ?? {})];
  const inExpressions = expressions.flatMap((source) => {
    try {
      return referencedSteps(parseExpression(source));
    } catch {
      return []; // reported already
    }
  });
  return [...new Set([...conditions.map(({ name }) => name), ...inExpressions])];
}

/** A step, then its children, in the order of the file. */
export function flatten(steps: readonly ReadStep[]): ReadStep[] {
  return steps.flatMap((step) => [step, ...flatten(step.children)]);
}

/** The names of steps that wait, through others, for themselves. */
export function inCircle(steps: readonly ReadStep[]): string[] {
  const needs = new Map(steps.map((step) => [step.name, neededSteps(step)]));
  const reaches = (from: string, target: string, seen = new Set<string>()): boolean =>
    (needs.get(from) ?? []).some((next) => {
      if (next === target) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, target, seen);
    });
  return steps.map(({ name }) => name).filter((name) => !needs.get(name)?.includes(name) && reaches(name, name));
}
