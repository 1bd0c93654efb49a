import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasChromium, launchChromium } from '../harness/chromium.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { sendTraces } from '../harness/otlp-sender.ts';
import { waitForTraces } from '../harness/synthetic-dispatches.ts';

const perRelease = 200;
let observatory: RunningObservatory;
let browser: Browser;

const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
const id = (number: number, digits: number) => number.toString(16).padStart(digits, '0');

/** Dispatches of one release of the customer service, four a second: a root, and the customer service's span below it. */
async function send(first: number, version: string, fromMs: number, durationMs: number): Promise<void> {
  const numbers = Array.from({ length: perRelease }, (_, index) => first + index);
  const span = (number: number, parent: number | null, name: string, attributes: ReturnType<typeof attribute>[]) => {
    const start = BigInt(fromMs + (number - first) * 250) * 1_000_000n;
    return {
      traceId: id(number, 32),
      spanId: id(number * 2 + (parent === null ? 0 : 1), 16),
      ...(parent === null ? {} : { parentSpanId: id(parent * 2, 16) }),
      name,
      kind: 2,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(durationMs) * 1_000_000n),
      status: { code: 0 },
      attributes,
    };
  };
  const roots = numbers.map((number) =>
    span(number, null, 'GET /dispatch', [
      attribute('http.route', '/dispatch'),
      attribute('hotrod.release.customer', version),
    ]),
  );
  const served = numbers.map((number) => span(number, number, 'GET /customer', []));
  const of = (service: string, release: string, spans: typeof roots) => ({
    resource: { attributes: [attribute('service.name', service), attribute('service.version', release)] },
    scopeSpans: [{ scope: { name: 'synthetic' }, spans }],
  });
  const resourceSpans = [of('frontend', '1.0.0', roots), of('customer', version, served)];
  await sendTraces(observatory.otlpUrl, { resourceSpans });
}

describe.skipIf(!hasChromium)('the page of releases', () => {
  beforeAll(async () => {
    [observatory, browser] = await Promise.all([startObservatory(), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await observatory?.stop();
  });

  it('says how to get some while there is none, then leads from a release to the picture of it and the one before', async () => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${observatory.url}/?view=releases`);
    await page.getByRole('heading', { name: 'No release yet' }).waitFor();

    const now = Date.now();
    await send(1, '1.0.0', now - 110_000, 900);
    await send(1 + perRelease, '1.1.0', now - 55_000, 100);
    await waitForTraces(observatory.url, 2 * perRelease);
    const marker = {
      type: 'verdict',
      message: 'better: customer 1.1.0: p95 100 ms after 900 ms',
      url: 'https://ci.example.org/42',
    };
    await page.request.post(`${observatory.url}/1/markers/__all__`, { data: marker });

    await page.goto(`${observatory.url}/`);
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Releases' }).click();
    const row = page.getByRole('row').filter({ hasText: '1.1.0' });
    await row.waitFor();
    const text = (await row.textContent()) ?? '';
    expect(text).toContain('after 1.0.0');
    expect(text).toMatch(/900 ms → , then 100 ms/);
    expect(await row.getByRole('link', { name: /better/ }).getAttribute('href')).toBe('https://ci.example.org/42');
    expect(await page.getByRole('row').filter({ hasText: 'the first one' }).count()).toBe(2);

    // By the keyboard: one key on the link.
    await row.getByRole('link', { name: 'Compare customer 1.1.0 with the one before' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText(`Selection: ${perRelease} entry spans`).waitFor();
    await page.getByText(`Baseline: the ${perRelease} others`).waitFor();
    await page.locator('.card').first().waitFor();
    expect(await page.locator('.card').first().textContent()).toContain('hotrod.release.customer');
    await page.goBack();
    await row.waitFor();
    expect(complaints).toEqual([]);
  });
});
