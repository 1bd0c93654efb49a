import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { createTemporaryDirectory, findFreePort } from '../harness/suite.ts';

let directory: ReturnType<typeof createTemporaryDirectory>;
let running: RunningObservatory | undefined;
beforeEach(() => {
  directory = createTemporaryDirectory('observatory-faults');
});
afterEach(async () => {
  await running?.kill();
  directory.remove();
});

async function start(env: Readonly<Record<string, string>>): Promise<RunningObservatory> {
  running = await startObservatory(env, directory.path);
  return running;
}

/** A request of whole traces. Every span knows the number of its request. */
function requestOf(number: number, traces: number, spansPerTrace: number, text = ''): string {
  const hex = (id: number, digits: number): string => id.toString(16).padStart(digits, '0');
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const spans = Array.from({ length: traces }, (_, trace) =>
    Array.from({ length: spansPerTrace }, (_span, index) => ({
      traceId: hex(number + 1, 16) + hex(trace + 1, 16),
      spanId: hex(index + 1, 16),
      ...(index > 0 && { parentSpanId: hex(1, 16) }),
      name: index === 0 ? 'GET /work' : 'part',
      kind: index === 0 ? 2 : 1,
      startTimeUnixNano: String(nowNs),
      endTimeUnixNano: String(nowNs + BigInt(1 + index) * 1_000_000n),
      attributes: [
        { key: 'request', value: { intValue: number } },
        { key: 'note', value: { stringValue: `${text}${number}-${trace}-${index}` } },
      ],
    })),
  ).flat();
  const service = [{ key: 'service.name', value: { stringValue: 'load' } }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: service }, scopeSpans: [{ spans }] }] });
}

/**
 * Sends a request as an exporter does: again where it is refused or nobody listens.
 *
 * @returns when the request was sent that was taken, and when its answer came, by performance.now().
 */
async function deliver(
  otlpUrl: string,
  body: string,
  signal: AbortSignal,
): Promise<{ sentMs: number; answeredMs: number }> {
  for (;;) {
    const sentMs = performance.now();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${otlpUrl}/v1/traces`, { method: 'POST', headers, body, signal }).catch(() => null);
    await answer?.arrayBuffer().catch(() => undefined);
    signal.throwIfAborted();
    if (answer?.ok) return { sentMs, answeredMs: performance.now() };
    if (answer && answer.status !== 429 && answer.status !== 503) throw new Error(`refused with ${answer.status}`);
    await sleep(100);
  }
}

/** Asks heavy questions until it is aborted; whatever is answered, or nothing. */
async function askOnAndOn(url: () => string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const path = `/api/compare?scope=spans&minMs=3&from=${Date.now() - 3_600_000}&to=${Date.now()}`;
    const answer = await fetch(url() + path, { signal }).catch(() => null);
    await answer?.arrayBuffer().catch(() => undefined);
    if (!answer?.ok) await sleep(100);
  }
}

async function count(url: string, scope: 'roots' | 'spans', filter = ''): Promise<number> {
  const range = `from=${Date.now() - 3_600_000}&to=${Date.now() + 60_000}`;
  const answer = await fetch(`${url}/api/heatmap?scope=${scope}&${range}&filter=${encodeURIComponent(filter)}`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { total: number }).total;
}

describe('the Observatory', () => {
  test('loses at most what it took in the last four seconds where it is killed at random under load, and tells every trace whole', async () => {
    // Full load: whole groups of rows are written at once then, which would cut a trace in two if nothing held it together.
    const [traces, spansPerTrace] = [100, 20];
    const settings = {
      OBSERVATORY_PORT: String(await findFreePort()),
      OBSERVATORY_OTLP_PORT: String(await findFreePort()),
    };
    const { url, otlpUrl } = await start(settings);
    /** When each request was sent and acknowledged, by its number: it was taken at some time between. */
    const taken: { sentMs: number; answeredMs: number }[] = [];
    const over = new AbortController();
    let next = 0;
    const sender = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const number = next;
        next += 1;
        const body = requestOf(number, traces, spansPerTrace);
        taken[number] = await deliver(otlpUrl, body, AbortSignal.timeout(120_000));
      }
    };
    const load = Promise.all([sender(), sender(), askOnAndOn(() => url, over.signal)]);
    load.catch(() => undefined); // awaited below, and no failure of the whole run until then
    /** When each kill was over, and when the last request was sent that was answered before it. */
    const kills: { overMs: number; lastSentMs: number }[] = [];
    for (let round = 0; round < 4; round += 1) {
      // The last time it has taken some of it more than four seconds before: that must be there.
      await sleep((round < 3 ? 500 : 6_000) + Math.random() * 5_000);
      await running?.kill();
      const answered = taken.filter((times) => times !== undefined);
      kills.push({ overMs: performance.now(), lastSentMs: Math.max(...answered.map(({ sentMs }) => sentMs)) });
      await start(settings);
    }
    over.abort();
    await load;
    await running?.stop();
    await start(settings);

    expect(await count(url, 'spans')).toBe((await count(url, 'roots')) * spansPerTrace);
    // However slow the machine is: of two requests the later was surely taken more than four seconds after the earlier
    // where it was sent more than four seconds after the earlier was answered. An answer may be read after the kill.
    const promiseMs = 4_000;
    const safe = taken.flatMap(({ sentMs, answeredMs }, number) =>
      kills.every(({ overMs, lastSentMs }) => sentMs > overMs || answeredMs + promiseMs < lastSentMs) ? [number] : [],
    );
    expect(safe.length).toBeGreaterThan(0);
    for (const [from, to] of runsOf(safe)) {
      const expected = (to - from + 1) * traces * spansPerTrace;
      expect([from, to, await count(url, 'spans', `request >= ${from} and request <= ${to}`)]).toEqual([
        from,
        to,
        expected,
      ]);
    }
  });

  test('stores all that it took where memory is short: large traces, two senders, two who ask', async () => {
    const settings = { OBSERVATORY_MEMORY_LIMIT_MB: '64', NODE_OPTIONS: '--max-old-space-size=128' };
    const { url, otlpUrl } = await start(settings);
    const over = new AbortController();
    const asking = [askOnAndOn(() => url, over.signal), askOnAndOn(() => url, over.signal)];
    const [requests, spansPerTrace] = [20, 3_000];
    let next = 0;
    const sender = async (): Promise<void> => {
      while (next < requests) {
        const number = next;
        next += 1;
        await deliver(otlpUrl, requestOf(number, 1, spansPerTrace, 'x'.repeat(300)), AbortSignal.timeout(120_000));
      }
    };
    await Promise.all([sender(), sender()]);
    over.abort();
    await Promise.all(asking);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('observatory_lost_items_total 0');
    await running?.stop();
    expect((await start(settings)).output()).not.toContain('"level":50');
    expect(await count(running?.url ?? '', 'spans')).toBe(requests * spansPerTrace);
    expect(await count(running?.url ?? '', 'roots')).toBe(requests);
  });
});

/** Numbers in order, as the runs without a gap that they make. */
function runsOf(numbers: readonly number[]): [from: number, to: number][] {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}
