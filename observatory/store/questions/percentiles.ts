import type { Percentiles } from '../../contract/contract.ts';
import { askRows, nanoseconds, populationSql, type Asking, type Population } from './population.ts';
import { stepNanoseconds, stepStarts, timeSteps } from './time-steps.ts';

interface Step {
  step: number;
  count: number;
  errors: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
}

/** Count, errors and latency over time, in at most `points` steps. Percentiles interpolate between spans. */
export async function askPercentiles(asking: Asking, population: Population, points: number): Promise<Percentiles> {
  const { stepMs, count } = timeSteps(population.fromMs, population.toMs, points);
  const { binder, view, where } = populationSql(population);
  const rows = await askRows<Step>(asking, 'percentiles', binder, {
    view,
    where,
    from: binder.bind(nanoseconds(population.fromMs)),
    step: binder.bind(stepNanoseconds(stepMs)),
  });
  const byStep = new Map(rows.map((row) => [row.step, row]));
  const steps = Array.from({ length: count }, (_, index) => byStep.get(index));
  return {
    times: stepStarts(population.fromMs, stepMs, count),
    stepMs,
    count: steps.map((step) => step?.count ?? 0),
    errors: steps.map((step) => step?.errors ?? 0),
    p50Ms: steps.map((step) => step?.p50_ms ?? null),
    p95Ms: steps.map((step) => step?.p95_ms ?? null),
    p99Ms: steps.map((step) => step?.p99_ms ?? null),
  };
}
