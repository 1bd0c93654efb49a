import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasChromium, launchChromium } from '../harness/chromium.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { type RunningProcess, startService } from '../harness/suite.ts';

let browser: Browser;
let observatory: RunningObservatory;
let frontend: RunningProcess;

/** Runs in the page: what lies below the guide, and by how much the page is wider than the window. */
const lookBelow = `(() => {
  const guide = document.querySelector('.guide');
  const { left, right, top, bottom } = guide.getBoundingClientRect();
  const isBelow = (each) => {
    const box = each.getBoundingClientRect();
    return box.height > 1 && box.left < right - 1 && box.right > left + 1 && box.top < bottom - 1 && box.bottom > top + 1;
  };
  return {
    covered: [...document.querySelectorAll('a, button, input, select, h1, h2, canvas')]
      .filter((each) => !guide.contains(each) && !each.closest('.skip') && isBelow(each))
      .map((each) => each.outerHTML.slice(0, 80)),
    overflow: Math.max(0, document.documentElement.scrollWidth - innerWidth),
  };
})()`;

describe.skipIf(!hasChromium)('the guide', () => {
  beforeAll(async () => {
    const nobody = 'http://127.0.0.1:9';
    [browser, observatory, frontend] = await Promise.all([
      launchChromium(),
      startObservatory(),
      startService('frontend', {
        TELEMETRY: 'off',
        CUSTOMER_URL: nobody,
        DRIVER_URL: nobody,
        ROUTE_URL: nobody,
      }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), observatory?.stop(), frontend?.stop()]);
  });
  const urlOf = (name: 'Observatory' | 'rides page') => (name === 'Observatory' ? observatory.url : frontend.url);

  it.each([
    ['Observatory', 1280, 800, 'light'],
    ['Observatory', 390, 844, 'dark'],
    ['rides page', 960, 540, 'light'],
    ['rides page', 390, 844, 'dark'],
  ] as const)(
    'covers nothing on the %s, %i wide, and is put away for good by the keyboard',
    async (name, width, height, colorScheme) => {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      const page = await context.newPage();
      await page.goto(urlOf(name));
      const guide = page.getByRole('complementary', { name: 'Guide' });
      await guide.waitFor();
      expect(await guide.locator('p >> visible=true').count()).toBe(1);
      expect(await page.evaluate(lookBelow)).toEqual({ covered: [], overflow: 0 });
      await guide.getByRole('button', { name: 'Put away' }).press('Enter');
      await guide.waitFor({ state: 'detached' });
      await page.reload();
      await page.locator('header').waitFor();
      expect(await guide.count()).toBe(0);
      await context.close();
    },
  );

  it('goes on by itself as the story does, and keeps its place', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(observatory.url);
    await page.getByText('1 of 5').waitFor();
    const height = async () => (await page.locator('.guide').boundingBox())?.height;
    const before = await height();
    await page.goto(`${observatory.url}/?box=,,1500,`);
    await page.getByText('2 of 5').waitFor();
    expect(await height()).toBe(before);
    await page.goto(`${observatory.url}/?view=groups&by=hotrod.customer.name`);
    await page.getByText('3 of 5').waitFor();
    await page.goto(observatory.url);
    await page.getByText('3 of 5').waitFor();
    await page.getByRole('button', { name: 'Back' }).press('Enter');
    await page.getByText('2 of 5').waitFor();
    await context.close();
  });
});
