import type { z } from 'zod';

import { hints, hookEvents, rootSchema, stepSchemas } from './schema.ts';

export function unknownType(type: unknown): string {
  const known = Object.keys(stepSchemas).join(', ');
  const what = typeof type === 'string' ? `"${type}"` : 'this';
  return `${what} is not supported here, though Codefresh may know it; there are ${known}`;
}

export function unknownKey(key: string): string {
  const near = knownKeys.find((known) => distance(key, known) <= Math.min(2, known.length / 3));
  const hint = Object.hasOwn(hints, key) ? hints[key] : near === undefined ? undefined : `is ${near} meant?`;
  return `is not a key that is understood here${hint === undefined ? '' : `: ${hint}`}`;
}

const knownKeys = [
  ...new Set([rootSchema, ...Object.values(stepSchemas)].flatMap((schema) => Object.keys(schema.shape))),
  ...hookEvents,
];

/** Levenshtein's: how many letters must be added, removed or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split('').entries()) {
      next.push(Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** What an issue of zod says, as the end of a sentence that begins with the key. */
export function plain(issue: z.core.$ZodIssue): string {
  const isOfZod = issue.message.startsWith('Invalid input');
  return isOfZod && issue.code === 'invalid_type'
    ? `is of the wrong type: ${issue.expected} is expected`
    : issue.message;
}
