import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Release } from '../contract/contract.ts';
import { parseVerdict } from '../store/questions/releases.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';

const nowMs = 1_795_000_000_000;
const minute = 60_000;
let store: TestStore;
let api: TestApi;
let spans = 0;

/** Requests of one release, one a second: `durations` in turn, and those at `failing` with an error. */
async function serve(
  service: string,
  version: string,
  fromMs: number,
  count: number,
  durations: number[],
  failing = 0,
) {
  const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const batch = Array.from({ length: count }, (_, index) => {
    spans += 1;
    const start = BigInt(fromMs + index * 1000) * 1_000_000n;
    return {
      traceId: spans.toString(16).padStart(32, '0'),
      spanId: spans.toString(16).padStart(16, '0'),
      name: 'GET /',
      kind: 2,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(durations[index % durations.length] ?? 0) * 1_000_000n),
      status: { code: index < failing ? 2 : 0 },
    };
  });
  const resource = { attributes: [attribute('service.name', service), attribute('service.version', version)] };
  await store.storeTraces({ resourceSpans: [{ resource, scopeSpans: [{ spans: batch }] }] });
}

const mark = async (message: string, url?: string) => {
  const response = await fetch(`${api.url}/1/markers/__all__`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'verdict', message, start_time: nowMs / 1000 - 60, end_time: nowMs / 1000, url }),
  });
  expect(response.status).toBe(201);
};

beforeAll(async () => {
  store = await openTestStore();
  let clock = nowMs;
  api = await serveApi(store.database, { now: () => (clock += 1) });
  await serve('customer', '1.0.0+aaaaaaa', nowMs - 40 * minute, 1_200, [100, 900]);
  await serve('customer', '1.0.0+bbbbbbb', nowMs - 20 * minute, 900, [100], 9);
  await serve('route', '1.0.0+aaaaaaa', nowMs - 40 * minute, 60, [50]);
});
afterAll(async () => {
  await api.close();
  await store.close();
});

describe('/api/releases', () => {
  it('lists the releases of each service, the latest first, each beside the end of the one before', async () => {
    const releases = await api.get<Release[]>('/api/releases');
    expect(releases.map(({ service, version }) => `${service} ${version}`)).toEqual([
      'customer 1.0.0+bbbbbbb',
      'customer 1.0.0+aaaaaaa',
      'route 1.0.0+aaaaaaa',
    ]);
    const [latest, first] = releases;
    expect(latest).toMatchObject({
      firstMs: nowMs - 20 * minute,
      lastMs: nowMs - 20 * minute + 899_000,
      requests: 900,
      errors: 9,
      errorRate: 0.01,
      // The first ten minutes of it, and the last ten of the one before.
      began: { requests: 600, errors: 9, p50Ms: 100, p95Ms: 100 },
      before: { version: '1.0.0+aaaaaaa', ended: { requests: 600, errors: 0, p50Ms: 500, p95Ms: 900 } },
      verdict: null,
    });
    expect(latest?.ratePerSecond).toBeCloseTo(1, 2);
    expect(first).toMatchObject({ before: null, requests: 1_200 });
  });

  it('returns the last verdict on a release', async () => {
    await mark('worse: customer 1.0.0+bbbbbbb: p95 100 ms after 900 ms');
    await mark('better: customer 1.0.0+bbbbbbb: p95 100 ms after 900 ms', 'http://127.0.0.1:8088/?filter=x');
    await mark('better: everything is fine');
    const [latest, first] = await api.get<Release[]>('/api/releases');
    expect(latest?.verdict).toEqual({
      verdict: 'better',
      summary: 'p95 100 ms after 900 ms',
      url: 'http://127.0.0.1:8088/?filter=x',
      atMs: nowMs,
    });
    expect(first?.verdict).toBeNull();
  });

  it('is limited to a time range, and empty when nothing served in it', async () => {
    const range = `from=${nowMs - 41 * minute}&to=${nowMs - 30 * minute}`;
    const releases = await api.get<Release[]>(`/api/releases?${range}`);
    expect(releases.map(({ before }) => before)).toEqual([null, null]);
    expect(await api.get(`/api/releases?from=1000&to=2000`)).toEqual([]);
  });

  it('refuses unknown parameters and an empty range', async () => {
    expect((await fetch(`${api.url}/api/releases?service=customer`)).status).toBe(400);
    expect((await fetch(`${api.url}/api/releases?from=2000&to=1000`)).status).toBe(400);
  });
});

describe('parseVerdict', () => {
  it('reads what release verify writes', () => {
    expect(parseVerdict('inconclusive: customer 0.1.0+1a2b3c4: 3 of 100: too few')).toEqual({
      verdict: 'inconclusive',
      release: 'customer 0.1.0+1a2b3c4',
      summary: '3 of 100: too few',
    });
  });

  it.each(['', 'better', 'fine: customer 1: x', 'better: customer: x', 'better: a b c: x'])(
    'reads nothing from %j',
    (text) => {
      expect(parseVerdict(text)).toBeNull();
    },
  );
});
