import { type AttributeValue, metrics } from '@opentelemetry/api';

import { type HotrodAttribute, metricNames } from './attributes.ts';
import { isAutomaticAlone } from './mode.ts';

/** A sum that only grows, with registered attributes alone. */
export interface Counter {
  add(value: number, attributes: Partial<Record<HotrodAttribute, AttributeValue>>): void;
}

/**
 * A counter with the unit and the meaning that are registered for it.
 *
 * @param scope the instrumentation scope, a service's package name.
 */
export function createCounter(scope: string, name: keyof typeof metricNames): Counter {
  const { unit, meaning } = metricNames[name];
  if (isAutomaticAlone()) return { add: () => {} };
  return metrics.getMeter(scope).createCounter(name, { unit, description: meaning });
}
