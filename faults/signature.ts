import { createAsk } from '@hotrod/kit/observatory-api';

import type { Signature } from './manifest.ts';

/** How far ahead spans with a wrong clock are looked for, in milliseconds. */
const futureMs = 30 * 60_000;
/** In how many of the newest traces log records are counted. */
const traces = 5;

/**
 * Asks the Observatory how often a fault's signature shows.
 *
 * @param observatory its address, for example `http://127.0.0.1:8088`.
 * @param sinceMs Unix milliseconds: nothing before that counts.
 * @returns spans that match, or the most log records of one of the newest traces that match.
 * @throws if the Observatory does not answer, or refuses the filter.
 */
export async function countSignature(observatory: string, signature: Signature, sinceMs: number): Promise<number> {
  const ask = createAsk(observatory);
  const { filter } = signature;
  if (signature.question === 'logs') {
    const rows = await ask<{ traceId: string }[]>('/api/traces', {
      from: sinceMs,
      to: Date.now() + 1_000,
      filter,
      sort: 'newest',
      limit: traces,
    });
    const counts = await Promise.all(
      rows.map(async ({ traceId }) => (await ask<unknown[]>(`/api/traces/${traceId}/logs`)).length),
    );
    return Math.max(0, ...counts);
  }
  const ahead = signature.afterNowSeconds;
  const from = ahead === undefined ? sinceMs : sinceMs + ahead * 1_000;
  const to = ahead === undefined ? Date.now() + 1_000 : from + futureMs;
  const { scope } = signature;
  return (await ask<{ total: number }>('/api/heatmap', { from, to, filter, scope, columns: 10 })).total;
}
