import { setTimeout as sleep } from 'node:timers/promises';

import { Pool } from 'undici';

/** Customers of both: HotROD in Go knows these four alone. */
export const oldCustomers = [123, 392, 567, 731];
const customers = [123, 392, 567, 731, 12323, 32392, 73451, 55673, 44802, 18745, 23552, 23412];

/** What came of a load. */
export interface LoadResult {
  sent: number;
  failed: number;
  seconds: number;
  /** How long the answered ones took, in milliseconds, shortest first. */
  latenciesMs: number[];
}

/** @returns the value below which the given share of sorted values lies, by the nearest rank; NaN if there is none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function createOrder(
  frontend: string,
  from = customers,
): { order(index: number): Promise<boolean>; latenciesMs(): number[]; close(): Promise<void> } {
  const pool = new Pool(frontend, { connections: 512 });
  const latenciesMs: number[] = [];
  return {
    latenciesMs: () => latenciesMs.toSorted((a, b) => a - b),
    async order(index) {
      const since = performance.now();
      try {
        const response = await pool.request({
          method: 'GET',
          path: `/dispatch?customer=${from[index % from.length]}`,
          headers: { client: 'bench', baggage: `session.id=bench,hotrod.request.id=bench-${index}` },
        });
        await response.body.dump();
        if (response.statusCode !== 200) return false;
        latenciesMs.push(performance.now() - since);
        return true;
      } catch {
        return false;
      }
    },
    close: () => pool.close(),
  };
}

/** Open model: one dispatch every 1/rate seconds, whatever becomes of the others. */
export async function loadAtRate(
  frontend: string,
  ratePerSecond: number,
  seconds: number,
  from = customers,
): Promise<LoadResult> {
  const { order, latenciesMs, close } = createOrder(frontend, from);
  const start = performance.now();
  const answers: Promise<boolean>[] = [];
  while (answers.length < ratePerSecond * seconds) {
    const due = start + (answers.length * 1000) / ratePerSecond;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    answers.push(order(answers.length));
  }
  const outcomes = await Promise.all(answers);
  await close();
  return {
    sent: outcomes.length,
    failed: outcomes.filter((ok) => !ok).length,
    seconds: (performance.now() - start) / 1000,
    latenciesMs: latenciesMs(),
  };
}

/** Closed model: so many users who order again as soon as they are answered; finds the saturation. */
export async function loadAtSaturation(
  frontend: string,
  users: number,
  seconds: number,
  from = customers,
): Promise<LoadResult> {
  const { order, latenciesMs, close } = createOrder(frontend, from);
  const start = performance.now();
  let sent = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: users }, async () => {
      while (performance.now() - start < seconds * 1000) {
        if (!(await order(sent++))) failed += 1;
      }
    }),
  );
  await close();
  return { sent, failed, seconds: (performance.now() - start) / 1000, latenciesMs: latenciesMs() };
}
