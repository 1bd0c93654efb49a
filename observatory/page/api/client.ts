/** Asks the Observatory's API, and tells failures apart: refused with a reason, or not reached at all. */
import * as z from 'zod/mini';

import { problemSchema } from '../../contract/contract.ts';
import { underBase } from '../state/base-path.ts';

// The page's policy forbids making code from text, and zod would try.
z.config({ jitless: true });

/** Why there is no answer. `status` 0: the Observatory could not be reached. */
export interface Failure {
  status: number;
  title: string;
  detail: string;
  parameter: string | null;
  /** Offset of the error in the filter's text. */
  position: number | null;
}

export type Outcome<T> = { data: T; failure: null } | { data: null; failure: Failure };

/** Longer than the time limit of the Observatory for a question: an Observatory that has not answered by then hangs. */
const questionDeadlineMs = 40_000;

/**
 * @param schema what the answer to `path` must be.
 * @param deadlineMs how long to wait for the whole answer before the Observatory counts as not reached, milliseconds.
 * @throws only if `signal` aborts.
 */
export async function ask<T>(
  schema: z.ZodMiniType<T>,
  path: string,
  signal: AbortSignal,
  deadlineMs = questionDeadlineMs,
): Promise<Outcome<T>> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const late = (): Outcome<never> =>
    refused(0, 'The Observatory does not answer', `There was no answer within ${deadlineMs / 1000} s.`);
  let response: Response;
  try {
    response = await fetch(path, {
      signal: AbortSignal.any([signal, deadline]),
      headers: { accept: 'application/json' },
    });
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) return late();
    return refused(0, 'The Observatory does not answer', error instanceof Error ? error.message : String(error));
  }
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    signal.throwIfAborted();
    if (deadline.aborted) return late();
    return refused(response.status, `Status ${response.status}`, 'The answer is not JSON.');
  }
  if (response.ok) return checked(schema, body);
  const problem = problemSchema.safeParse(body).data;
  return {
    data: null,
    failure: {
      status: response.status,
      title: problem?.title ?? `Status ${response.status}`,
      detail: problem?.detail ?? '',
      parameter: problem?.parameter ?? null,
      position: problem?.position ?? null,
    },
  };
}

/**
 * An answer of another shape comes from an Observatory of another version. If it were let through, it would break the
 * page somewhere else.
 */
function checked<T>(schema: z.ZodMiniType<T>, body: unknown): Outcome<T> {
  const answer = schema.safeParse(body);
  if (answer.success) return { data: answer.data, failure: null };
  const [issue] = answer.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'the answer' : `"${z.core.toDotPath(issue.path)}"`;
  return refused(
    200,
    'The answer is not what this page expects',
    `${where}: ${issue?.message ?? 'not valid'}. Reload the page: the Observatory may have been updated.`,
  );
}

function refused(status: number, title: string, detail: string): Outcome<never> {
  return { data: null, failure: { status, title, detail, parameter: null, position: null } };
}

/** A path of the API with those parameters that have a value; lists repeat their name. */
export function apiPath(path: string, query: Record<string, string | number | string[] | null | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue;
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(name, String(each));
  }
  const text = parameters.toString();
  return underBase(text === '' ? `/api/${path}` : `/api/${path}?${text}`);
}
