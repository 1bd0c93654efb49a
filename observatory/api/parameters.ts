import type { Request } from 'express';
import { z } from 'zod';
import { FILTER_LIMITS } from '../filter/ast.ts';
import { parseField, parseFilter } from '../filter/parse.ts';
import type { Population } from '../store/questions/population.ts';
import { readingFilter, RefusalError } from './problem.ts';

const DEFAULT_RANGE_MS = 600_000;
/** The latest instant whose nanoseconds a signed 64-bit number holds, in the year 2262. */
const LATEST_MS = 9_223_372_036_854;

/** A number as text, from `least` to `most`. */
function number(least: number, most: number) {
  return z
    .string()
    .regex(/^-?\d{1,15}(\.\d{1,9})?$/, 'Expected a number.')
    .transform(Number)
    .pipe(z.number().min(least, `Expected at least ${least}.`).max(most, `Expected at most ${most}.`));
}

/** A whole number as text, from `least` to `most`; `initial` where it is not given. */
export function whole(least: number, most: number, initial: number) {
  return number(least, most).pipe(z.int('Expected a whole number.')).default(initial);
}

/** One of some words; the first where it is not given. */
export function oneOf<const T extends readonly [string, ...string[]]>(...words: T) {
  return z.enum(words, `Expected one of ${words.join(', ')}.`).default(words[0] as never);
}

export const text = (most: number) => z.string().max(most, `Expected at most ${most} characters.`).default('');
export const instant = number(0, LATEST_MS).optional();
export const milliseconds = number(0, LATEST_MS).optional();
export const format = oneOf('json', 'csv');
export const filter = text(FILTER_LIMITS.characters);

/** What every question about spans takes. */
export const population = { from: instant, to: instant, filter, scope: oneOf('roots', 'spans') };

/**
 * The parameters of a request as the schema says. Only `by` may be given twice.
 * @throws RefusalError 400 that names the parameter: unknown, given twice, or with a value that is none.
 */
export function readParameters<S extends z.ZodObject>(schema: S, request: Request): z.infer<S> {
  const given = new URL(request.originalUrl, 'http://observatory').searchParams;
  const values: Record<string, unknown> = {};
  for (const name of new Set(given.keys())) {
    const all = given.getAll(name);
    if (!Object.hasOwn(schema.shape, name)) {
      const known = Object.keys(schema.shape).join(', ') || 'none';
      throw new RefusalError(400, `There is no parameter "${name.slice(0, 100)}" here; known: ${known}.`, {
        parameter: name.slice(0, 100),
      });
    }
    if (all.length > 1 && name !== 'by') {
      throw new RefusalError(400, `"${name}" is given ${all.length} times; once is enough.`, { parameter: name });
    }
    values[name] = name === 'by' ? all : all[0];
  }
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const parameter = String(issue?.path[0] ?? '');
  throw new RefusalError(400, `"${parameter}": ${issue?.message ?? 'not valid'}`, { parameter });
}

/** The population that parameters describe; by default the ten minutes up to now. */
export function readPopulation(
  given: { from?: number | undefined; to?: number | undefined; filter: string; scope: Population['scope'] },
  nowMs: number,
): Population {
  const toMs = given.to ?? nowMs;
  const fromMs = given.from ?? Math.max(0, toMs - DEFAULT_RANGE_MS);
  if (fromMs >= toMs) throw new RefusalError(400, '"from" is not before "to".', { parameter: 'from' });
  return { fromMs, toMs, scope: given.scope, filter: readFilter('filter', given.filter) };
}

export function readFilter(parameter: string, given: string): Population['filter'] {
  return readingFilter(parameter, () => parseFilter(given));
}

export function readField(parameter: string, given: string): ReturnType<typeof parseField> {
  return readingFilter(parameter, () => parseField(given));
}
