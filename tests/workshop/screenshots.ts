/**
 * Makes the pictures of the workshop anew, in docs/workshop/images: a suite of its own, a minute and a half of load, the
 * pages, and the fix pushed. Run it by `npm run screenshots`; it takes four minutes and Chromium.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { launchChromium } from '../harness/chromium.ts';
import { createTemporaryDirectory, findFreePortBase, root } from '../harness/suite.ts';
import { cloneProduction } from '../stack/scratch-repository.ts';
import { endStack, startStack } from '../stack/stack-process.ts';

const images = join(root, 'docs', 'workshop', 'images');
const loadForMs = 90_000;
/** As a projector shows it. */
const viewport = { width: 1120, height: 700 };
/** What the harness switches off for speed: the story is about these. */
const webinar = {
  CUSTOMER_QUERY_DELAY_MS: '',
  CUSTOMER_QUERY_DELAY_DEVIATION_MS: '',
  DRIVER_SEARCH_DELAY_MS: '',
  DRIVER_SEARCH_DELAY_DEVIATION_MS: '',
  DRIVER_READ_DELAY_MS: '',
  DRIVER_READ_DELAY_DEVIATION_MS: '',
  DRIVER_READ_FAILURE_DELAY_MS: '',
  ROUTE_CALCULATION_DELAY_MS: '',
  ROUTE_CALCULATION_DELAY_DEVIATION_MS: '',
};

mkdirSync(images, { recursive: true });
const directory = createTemporaryDirectory('screenshots');
const portBase = await findFreePortBase();
const observatory = `http://127.0.0.1:${portBase + 8}`;
const stack = startStack(directory.path, portBase, ['--rate', '8'], webinar);
const browser = await launchChromium();
try {
  await stack.printed(/HotROD runs/);
  await sleep(loadForMs);
  const page = await browser.newPage({ viewport, colorScheme: 'light' });
  await page.addInitScript(`localStorage.setItem('hotrod.guide', 'away')`);
  const take = async (name: string, path: string, ready: string) => {
    await page.goto(path);
    await page.locator(`${ready} >> visible=true`).first().waitFor();
    await sleep(1_500); // until what is drawn has settled
    await page.screenshot({ path: join(images, `${name}.png`) });
    console.log(`${name}.png`);
  };
  const nowMs = Date.now();
  const range = `from=${nowMs - loadForMs}&to=${nowMs}`;
  await take('heatmap', `${observatory}/?${range}`, 'canvas');
  await take(
    'compare',
    `${observatory}/?${range}&box=${nowMs - loadForMs},${nowMs},1500,`,
    'text=hotrod.customer.name',
  );
  const answer = await fetch(`${observatory}/api/traces?sort=slowest&limit=1`);
  const [slowest] = (await answer.json()) as { traceId: string }[];
  await take('trace', `${observatory}/trace/${slowest?.traceId ?? ''}`, 'text=GET /customer');
  await take('faults', `http://127.0.0.1:${portBase + 5}/faults`, '#faults');
  await take('rides', `http://127.0.0.1:${portBase}/`, 'button');
  const clone = await cloneProduction(directory.path);
  try {
    clone.edit('services/customer/config.ts', 'slowCustomerFactor = 5', 'slowCustomerFactor = 1');
    await clone.commit('Fix the silly bug for two customers');
    const pushed = clone.push();
    if ((await pushed.ended) !== 0) throw new Error(pushed.output());
  } finally {
    clone.remove();
  }
  await take('after-the-fix', `${observatory}/?last=5m&filter=${encodeURIComponent('service = "frontend"')}`, 'canvas');
  await take('releases', `${observatory}/?view=releases`, 'text=better');
} finally {
  await browser.close();
  await endStack(stack);
  directory.remove();
}
