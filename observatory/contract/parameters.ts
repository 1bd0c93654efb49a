/**
 * The parameters of the Observatory's JSON API: the routes read them by these schemas, and openapi.ts describes them. A
 * parameter comes as text; the schema's output is what the route works with.
 */
import { z } from 'zod';

import { measures, scales, scopes } from './contract.ts';
import { longestFilter } from './limits.ts';

/** The latest instant whose nanoseconds a signed 64-bit number holds, in the year 2262. */
const latestMs = 9_223_372_036_854;

const numeral = z
  .string()
  .regex(/^-?\d{1,15}(\.\d{1,9})?$/, 'Expected a number.')
  .transform(Number);

/** A number as text, from `least` to `most`. */
function number(least: number, most: number) {
  return numeral.pipe(z.number().min(least, `Expected at least ${least}.`).max(most, `Expected at most ${most}.`));
}

/** A whole number as text, from `least` to `most`; `initial` if it is not given. */
function whole(least: number, most: number, initial: number) {
  return numeral
    .pipe(
      z
        .int('Expected a whole number.')
        .min(least, `Expected at least ${least}.`)
        .max(most, `Expected at most ${most}.`),
    )
    .default(initial);
}

/** One of some words; `initial` if it is not given. */
function oneOf<const T extends readonly [string, ...string[]]>(words: T, initial: NoInfer<T[number]> = words[0]) {
  return z.enum(words, `Expected one of ${words.join(', ')}.`).default(initial as never);
}

const text = (most: number) => z.string().max(most, `Expected at most ${most} characters.`).default('');
const instant = number(0, latestMs).optional();
const from = instant.describe('Unix milliseconds, inclusive. By default ten minutes before `to`.');
const to = instant.describe('Unix milliseconds, exclusive. By default now.');
const filter = text(longestFilter).describe(
  'In the filter language (observatory/docs/filters.md), for example `hotrod.customer.name = "Value Walking" and duration > 2s`.',
);
const minMs = number(0, latestMs).optional().describe('Least duration, inclusive.');
const maxMs = number(0, latestMs).optional().describe('Most duration, exclusive.');
const format = oneOf(['json', 'csv']);

/** What every question about spans takes. */
const population = { from, to, filter, scope: oneOf(scopes).describe('Entry spans, or every span.') };

export const noParameters = z.strictObject({});

export const heatmapParameters = z.strictObject({
  ...population,
  columns: whole(1, 1000, 240).describe('How many columns at most; a column is a whole number of seconds.'),
  rows: whole(1, 100, 40),
  scale: oneOf(scales),
  highlight: text(longestFilter).describe('A second filter; each cell also tells how many of its spans match it.'),
});

export const exemplarParameters = z.strictObject({ ...population, minMs, maxMs });

export const compareParameters = z.strictObject({
  ...population,
  boxFrom: instant.describe('The box, within the population. A bound that is not given does not bound.'),
  boxTo: instant,
  minMs,
  maxMs,
  limit: whole(1, 200, 40).describe('How many attributes.'),
  format,
});

export const breakdownParameters = z.strictObject({
  ...population,
  by: z
    .array(z.string().max(4096), 'Expected one or two keys.')
    .min(1, 'Expected one or two keys.')
    .max(2, 'Expected one or two keys.')
    .describe('A key as filters name it; given twice, groups are pairs.'),
  sort: oneOf(measures),
  limit: whole(1, 500, 50).describe('How many groups.'),
  series: whole(0, 20, 0).describe('So many of the first groups also get a line over time.'),
  measure: oneOf(measures, 'p50').describe('What the lines show.'),
  points: whole(1, 1000, 120).describe('How many points a line has at most.'),
  format,
});

export const percentilesParameters = z.strictObject({ ...population, points: whole(1, 1000, 120), format });

export const tracesParameters = z.strictObject({
  ...population,
  sort: oneOf(['newest', 'slowest']),
  limit: whole(1, 500, 50),
  format,
});

export const attributeKeysParameters = z.strictObject({
  prefix: text(200).describe('A part of the key; keys that begin with it come first.'),
  limit: whole(1, 1000, 200),
});

export const attributeValuesParameters = z.strictObject({
  from,
  to,
  filter,
  scope: z
    .enum(scopes, `Expected one of ${scopes.join(', ')}.`)
    .optional()
    .describe('Without it, entry spans, or all spans where no entry span has the attribute.'),
  prefix: text(200),
  limit: whole(1, 500, 50),
});

export const serviceMapParameters = z.strictObject({ from, to, filter });
export const markersParameters = z.strictObject({ from, to });
export const releasesParameters = z.strictObject({
  from: instant.describe('Unix milliseconds, inclusive. By default a day before `to`.'),
  to,
});

/** The year 2262, in seconds: later instants have no nanoseconds in 64 bits. */
const latestSeconds = 9_223_372_036;
/**
 * `honeymarker` leaves out an instant of 0 and an empty text. So if a request has one of them, it means "not given".
 */
const seconds = z.number().min(0).max(latestSeconds).nullish().describe('Unix seconds.');
const isHttp = (link: string): boolean => {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:';
};

/** The body of a request that sets a marker, in Honeycomb's words. */
export const markerBody = z.object({
  start_time: seconds,
  end_time: seconds,
  message: z.string().max(4096).nullish(),
  type: z.string().max(128).nullish(),
  url: z
    .string()
    .max(2048)
    .refine((link) => link === '' || isHttp(link), 'Expected an http or https URL.')
    .nullish()
    .describe('http or https.'),
});
