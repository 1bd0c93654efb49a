import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { hasChromium, launchChromium } from '../harness/chromium.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { findFreePort, noDelays, type RunningProcess, startService, startSuite, type Suite } from '../harness/suite.ts';

const wide = { viewport: { width: 1440, height: 860 } };
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

let receiver: OtlpReceiver;
let suite: Suite;
let browser: Browser;
/** Services that a test started in the place of others. */
const replacements: RunningProcess[] = [];

/** A page on the rides, with the customers loaded, and all that it asked for and complained of. */
async function openPage(options: BrowserContextOptions = wide, prepare?: (page: Page) => Promise<unknown>) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await prepare?.(page);
  await page.goto(suite.frontend);
  return { page, requests, complaints };
}

const customerButton = (page: Page, id: number) => page.locator(`button[data-customer="${id}"]`);
/** Others' cars, each as the transform that it has now. */
const traffic = (page: Page) =>
  page.evaluate<string[]>(
    `[...document.querySelectorAll('.traffic-car')].map((car) => getComputedStyle(car).transform)`,
  );
const rows = (page: Page, state: string) => page.locator(`tr[data-state="${state}"]`);
/** Where the car on the map of the whole city is. */
const carTransform = (page: Page) => page.locator('svg.map .car').getAttribute('transform');

async function traceIdOfFirstRow(page: Page): Promise<string> {
  const href = await page.locator('tbody tr a').first().getAttribute('href');
  return new URL(href ?? '').pathname.slice('/trace/'.length);
}

function only(spans: ReceivedSpan[], service: string, name: string, kind: ReceivedSpan['kind']): ReceivedSpan {
  const found = spans.filter((span) => span.service === service && span.name === name && span.kind === kind);
  expect(found.map((span) => `${span.service} ${span.name}`)).toHaveLength(1);
  return found[0] as ReceivedSpan;
}

describe.skipIf(!hasChromium)('the rides page', () => {
  beforeAll(async () => {
    [receiver, browser] = await Promise.all([startOtlpReceiver(), launchChromium()]);
    suite = await startSuite({
      otlpUrl: receiver.url,
      env: {
        ...noDelays,
        DRIVER_READ_FAILURE_EVERY: '0',
        OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,vcs.ref.head.revision=abc1234',
      },
      perService: {
        frontend: {
          TRACE_URL: `${receiver.url}/trace/{traceId}`,
          OBSERVATORY_URL: receiver.url,
          CLIENT_CONNECTIONS: '4',
          PORT: String(await findFreePort()), // the same for the one that replaces it
        },
        route: { PORT: String(await findFreePort()) }, // still free when another one takes its place
      },
    });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(replacements.map((service) => service.stop()));
    await suite?.stop();
    await receiver?.close();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });

  it('orders a ride whose car arrives, and links to its trace', async () => {
    const { page, requests, complaints } = await openPage();
    await customerButton(page, 123).click();

    await rows(page, 'driving').waitFor();
    const atFirst = await carTransform(page);
    await expect.poll(() => carTransform(page)).not.toBe(atFirst);
    // It may have arrived meanwhile: a drive takes three seconds.
    expect(await page.locator('tr[data-state="driving"], tr[data-state="arrived"]').count()).toBe(1);
    await rows(page, 'arrived').waitFor();
    expect(await carTransform(page)).toMatch(/^translate\(115\.00 277\.00\)/);
    const row = rows(page, 'arrived');
    expect(await row.locator('.customer').textContent()).toBe("Rachel's Floral Designs");
    expect(await row.locator('.driver').textContent()).toMatch(/^T7\d{5}C$/);
    expect(await row.locator('.eta').textContent()).toMatch(/^\d+ (s|min)$/);
    expect(await row.locator('.latency').textContent()).toMatch(/^(\d+ ms|\d(\.\d\d?)? s)$/);

    const traceId = await traceIdOfFirstRow(page);
    const spans = await receiver.trace(
      traceId,
      (found) =>
        found.some(({ name }) => name === 'ride') &&
        found.some(({ service, name }) => service === 'hotrod-page' && name === 'GET /dispatch') &&
        found.filter(({ service, kind }) => service === 'route' && kind === 'server').length === 10 &&
        found.some(({ service, kind }) => service === 'frontend' && kind === 'server'),
    );
    const ride = only(spans, 'hotrod-page', 'ride', 'internal');
    const request = only(spans, 'hotrod-page', 'GET /dispatch', 'client');
    const dispatch = only(spans, 'frontend', 'GET /dispatch', 'server');
    expect([ride.parentSpanId, request.parentSpanId, dispatch.parentSpanId]).toEqual(['', ride.spanId, request.spanId]);
    expect(ride.attributes).toMatchObject({
      'hotrod.customer.id': 123,
      'hotrod.driver.id': await row.locator('.driver').textContent(),
    });
    expect(ride.resource).toMatchObject({
      'service.namespace': 'hotrod',
      'service.version': '1.2.3',
      'vcs.ref.head.revision': 'abc1234',
    });
    // Who asked reaches the last of the services, which nobody told it as an argument.
    const session = String(ride.attributes['session.id']);
    expect(session).toMatch(/^[a-z\d]{6}$/);
    for (const route of spans.filter(({ service, kind }) => service === 'route' && kind === 'server')) {
      expect(route.attributes).toMatchObject({ 'session.id': session, 'hotrod.request.id': `${session}-1` });
    }
    expect(dispatch.attributes).toMatchObject({ 'hotrod.client.id': session });
    // Not a byte from elsewhere, and nothing that the content security policy would stop.
    expect(requests.filter((url) => new URL(url).origin !== suite.frontend)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('joins the trace in which the server served it', async () => {
    const session = await openPage().then(async ({ page }) => {
      await customerButton(page, 123).waitFor();
      return page.locator('footer dd').last().textContent();
    });
    const load = await receiver.eventually('documentLoad', () =>
      receiver.spans.find(({ name, attributes }) => name === 'documentLoad' && attributes['session.id'] === session),
    );
    const spans = await receiver.trace(
      load.traceId,
      (found) =>
        found.some(({ service, name }) => service === 'frontend' && name === 'GET /') &&
        found.some(({ service, name }) => service === 'hotrod-page' && name === 'GET /config') &&
        found.some(({ service, name }) => service === 'frontend' && name === 'GET /config'),
    );
    const served = only(spans, 'frontend', 'GET /', 'server');
    expect(load.parentSpanId).toBe(served.spanId);
    expect(only(spans, 'hotrod-page', 'GET /config', 'client').parentSpanId).toBe(served.spanId);
  });

  it('drives several rides at once', async () => {
    const { page } = await openPage();
    for (const id of [123, 392, 55673]) await customerButton(page, id).click();
    await expect.poll(() => page.locator('svg.map .car').count()).toBe(3);
    await expect.poll(() => page.locator('.close-ups figure').count()).toBe(3);
    await expect.poll(() => rows(page, 'arrived').count()).toBe(3);
    expect(await page.locator('.tally').textContent()).toBe('3 arrived');
  });

  it('has a button for each of the 32 customers, by name, and finds them', async () => {
    const { page } = await openPage();
    const buttons = page.locator('button[data-customer]');
    await expect.poll(() => buttons.count()).toBe(32);
    const names = await page.locator('button[data-customer] span:first-child').allTextContents();
    expect(names.toSorted((a, b) => a.localeCompare(b, 'en', { sensitivity: 'base' }))).toEqual(names);
    await page.getByRole('searchbox').fill('coffee');
    await expect.poll(() => buttons.allTextContents()).toEqual(['Amazing Coffee Roasters567', 'Farm Coffee35871']);
    await page.getByRole('searchbox').fill('no such name');
    await page.getByText('No customer is called').waitFor();
    await page.getByRole('button', { name: 'Show all 32' }).click();
    await expect.poll(() => buttons.count()).toBe(32);
  });

  it('is used by the keyboard alone', async () => {
    const { page } = await openPage();
    await customerButton(page, 123).waitFor();
    await page.keyboard.press('Tab');
    const focus = page.locator(':focus');
    expect(await focus.textContent()).toContain('Skip to the rides');

    await page.keyboard.press('/');
    await page.keyboard.type('rachel');
    await page.keyboard.press('Enter');
    await rows(page, 'driving').waitFor();

    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await focus.textContent()).toBe('Amazing Coffee Roasters567');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Space');
    await expect.poll(() => page.locator('.own tbody tr').count()).toBe(2);
    await page.keyboard.press('End');
    expect(await focus.textContent()).toContain('Zeal Wheels');
    await expect.poll(() => page.locator('.own tbody tr a').count()).toBe(2);
    await page.keyboard.press('Tab');
    expect(await focus.getAttribute('aria-label')).toBe('Trace of the ride for Amazing Coffee Roasters, in a new tab');
  });

  it('fits a phone: no sideways scrolling, room for the finger, the outcome in sight', async () => {
    const { page } = await openPage(phone);
    await customerButton(page, 12323).waitFor();
    const small = await page
      .locator('button, input')
      .evaluateAll((elements) =>
        elements.filter((element) => element.getBoundingClientRect().height < 44).map((element) => element.outerHTML),
      );
    expect(small).toEqual([]);
    await customerButton(page, 12323).tap();
    await rows(page, 'driving').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const news = page.getByRole('status').filter({ hasText: 'Lambent Illumination' });
    const box = await news.boundingBox();
    expect(box && box.width > 300 && box.y + box.height <= 740).toBe(true);
  });

  it('says what failed and why, and tries again when asked', async () => {
    const { page } = await openPage();
    await customerButton(page, 392).waitFor();
    const { port } = new URL(suite.services.route.url);
    await suite.services.route.stop();
    try {
      const failed = rows(page, 'failed');
      // Looked for at once: it is seen for four seconds.
      await Promise.all([
        page.locator('.pulse.failed', { hasText: /^failed$/ }).waitFor({ state: 'attached' }),
        customerButton(page, 392).click(),
      ]);
      await failed.waitFor();
      expect(await failed.textContent()).toMatch(/A service behind this one cannot be reached.*route.*503/s);
      expect(await page.locator('.news').textContent()).toContain('No ride for Trom Chocolatier');
      await page.locator('.all tr.failed', { hasText: 'Trom Chocolatier (yours)dependency_unavailable' }).waitFor();
      const spans = await receiver.trace(await traceIdOfFirstRow(page), (found) =>
        found.some(({ name }) => name === 'ride'),
      );
      expect(only(spans, 'hotrod-page', 'ride', 'internal')).toMatchObject({
        failed: true,
        attributes: { 'error.type': 'dependency_unavailable' },
      });
    } finally {
      const route = await startService('route', { ...noDelays, PORT: port, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
      suite.services.route = route;
      replacements.push(route);
    }
    await page.getByRole('button', { name: 'Retry the ride for Trom Chocolatier' }).click();
    await rows(page, 'arrived').waitFor();
    expect(await rows(page, 'failed').count()).toBe(1);
  });

  it('does not wait for ever for a server that no longer answers', async () => {
    const { page } = await openPage();
    await customerButton(page, 123).waitFor();
    // Half a second instead of fifteen; it is still the page that gives up.
    await page.evaluate(
      '{ const timeout = AbortSignal.timeout; AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 30); }',
    );
    suite.services.frontend.process.kill('SIGSTOP');
    try {
      await customerButton(page, 123).click();
      await rows(page, 'failed').waitFor();
      expect(await rows(page, 'failed').textContent()).toContain('No answer within 15 s');
      expect(await rows(page, 'dispatching').count()).toBe(0);
    } finally {
      suite.services.frontend.process.kill('SIGCONT');
    }
  });

  it('says that the customers cannot be loaded, and loads them once they can', async () => {
    let refuses = true;
    let asked = 0;
    const { page } = await openPage(wide, (opened) =>
      opened.route('**/config', (route) => {
        asked += 1;
        if (!refuses) return route.continue();
        const problem = { title: 'A service behind this one cannot be reached', detail: 'customer: no answer' };
        return route.fulfill({ status: 503, contentType: 'application/problem+json', json: problem });
      }),
    );
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toContain('A service behind this one cannot be reached. customer: no answer');
    await alert.getByRole('button', { name: 'Ask now' }).click();
    refuses = false; // not before: the page asks by itself, too, and the button would be gone
    await customerButton(page, 123).waitFor();
    expect(asked).toBeGreaterThan(1);
  });

  it('works where its tracing does not', async () => {
    const { page } = await openPage(wide, (opened) => opened.route('**/assets/tracing-*', (route) => route.abort()));
    await customerButton(page, 123).click();
    await rows(page, 'driving').waitFor();
    // The link then leads to the server's part of the trace.
    const spans = await receiver.trace(await traceIdOfFirstRow(page), (found) =>
      found.some(({ service, parentSpanId }) => service === 'frontend' && parentSpanId === ''),
    );
    expect(spans.filter(({ service }) => service === 'hotrod-page')).toEqual([]);
    const dispatch = only(spans, 'frontend', 'GET /dispatch', 'server');
    expect(dispatch.attributes['session.id']).toBe(await page.locator('footer dd').last().textContent());
  });

  it('moves nothing where the system asks for less motion', async () => {
    const { page } = await openPage({ ...wide, reducedMotion: 'reduce' });
    await customerButton(page, 123).click();
    await rows(page, 'driving').waitFor();
    const places = new Set<string | null>();
    while ((await rows(page, 'driving').count()) > 0) {
      const place = await carTransform(page);
      if ((await rows(page, 'driving').count()) > 0) places.add(place);
    }
    expect(places.size).toBe(1);
    // Nor do the cars of others, and nothing pulses.
    await suite.dispatch(392);
    await expect.poll(async () => (await traffic(page)).length).toBe(1);
    const [place] = await traffic(page);
    while (((await traffic(page))[0] ?? place) === place && (await traffic(page)).length > 0);
    expect(await traffic(page)).toEqual([]);
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
    expect(await carTransform(page)).toMatch(/^translate\(115\.00 277\.00\)/);
  });

  it('shows the rides of others as cars on the streets, and in a list that leads to their traces', async () => {
    const { page, complaints } = await openPage();
    await page.locator('.live[data-state=live]').waitFor();
    const others = await Promise.all([392, 731, 567].map((id) => suite.dispatch(id)));
    await expect.poll(async () => (await traffic(page)).length).toBe(3);
    const atFirst = await traffic(page);
    await expect.poll(async () => (await traffic(page)).filter((place) => !atFirst.includes(place)).length).toBe(3);
    const list = page.locator('.all tbody tr');
    await list.filter({ hasText: 'Japanese Desserts' }).first().waitFor();
    const links = await list.locator('a').evaluateAll((all) => all.map((link) => (link as never as URL).href));
    for (const { traceId } of others) expect(links).toContain(`${receiver.url}/trace/${traceId}`);
    expect(await page.locator('.live').textContent()).toMatch(/^\d+\.\d rides a second$/);
    // They arrive, and the map is empty again; the list is not.
    await expect.poll(() => traffic(page)).toEqual([]);
    expect(await page.locator('svg.map .car').count()).toBe(0);

    // One's own is one's own alone, also where the stream tells of it.
    await customerButton(page, 123).click();
    await list.filter({ hasText: "Rachel's Floral Designs (yours)" }).waitFor();
    await rows(page, 'driving').waitFor();
    expect(await traffic(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows at once what is under way to whoever comes later, each ride as far as it is', async () => {
    // A drive takes three seconds, and a busy machine may take longer to open the page: then another one is tried.
    const carsOfBefore = async () => {
      await suite.dispatch(392);
      const { page } = await openPage();
      await page.locator('.live[data-state=live]').waitFor();
      await page.locator('.all tbody tr').first().waitFor();
      return (await traffic(page)).length;
    };
    await expect.poll(carsOfBefore, { timeout: 120_000 }).toBeGreaterThan(0);
  });

  it('goes on with the frontend that takes the place of the one before', async () => {
    const { page } = await openPage();
    const live = page.locator('.live[data-state=live]');
    await live.waitFor();
    const { port } = new URL(suite.frontend);
    const { frontend, customer, driver, route } = suite.services;
    await frontend.stop();
    await page.locator('.live[data-state=lost]', { hasText: 'No news of other rides' }).waitFor();
    const next = await startService('frontend', {
      ...noDelays,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      CUSTOMER_URL: customer.url,
      DRIVER_URL: driver.url,
      ROUTE_URL: route.url,
      TRACE_URL: `${receiver.url}/trace/{traceId}`,
      OBSERVATORY_URL: receiver.url,
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,vcs.ref.head.revision=abc1234',
      PORT: port,
    });
    suite.services.frontend = next;
    replacements.push(next);
    await live.waitFor();
    await suite.dispatch(392);
    await expect.poll(async () => (await traffic(page)).length).toBeGreaterThan(0);
  });

  it('fills a wide window and a projector with customers, city and rides, and a phone with the city first', async () => {
    for (const [width, height] of [
      [1440, 860],
      [960, 540],
      [390, 844],
    ] as const) {
      const { page } = await openPage({ viewport: { width, height } });
      await customerButton(page, 123).waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      const boxOf = async (selector: string) => {
        const box = await page.locator(selector).boundingBox();
        if (box === null) throw new Error(`${selector} is not shown`);
        return box;
      };
      const [city, lists] = [await boxOf('.stage'), await boxOf('.lists')];
      expect(city.y + city.height).toBeLessThanOrEqual(height);
      if (width === 390) continue;
      expect(city.width).toBeGreaterThan(0.38 * width);
      expect(lists.x).toBeGreaterThanOrEqual(city.x + city.width);
      expect(lists.x + lists.width).toBe(width);
      expect(lists.y + lists.height).toBeLessThanOrEqual(height);
    }
  });

  it('links to the Observatory', async () => {
    const { page } = await openPage();
    const link = page.getByRole('link', { name: 'Observatory, in a new tab' });
    expect(await link.getAttribute('href')).toBe(receiver.url);
  });

  it('follows the system into the dark', async () => {
    const background = async (colorScheme: 'light' | 'dark') => {
      const { page } = await openPage({ ...wide, colorScheme });
      return page.evaluate('getComputedStyle(document.body).backgroundColor');
    };
    expect(await background('light')).toBe('rgb(246, 247, 248)');
    expect(await background('dark')).toBe('rgb(17, 20, 22)');
  });
});
