import { expect, it } from 'vitest';

import { startObservatory } from '../../harness/observatory.ts';
import { sendDispatches } from '../../harness/synthetic-dispatches.ts';
import { minute, observatory, browser, openPage, fixedRange, plot } from './page-under-test.ts';

/** Meets an Observatory that is away, or empty. */
export function outages(): void {
  it('says what is wrong when the Observatory does not answer, and goes on once it does', async () => {
    const { page } = await openPage('/?view=groups&by=hotrod.customer.name');
    await plot(page).waitFor();
    await page.getByText('Stored').waitFor();
    await page.locator('.groups tbody tr').first().waitFor();
    await page.route('**/api/**', (route) => route.abort());
    await page.getByText('The Observatory does not answer.').waitFor();
    // The table was asked for again and again by then, and stays as it was.
    for (let asked = 0; asked < 2; asked += 1) {
      await page.waitForEvent('requestfailed', (request) => request.url().includes('/api/breakdown'));
    }
    expect(await page.locator('.groups tbody tr').count()).toBe(28);
    await page.unroute('**/api/**');
    await page.getByText('The Observatory does not answer.').waitFor({ state: 'detached' });
    await plot(page).waitFor();
  });

  it('brings what an outage kept back, paused or live, and has what it may still need', async () => {
    const { page } = await openPage(`/?${fixedRange()}`);
    await page.route('**/api/service-map**', (route) => route.abort());
    await page.getByRole('link', { name: 'Service map' }).click();
    await page.getByRole('heading', { name: 'The Observatory does not answer' }).waitFor();
    await page.unroute('**/api/service-map**');
    await page.locator('.drawing svg').waitFor();

    const context = await browser.newContext();
    const late = await context.newPage();
    await late.route('**/assets/{service-map,objectives}*', (route) => route.abort());
    await late.goto(observatory.url);
    await late.getByRole('link', { name: 'Service map' }).click();
    await late.getByRole('heading', { name: 'could not be loaded' }).waitFor();
    await late.unroute('**/assets/{service-map,objectives}*');
    await late.locator('.drawing svg').waitFor();

    // Whatever the page is made of comes by itself: without the server it is all there.
    const whole = await (await browser.newContext()).newPage();
    // Both at once: what comes by itself may come before the page counts as loaded.
    await Promise.all([
      ...['service-map', 'objectives', 'trace-page', 'lines'].map((name) =>
        whole.waitForResponse((response) => response.url().includes(`/assets/${name}`)),
      ),
      whole.goto(observatory.url),
    ]);
    await whole.route('**/*', (route) => route.abort());
    await whole.locator('.live-state [data-shown=true]', { hasText: 'No answer' }).waitFor();
    expect(await whole.locator('.live').getAttribute('data-reached')).toBe('false');
    await whole.getByRole('link', { name: 'Objectives' }).click();
    await whole.getByRole('heading', { name: 'The Observatory does not answer' }).waitFor();
  });

  it('tells a store without spans how to get some, and leads to the rides page where it knows that', async () => {
    const fresh = await startObservatory({ OBSERVATORY_RIDES_URL: 'https://rides.example/' });
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(fresh.url);
      await page.getByRole('heading', { name: 'No spans yet' }).waitFor();
      expect(await page.locator('.empty').textContent()).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
      const rides = page.getByRole('link', { name: 'Rides, in a new tab' });
      expect(await rides.getAttribute('href')).toBe('https://rides.example/');
      await sendDispatches(fresh.otlpUrl, { count: 20, untilMs: Date.now(), spreadMs: minute });
      await plot(page).waitFor();
      await context.close();
      const { page: other } = await openPage();
      await other.getByText('Stored').waitFor();
      expect(await other.getByRole('link', { name: 'Rides, in a new tab' }).count()).toBe(0);
    } finally {
      await fresh.stop();
    }
  });
}
