import { alertName, runbookName, type ServiceLevelObjective } from './openslo.ts';
import { goodFilter, populationFilter } from './selector.ts';

/** The module of the Observatory that holds its default objectives. */
export function observatoryObjectives(objectives: readonly ServiceLevelObjective[]): string {
  const made = objectives.map((objective) => ({
    name: objective.displayName,
    description: objective.description,
    filter: populationFilter(objective.total),
    good: goodFilter(objective.good),
    objective: objective.target,
    windowMs: objective.windowMs,
    alert: {
      name: alertName(objective),
      labels: { slo: objective.name, service: objective.service },
      runbook: runbookName(objective),
      conditions: objective.conditions,
    },
  }));
  return `// Made by \`npm run slo\` of slo/hotrod.yaml: change that.
import type { Objective } from './objective.ts';

/** What the suite promises unless configured otherwise. */
export const defaultObjectives: readonly Objective[] = ${JSON.stringify(made, null, 2)};
`;
}
