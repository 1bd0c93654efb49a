import type { Request } from 'express';
import type { z } from 'zod';
import { parseField, parseFilter } from '../filter/parse.ts';
import type { Population } from '../store/questions/population.ts';
import { invalid, readingFilter } from './problem.ts';

const defaultRangeMs = 600_000;
/**
 * The parameters of a request as the schema says. Only `by` may be given twice.
 * @throws ServiceError `invalid_argument` that names the parameter: unknown, given twice, or with a value that is none.
 */
export function readParameters<S extends z.ZodObject>(schema: S, request: Request): z.infer<S> {
  // It never throws here: kit's `listen` refuses a target that is no URL.
  const given = new URL(request.originalUrl, 'http://observatory').searchParams;
  const values: Record<string, unknown> = {};
  for (const name of new Set(given.keys())) {
    const all = given.getAll(name);
    if (!Object.hasOwn(schema.shape, name)) {
      const known = Object.keys(schema.shape).join(', ') || 'none';
      throw invalid(`There is no parameter "${name.slice(0, 100)}" here; known: ${known}.`, name.slice(0, 100));
    }
    if (all.length > 1 && name !== 'by') {
      throw invalid(`"${name}" is given ${all.length} times; once is enough.`, name);
    }
    values[name] = name === 'by' ? all : all[0];
  }
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const parameter = String(issue?.path[0] ?? '');
  throw invalid(`"${parameter}": ${issue?.message ?? 'not valid'}`, parameter);
}

/** The population that parameters describe; by default the ten minutes up to now. */
export function readPopulation(
  given: { from?: number | undefined; to?: number | undefined; filter: string; scope: Population['scope'] },
  nowMs: number,
): Population {
  const toMs = given.to ?? nowMs;
  const fromMs = given.from ?? Math.max(0, toMs - defaultRangeMs);
  if (fromMs >= toMs) throw invalid('"from" is not before "to".', 'from');
  return { fromMs, toMs, scope: given.scope, filter: readFilter('filter', given.filter) };
}

export function readFilter(parameter: string, given: string): Population['filter'] {
  return readingFilter(parameter, () => parseFilter(given));
}

export function readField(parameter: string, given: string): ReturnType<typeof parseField> {
  return readingFilter(parameter, () => parseField(given));
}
