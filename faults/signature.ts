import type { Signature } from './manifest.ts';

/** Spans with a clock that is wrong are looked for up to this far ahead, in milliseconds. */
const futureMs = 30 * 60_000;
/** Of so many of the newest traces the log records are counted. */
const traces = 5;
const timeoutMs = 15_000;

/**
 * Asks the Observatory how often a fault's signature shows.
 *
 * @param observatory its address, for example `http://127.0.0.1:8088`.
 * @param sinceMs Unix milliseconds: nothing before that counts.
 * @returns spans that match, or the most log records of one of the newest traces that match.
 * @throws where the Observatory does not answer, or refuses the filter.
 */
export async function countSignature(observatory: string, signature: Signature, sinceMs: number): Promise<number> {
  const { filter } = signature;
  if (signature.question === 'logs') {
    const rows = await ask<{ traceId: string }[]>(observatory, '/api/traces', {
      from: sinceMs,
      to: Date.now() + 1_000,
      filter,
      sort: 'newest',
      limit: traces,
    });
    const counts = await Promise.all(
      rows.map(async ({ traceId }) => (await ask<unknown[]>(observatory, `/api/traces/${traceId}/logs`)).length),
    );
    return Math.max(0, ...counts);
  }
  const ahead = signature.afterNowSeconds;
  const from = ahead === undefined ? sinceMs : sinceMs + ahead * 1_000;
  const to = ahead === undefined ? Date.now() + 1_000 : from + futureMs;
  const { scope } = signature;
  return (await ask<{ total: number }>(observatory, '/api/heatmap', { from, to, filter, scope, columns: 10 })).total;
}

async function ask<Answer>(
  observatory: string,
  path: string,
  parameters: Readonly<Record<string, string | number>> = {},
): Promise<Answer> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
  const response = await fetch(`${observatory.replace(/\/+$/, '')}${path}?${query.toString()}`, {
    signal: AbortSignal.timeout(timeoutMs),
  });
  const body: unknown = await response.json();
  if (!response.ok) throw new Error(`The Observatory answered ${response.status}: ${JSON.stringify(body)}`);
  return body as Answer;
}
