import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Driver, missedThresholds, startDriver } from './driver.ts';
import { customers } from './weights.ts';

let server: Server;
let baseUrl: string;
let received: { path: string; headers: IncomingHttpHeaders; atMs: number }[];
let answer: (response: ServerResponse) => void;
let driver: Driver | undefined;

beforeEach(async () => {
  received = [];
  answer = (response) => response.end('{}');
  server = createServer((request, response) => {
    received.push({ path: request.url ?? '', headers: request.headers, atMs: performance.now() });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  baseUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
});
afterEach(async () => {
  await driver?.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const steady = (rate: number, seconds: number) => [
  { target: rate, seconds: 0 },
  { target: rate, seconds },
];
async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!what()) {
    if (performance.now() > end) throw new Error('did not come to pass within 20 s');
    await sleep(5);
  }
}

describe('a dispatch', () => {
  it('carries a client id that its user keeps, session and request in baggage, and no trace', async () => {
    driver = startDriver({ baseUrl, plan: steady(100, 0.1), users: 3 });
    await driver.finished;
    expect(received).toHaveLength(10);
    const clients = new Set(received.map(({ headers }) => headers['client']));
    expect(clients.size).toBe(3);
    for (const { path, headers } of received) {
      const customer = Number(/^\/dispatch\?customer=(\d+)$/.exec(path)?.[1]);
      expect(customers).toContain(customer);
      expect(headers).not.toHaveProperty('traceparent');
      const [, session, client, request] =
        /^session\.id=([^,]+),hotrod\.request\.id=(.+)-(\d+)$/.exec(String(headers['baggage'])) ?? [];
      expect([session, client]).toEqual([headers['client'], headers['client']]);
      expect(Number(request)).toBeGreaterThan(0);
    }
    expect(new Set(received.map(({ headers }) => headers['baggage'])).size).toBe(10);
  });
});

describe('the open model', () => {
  it('goes on sending while nothing is answered', async () => {
    const open: ServerResponse[] = [];
    answer = (response) => open.push(response);
    driver = startDriver({ baseUrl, plan: steady(100, 0.2) });
    await until(() => received.length === 20);
    expect(driver.counts()).toMatchObject({ sent: 20, ok: 0, inFlight: 20 });
    for (const response of open) response.end('{}');
    await driver.finished;
    expect(driver.counts()).toMatchObject({ sent: 20, ok: 20, failed: 0, inFlight: 0 });
  });

  it('counts latency from when a dispatch was due, not from when it was sent', async () => {
    driver = startDriver({ baseUrl, plan: steady(20, 0.5) });
    const blockedMs = 400;
    const end = performance.now() + blockedMs;
    while (performance.now() < end); // nothing can be sent meanwhile: eight are late, the first by 350 ms
    await driver.finished;
    expect(driver.counts().ok).toBe(10);
    expect(driver.counts().p95Ms).toBeGreaterThan(300);
  });

  it('drops, and counts, what is due while too many are under way', async () => {
    answer = () => {};
    driver = startDriver({ baseUrl, plan: steady(100, 0.1), maxInFlight: 4 });
    await until(() => (driver?.counts().dropped ?? 0) === 6);
    expect(driver.counts()).toMatchObject({ sent: 4, dropped: 6, inFlight: 4 });
  });
});

describe('what fails', () => {
  it('is counted with its status', async () => {
    answer = (response) => response.writeHead(503).end('{}');
    driver = startDriver({ baseUrl, plan: steady(100, 0.05) });
    await driver.finished;
    expect(driver.counts()).toMatchObject({ sent: 5, ok: 0, failed: 5, p95Ms: 0 });
    expect(driver.counts().lastFailure).toMatch(/^HTTP 503 for customer \d+$/);
  });

  it('is reported with the detail of the answer', async () => {
    answer = (response) => response.writeHead(503).end('{"detail":"Postgres ended the connection."}');
    driver = startDriver({ baseUrl, plan: steady(100, 0.01) });
    await driver.finished;
    expect(driver.counts().lastFailure).toMatch(/^HTTP 503 for customer \d+: Postgres ended the connection\.$/);
  });

  it('is counted where the connection is refused or times out', async () => {
    answer = () => {};
    driver = startDriver({ baseUrl, plan: steady(100, 0.02), timeoutMs: 50 });
    await driver.finished;
    await driver.stop();
    expect(driver.counts()).toMatchObject({ sent: 2, failed: 2 });
    driver = startDriver({ baseUrl: 'http://127.0.0.1:1', plan: steady(100, 0.02) });
    await driver.finished;
    expect(driver.counts()).toMatchObject({ sent: 2, failed: 2 });
    expect(driver.counts().lastFailure).toContain('ECONNREFUSED');
  });
});

describe('a rate that is set', () => {
  it('holds within a second, also where there was no load', async () => {
    driver = startDriver({ baseUrl, plan: [] });
    await sleep(50);
    expect(received).toHaveLength(0);
    driver.setRate(200);
    const sinceMs = performance.now();
    await until(() => received.length >= 20);
    expect((received[0]?.atMs ?? Infinity) - sinceMs).toBeLessThan(1_000);
    expect(driver.counts().ratePerSecond).toBeCloseTo(200, 6);
    driver.setRate(0);
    const { sent } = driver.counts();
    await sleep(100);
    expect(driver.counts()).toMatchObject({ sent, ratePerSecond: 0 });
  });

  it('leaves nothing behind when it is stopped', async () => {
    answer = () => {};
    driver = startDriver({ baseUrl, plan: steady(100, 100) });
    await until(() => received.length > 5);
    await driver.stop();
    const { sent, failed } = driver.counts();
    await sleep(100);
    expect(driver.counts()).toMatchObject({ sent, failed: 0, inFlight: 0 });
    expect(failed).toBe(0);
  });
});

describe('thresholds', () => {
  const fine = {
    sent: 1000,
    ok: 995,
    failed: 5,
    dropped: 0,
    inFlight: 0,
    ratePerSecond: 5,
    p50Ms: 800,
    p95Ms: 2500,
    normalP95Ms: 900,
    lastFailure: null,
  };
  it('hold for a normal run', () => expect(missedThresholds(fine)).toEqual([]));
  it('are missed by more than 1 % that fail or are not sent', () => {
    expect(missedThresholds({ ...fine, failed: 11 })).toHaveLength(1);
    expect(missedThresholds({ ...fine, dropped: 20 })).toHaveLength(1);
  });
  it('are missed where normal customers wait', () => {
    expect(missedThresholds({ ...fine, normalP95Ms: 1201 })).toEqual([
      '95 % of the normal customers waited up to 1201 ms (at most 1200 ms)',
    ]);
  });
});
