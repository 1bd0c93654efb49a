import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { hasChromium, launchChromium } from '../harness/chromium.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';

/** Serves an empty page: an application of somebody else, with an origin of its own. */
async function startPage() {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Another application</title>');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() };
}

function requestOf(traceId: string): string {
  const nowNs = String(BigInt(Date.now()) * 1_000_000n);
  const times = { startTimeUnixNano: nowNs, endTimeUnixNano: nowNs };
  const span = { traceId, spanId: traceId.slice(16), name: 'page load', kind: 1, ...times };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
}

describe.skipIf(!hasChromium)('a page of another origin', () => {
  let allowed: Awaited<ReturnType<typeof startPage>>;
  let stranger: Awaited<ReturnType<typeof startPage>>;
  let observatory: RunningObservatory;
  let browser: Browser;
  beforeAll(async () => {
    [allowed, stranger, browser] = await Promise.all([startPage(), startPage(), launchChromium()]);
    observatory = await startObservatory({ OBSERVATORY_CORS_ORIGINS: allowed.origin });
  });
  afterAll(async () => {
    await browser?.close();
    await observatory?.stop();
    allowed?.close();
    stranger?.close();
  });

  async function isStored(traceId: string): Promise<boolean> {
    return (await fetch(`${observatory.url}/api/traces/${traceId}`)).ok;
  }

  async function received(): Promise<number> {
    const status = (await (await fetch(`${observatory.url}/api/status`)).json()) as { received: { spans: number } };
    return status.received.spans;
  }

  async function openPage(origin: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(origin);
    return page;
  }

  /** As OpenTelemetry's exporters up to 0.57 send where they have no headers; with credentials, as beacons are sent. */
  const beacon = (page: Page, traceId: string) =>
    page.evaluate<boolean>(
      `navigator.sendBeacon('${observatory.otlpUrl}/v1/traces', new Blob([${JSON.stringify(requestOf(traceId))}], { type: 'application/json' }))`,
    );

  test('sends by a beacon where its origin is allowed', async () => {
    const page = await openPage(allowed.origin);
    expect(await beacon(page, 'b1'.repeat(16))).toBe(true);
    await expect.poll(() => isStored('b1'.repeat(16)), { timeout: 20_000 }).toBe(true);
  });

  test('sends with headers of its own where its origin is allowed', async () => {
    const page = await openPage(allowed.origin);
    const status = await page.evaluate<number>(
      `fetch('${observatory.otlpUrl}/v1/traces', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer a', 'x-tenant': '7' },
        body: ${JSON.stringify(requestOf('b2'.repeat(16)))},
      }).then((answer) => answer.status)`,
    );
    expect(status).toBe(200);
    await expect.poll(() => isStored('b2'.repeat(16)), { timeout: 20_000 }).toBe(true);
  });

  test('sends nothing where its origin is not allowed', async () => {
    const before = await received();
    const page = await openPage(stranger.origin);
    await beacon(page, 'b3'.repeat(16)); // which says true: the browser asks later
    const failed = page.evaluate(
      `fetch('${observatory.otlpUrl}/v1/traces', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })`,
    );
    await expect(failed).rejects.toThrow('Failed to fetch');
    await sleep(500);
    expect(await received()).toBe(before);
  });
});
