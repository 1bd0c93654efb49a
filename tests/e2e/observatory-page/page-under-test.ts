import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';

import { launchChromium } from '../../harness/chromium.ts';
import { type RunningObservatory, startObservatory } from '../../harness/observatory.ts';
import { sendDispatches, sendLargeTrace, slowStatement, waitForTraces } from '../../harness/synthetic-dispatches.ts';

export const minute = 60_000;
export const dispatches = 1200;
export const largeTraceSpans = 5000;
export const firstWords = slowStatement.slice(0, 40);

export let observatory: RunningObservatory;
export let browser: Browser;
export let traceIds: string[];
export let largeTraceId: string;
/** When the last dispatch ended, Unix milliseconds. */
export let until: number;

/** A page, and all that it complained of or asked of others than the Observatory. */
export async function openPage(path = '/', options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 1000 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== observatory.url) {
      complaints.push(`asked a stranger: ${request.url()}`);
    }
  });
  await page.goto(observatory.url + path);
  return { page, complaints };
}

/** The ten minutes that hold all dispatches, so that a test does not depend on how long the others took. */
export const fixedRange = (): string => `from=${until - 9 * minute}&to=${until + minute}`;

export const plot = (page: Page): Locator => page.locator('.plot');
export const selection = (page: Page): Locator => page.getByTestId('selection');
export const cards = (page: Page): Locator => page.locator('.card');

/** Drags over the plot; all in parts of its width and height, from the left and from the top. */
export async function drag(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  const box = await plot(page).boundingBox();
  if (box === null) throw new Error('no plot');
  const at = ([x, y]: [number, number]): [number, number] => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]));
  await page.mouse.move(...at(to));
  await page.mouse.up();
}

/** Where 1.5 s lies on the plot, in parts of its height: what is above it is the slow band. */
export async function heightOf(page: Page, durationMs: number): Promise<number> {
  const response = await page.request.get(`${observatory.url}/api/heatmap?${fixedRange()}&rows=44`);
  const { edgesMs } = (await response.json()) as { edgesMs: number[] };
  const row = edgesMs.findIndex((edge) => edge >= durationMs);
  return 1 - row / (edgesMs.length - 1);
}

export const isDrawn = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>(`(() => {
    const canvas = document.querySelector('.heatmap canvas');
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0);
  })()`);

/** Starts an Observatory with dispatches in it, and a browser, for all tests of a describe block. */
export function openObservatory(): void {
  beforeAll(async () => {
    [observatory, browser] = await Promise.all([startObservatory(), launchChromium()]);
    until = Date.now();
    traceIds = await sendDispatches(observatory.otlpUrl, { count: dispatches, untilMs: until, spreadMs: 7 * minute });
    largeTraceId = await sendLargeTrace(observatory.otlpUrl, largeTraceSpans, until - 60 * minute);
    await waitForTraces(observatory.url, dispatches + 1);
  });
  afterAll(async () => {
    await browser?.close();
    await observatory?.stop();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
}
