import { readFileSync } from 'node:fs';

import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { hasChromium, launchChromium } from '../harness/chromium.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { sendDispatches, sendLargeTrace, slowStatement, waitForTraces } from '../harness/synthetic-dispatches.ts';

const minute = 60_000;
const dispatches = 1200;
const largeTraceSpans = 5000;
const firstWords = slowStatement.slice(0, 40);

let observatory: RunningObservatory;
let browser: Browser;
let traceIds: string[];
let largeTraceId: string;
/** When the last dispatch ended, Unix milliseconds. */
let until: number;

/** A page, and all that it complained of or asked of others than the Observatory. */
async function openPage(path = '/', options: BrowserContextOptions = {}) {
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
const fixedRange = (): string => `from=${until - 9 * minute}&to=${until + minute}`;

const plot = (page: Page): Locator => page.locator('.plot');
const selection = (page: Page): Locator => page.getByTestId('selection');
const cards = (page: Page): Locator => page.locator('.card');

/** Drags over the plot; all in parts of its width and height, from the left and from the top. */
async function drag(page: Page, from: [number, number], to: [number, number]): Promise<void> {
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
async function heightOf(page: Page, durationMs: number): Promise<number> {
  const response = await page.request.get(`${observatory.url}/api/heatmap?${fixedRange()}&rows=44`);
  const { edgesMs } = (await response.json()) as { edgesMs: number[] };
  const row = edgesMs.findIndex((edge) => edge >= durationMs);
  return 1 - row / (edgesMs.length - 1);
}

const isDrawn = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>(`(() => {
    const canvas = document.querySelector('.heatmap canvas');
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0);
  })()`);

describe.skipIf(!hasChromium)('the Observatory’s page', () => {
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

  it('leads from the slow band to the statement that only two customers get, without typing', async () => {
    const { page, complaints } = await openPage();

    // The first sight: a live heatmap, and what to do with it.
    await page.getByText('Drag a box over the slow band').waitFor();
    await expect.poll(() => isDrawn(page)).toBe(true);

    // What is different about the slow band?
    const top = await heightOf(page, 1500);
    await drag(page, [0.02, 0.01], [0.99, top - 0.01]);
    await cards(page).first().waitFor();
    expect(await cards(page).first().locator('h3').textContent()).toBe('hotrod.customer.name');
    const values = cards(page).first().locator('.split .value');
    expect(new Set((await values.allTextContents()).slice(0, 2))).toEqual(new Set(['Bicycles Green', 'Value Walking']));
    const share = await cards(page).first().locator('.split .share').first().textContent();
    const [selected = 0, baseline = 0] = (share ?? '').split('against').map((part) => Number.parseFloat(part));
    expect(selected).toBeGreaterThan(40);
    expect(baseline).toBeLessThan(15);
    await page.getByText('fields split alike').first().waitFor();
    expect(await page.locator('.sides').textContent()).toMatch(
      /Selection: \d+ entry spans .*Baseline: the [\d,]+ others/,
    );
    expect(new URL(page.url()).searchParams.get('box')).toMatch(/^\d+,\d+,[\d.]+,$/);

    // Grouped by customer, each row lights its points.
    await cards(page).first().getByRole('button', { name: 'Group by' }).click();
    await page.getByRole('button', { name: 'p95' }).click();
    const rows = page.locator('.groups tbody tr');
    await expect
      .poll(async () => new Set((await rows.locator('th').allTextContents()).slice(0, 2)))
      .toEqual(new Set(['Bicycles Green', 'Value Walking']));
    // Both at once: what is waited for and fails while nobody looks would fail the whole run, a second try or not.
    const [lit] = await Promise.all([
      page.waitForResponse((response) => response.url().includes('highlight=')),
      rows.first().hover(),
    ]);
    expect(lit.status()).toBe(200);
    await page.locator('.legend .lit').waitFor();

    // A trace of the slow ones: the span that matters is chosen, its statement in full.
    await page.getByRole('link', { name: 'What is different' }).click();
    await page.getByRole('button', { name: 'Open a trace of the selection' }).click();
    await page.getByRole('tree').waitFor();
    const statement = page.getByRole('region', { name: 'SQL statement' }).locator('pre');
    expect((await statement.textContent())?.replace(/\s+/g, ' ')).toBe(slowStatement);
    expect(await page.locator('[role=treeitem][aria-selected=true] .name').textContent()).toBe('SELECT customers');

    // Every span that has a statement, by statement, over time.
    await page.getByRole('link', { name: 'Median duration by SQL statement' }).click();
    await page.locator('.lines canvas').waitFor();
    await expect.poll(() => rows.first().locator('th').textContent()).toContain(firstWords);
    expect(await rows.count()).toBe(2);

    // The address is the view.
    const { page: copy } = await openPage(page.url().slice(observatory.url.length));
    await copy.locator('.lines canvas').waitFor();
    await expect
      .poll(() => copy.locator('.groups tbody th').allTextContents())
      .toEqual(await rows.locator('th').allTextContents());

    // And every step can be taken back.
    await page.goBack();
    expect((await statement.textContent())?.replace(/\s+/g, ' ')).toBe(slowStatement);
    await page.goBack();
    await selection(page).waitFor();
    expect(await cards(page).first().locator('h3').textContent()).toBe('hotrod.customer.name');
    expect(complaints).toEqual([]);
  });

  it('opens a trace from a cell, and keeps a selection through redraws and reloads', async () => {
    const { page, complaints } = await openPage();
    await plot(page).waitFor();
    await expect.poll(() => isDrawn(page)).toBe(true);
    await drag(page, [0.05, 0.02], [0.95, (await heightOf(page, 1500)) - 0.01]);
    await selection(page).waitFor();
    // What is compared stands still, until it is told to go on; the selection stays then, too.
    const room = await page.locator('.live').boundingBox();
    await page.getByText('Paused', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Go live' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await page.locator('.live').boundingBox()).toEqual(room);
    for (let redraw = 0; redraw < 2; redraw += 1) {
      await page.waitForResponse((response) => response.url().includes('/api/heatmap'));
    }
    expect(await selection(page).count()).toBe(1);
    await page.reload();
    await selection(page).waitFor();

    // The cell that holds most has the focus, and keeps it through the redraw for the room that there is.
    await page.goto(`${observatory.url}/?${fixedRange()}`);
    await plot(page).waitFor();
    await plot(page).focus();
    await Promise.all([
      page.waitForResponse((response) => response.url().includes('/api/heatmap')),
      page.setViewportSize({ width: 900, height: 1000 }),
    ]);
    await page.keyboard.press('Enter');
    await page.getByRole('tree').waitFor();
    expect(traceIds).toContain(new URL(page.url()).pathname.slice('/trace/'.length));
    expect(complaints).toEqual([]);
  });

  it('holds still for a selection, and is live again once that is gone', async () => {
    const { page } = await openPage();
    const goLive = page.getByRole('button', { name: 'Go live' });
    const pause = page.getByRole('button', { name: 'Pause' });
    const band = page.getByRole('button', { name: 'Select the slow band' });
    await band.click();
    await goLive.waitFor();
    await page.getByRole('button', { name: 'Clear the selection' }).click();
    await pause.waitFor();
    expect(new URL(page.url()).search).toBe('');
    // Back is the selection, and its range.
    await page.goBack();
    await selection(page).waitFor();
    await goLive.waitFor();
    await page.reload();
    await cards(page).first().locator('button.split').first().click();
    await page.getByRole('menuitem', { name: 'Show only this' }).click();
    await pause.waitFor();
    expect([...new URL(page.url()).searchParams.keys()]).toEqual(['filter']);

    // Who paused by themselves stays paused.
    await page.goto(observatory.url);
    await pause.click();
    await band.click();
    await page.getByRole('button', { name: 'Clear the selection' }).click();
    await band.waitFor();
    expect(await goLive.count()).toBe(1);
    expect([...new URL(page.url()).searchParams.keys()]).toEqual(['from', 'to']);
  });

  it.each([
    ['groups', 'tbody tr', 'tbody button'],
    ['compare', '.split', 'button.split'],
  ])('keeps lit what was chosen in a menu of %s, until the pointer moves', async (view, rowOf, buttonOf) => {
    const { page } = await openPage(`/?${fixedRange()}&view=${view}&by=hotrod.customer.name&sort=p95&box=,,1500,`);
    const lit = page.locator('.legend .lit');
    const putOut = lit.getByRole('button');
    const filters: string[] = [];
    page.on('request', (request) => {
      const filter = new URL(request.url()).searchParams.get('highlight');
      if (filter !== null) filters.push(filter);
    });
    const name = await page.locator(`.results ${buttonOf} .value, .results ${buttonOf} .clip-2`).first().textContent();
    await page.locator(`.results ${buttonOf}`).first().click();
    await page.getByRole('menuitem', { name: 'Highlight its points' }).click();
    await putOut.waitFor();
    // The pointer now rests where the menu was; long enough for the row below to have been asked for.
    await page.waitForTimeout(500);
    expect(await lit.textContent()).toContain(name);
    expect(new Set(filters).size).toBe(1);

    // Another row lights while the pointer is on it; only what was chosen can be put out.
    await page.locator(`.results ${rowOf}`).nth(1).hover();
    await expect.poll(() => lit.textContent()).not.toContain(name);
    expect(await putOut.count()).toBe(0);
    await page.mouse.move(5, 5);
    await putOut.click();
    await lit.waitFor({ state: 'detached' });
  });

  it.each([1440, 390])('leaves the results where they are whatever the chart shows, %i px wide', async (width) => {
    const { page } = await openPage('/?', { viewport: { width, height: 900 } });
    const tabs = page.locator('.tabs');
    const places: number[] = [];
    const measure = async (ready: Locator): Promise<void> => {
      await ready.waitFor();
      places.push((await tabs.boundingBox())?.y ?? 0);
    };
    for (const [query, ready] of [
      ['', page.getByText('Drag a box over the slow band')],
      ['&box=,,1500,', selection(page)],
      ['&filter=hotrod.customer.name+%3D+%22Quad+Goals%22', page.getByText('No slow band stands out')],
      ['&chart=lines', page.locator('.lines canvas')],
    ] as const) {
      await page.goto(`${observatory.url}/?${fixedRange()}${query}`);
      await measure(ready);
    }
    await page.route('**/api/heatmap**', () => undefined);
    await page.goto(`${observatory.url}/?${fixedRange()}`);
    await measure(page.getByText('Drawing the heatmap'));
    expect(new Set(places).size).toBe(1);
  });

  it('compares by the keyboard alone', async () => {
    const { page } = await openPage(`/?${fixedRange()}`);
    await plot(page).waitFor();
    await plot(page).focus();
    await page.keyboard.press('Home');
    for (let step = 0; step < 10; step += 1) await page.keyboard.press('PageUp');
    await page.keyboard.press('Shift+End');
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('Shift+PageDown');
    await expect
      .poll(() => page.locator('.heatmap [aria-live]').textContent())
      .toMatch(/^Selecting .* Enter compares\.$/);
    await page.keyboard.press('Enter');
    await selection(page).waitFor();
    await cards(page).first().waitFor();
    await page.keyboard.press('Escape');
    await selection(page).waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Select the slow band' }).press('Enter');
    await cards(page).first().waitFor();
    expect(await cards(page).first().locator('.split .value').first().textContent()).toMatch(
      /^(Value Walking|Bicycles Green)$/,
    );
    await cards(page).first().locator('button.split').first().press('Enter');
    await page.getByRole('menuitem', { name: 'Show only this' }).press('Enter');
    await expect
      .poll(() => page.getByRole('combobox', { name: 'Filter' }).inputValue())
      .toContain('hotrod.customer.name = ');
  });

  it('tells the answer in a few cards, and folds what adds nothing', async () => {
    const { page } = await openPage(`/?${fixedRange()}&box=,,1500,`);
    const first = cards(page).first();
    const values = first.locator('.split .value');
    await values.first().waitFor();
    expect(new Set(await values.allTextContents())).toEqual(new Set(['Bicycles Green', 'Value Walking']));
    expect(await first.locator('.alike').textContent()).toContain('hotrod.customer.name');
    await first.getByRole('button', { name: /^\d+ more$/ }).click();
    await expect.poll(() => values.count()).toBeGreaterThan(5);
  });

  it('leads from an objective to what is different about its bad spans', async () => {
    const { page } = await openPage('/?view=slo');
    const slow = page.locator('.objective', { hasText: 'Dispatch latency' });
    const bad = /([\d,]+) of ([\d,]+)/.exec((await slow.locator('.figures dd').first().textContent()) ?? '');
    expect(await slow.locator('.meter .beyond').count()).toBe(1);
    await slow.locator('.course rect[data-over=true]').first().waitFor();
    await slow.getByRole('link', { name: 'Look at the bad ones' }).click();
    await cards(page).first().waitFor();
    expect(await cards(page).first().locator('h3').textContent()).toBe('hotrod.customer.name');
    expect(await page.locator('.sides').textContent()).toContain(`Selection: ${bad?.[1]} entry spans`);

    // No box holds the spans that failed: they are listed, and lit among all.
    await page.goto(`${observatory.url}/?view=slo`);
    const failed = page.locator('.objective', { hasText: 'Dispatch availability' });
    await failed.getByRole('link', { name: 'Look at the bad ones' }).click();
    await page.locator('.traces tbody .is-error').first().waitFor();
    await page.goBack();
    await failed.getByRole('link', { name: 'Light them among all' }).click();
    await page.locator('.legend .lit').waitFor();
  });

  it('keeps the colour of a group, and groups the selection where that is asked for', async () => {
    const { page } = await openPage(`/?${fixedRange()}&view=groups&chart=lines&by=hotrod.customer.name&sort=p95`);
    const row = page.locator('.groups tbody tr', { hasText: 'Value Walking' });
    const colour = (): Promise<string> => row.locator('.key-line').evaluate((line) => line.style.borderTopColor);
    await row.locator('.key-line').waitFor();
    const before = await colour();
    for (const order of ['Median', 'Longest']) {
      await page.getByRole('button', { name: order }).click();
      await page.locator(`th[aria-sort=descending]`, { hasText: order }).waitFor();
      expect(await colour()).toBe(before);
    }

    await page.goto(`${observatory.url}/?${fixedRange()}&view=groups&by=hotrod.customer.name&box=,,1500,`);
    await page.locator('.groups').getByText('28 groups').waitFor();
    await page.getByRole('button', { name: 'Selection', exact: true }).click();
    await expect.poll(() => page.locator('.groups tbody tr').count()).toBeLessThan(28);
    expect(new URL(page.url()).searchParams.get('of')).toBe('selection');
  });

  it('offers all spans where no entry span has what is grouped by', async () => {
    const { page } = await openPage(`/?${fixedRange()}&view=groups&by=db.query.text`);
    await page.getByRole('link', { name: 'Look at all spans that have it' }).click();
    await expect.poll(() => page.locator('.groups tbody tr').count()).toBe(2);
  });

  it('walks over lines by the keys, gives them as CSV, and says so where there are none', async () => {
    const { page, complaints } = await openPage(`/?${fixedRange()}&view=traces&chart=lines&by=hotrod.customer.name`);
    const chart = page.getByRole('application', { name: /^Lines over time/ });
    await page.locator('.line-names', { hasText: 'Value Walking' }).waitFor();
    await page.locator('.chart').getByRole('button', { name: 'Download' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'CSV' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toMatch(/^time,.*Value Walking.*\r\n20\d\d-/);
    await chart.focus();
    for (const key of ['End', 'ArrowLeft', 'ArrowUp']) await page.keyboard.press(key);
    expect(await chart.locator('.tooltip strong').textContent()).toMatch(/ m?s$/);
    await page.keyboard.press('Enter');
    await page.getByRole('tree').waitFor();
    expect(complaints).toEqual([]);

    for (const by of ['', '&by=hotrod.customer.name']) {
      await page.goto(`${observatory.url}/?${fixedRange()}&chart=lines${by}&filter=no.such.key+exists`);
      await page.getByRole('heading', { name: 'No entry spans match' }).waitFor();
      expect(await page.locator('.results').count()).toBe(0);
    }
  });

  it('does with a value in the list of traces what can be done with it elsewhere', async () => {
    const { page } = await openPage(`/?${fixedRange()}&view=traces`);
    const cell = page.locator('.traces tbody tr').first().getByRole('button').first();
    const value = await cell.textContent();
    await cell.click();
    await page.getByRole('menuitem', { name: 'Show only this' }).click();
    await expect
      .poll(() => page.getByRole('combobox', { name: 'Filter' }).inputValue())
      .toBe(`hotrod.customer.name = "${value}"`);
  });

  it('completes a filter, and underlines what it cannot read', async () => {
    const { page } = await openPage(`/?${fixedRange()}&view=traces`);
    const filter = page.getByRole('combobox', { name: 'Filter' });
    const customers = async () => new Set(await page.locator('.traces tbody td:nth-child(5)').allTextContents());
    /** The caret goes behind what was taken with the next frame, and nobody types sooner. */
    const take = async (name: RegExp) => {
      await page.getByRole('option', { name }).click();
      await page.evaluate('new Promise((resolve) => { requestAnimationFrame(resolve); })');
    };
    await filter.click();
    // What people know is offered first, and nothing that no span has; a word that is no key is looked for in values.
    await page.getByRole('option').first().waitFor();
    const offers = await page.getByRole('option').allTextContents();
    expect(offers.findIndex((offer) => offer.startsWith('hotrod.customer.name'))).toBeLessThan(6);
    expect(offers.filter((offer) => /\b0 spans/.test(offer))).toEqual([]);
    await filter.pressSequentially('walk');
    await page.getByRole('option', { name: /^hotrod\.customer\.name = "Value Walking"/ }).waitFor();
    await filter.press('Enter');
    expect(await page.locator('.fault').textContent()).toContain('name contains "walk"');
    await filter.fill('');
    await filter.pressSequentially('hotrod.customer.na');
    await take(/^hotrod\.customer\.name/);
    await filter.pressSequentially('= Val');
    await take(/"Value Walking"/);
    expect(await filter.inputValue()).toBe('hotrod.customer.name = "Value Walking" ');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await expect
      .poll(() => new URL(page.url()).searchParams.get('filter'))
      .toBe('hotrod.customer.name = "Value Walking"');
    await expect.poll(customers).toEqual(new Set(['Value Walking']));

    await page.getByRole('button', { name: 'Clear the filter' }).click();
    // By then the field has followed the address; what is written into it before that may be cleared with the rest.
    await expect.poll(async () => (await customers()).size).toBeGreaterThan(1);
    await filter.fill('duration > fast');
    await filter.press('Enter');
    expect(await page.locator('.fault mark').textContent()).toBe('fast');
    expect(new URL(page.url()).searchParams.get('filter')).toBeNull();
    await page.goto(`${observatory.url}/?${fixedRange()}&filter=a+%3D+%3D+b`);
    await page.getByRole('heading', { name: 'This filter cannot be read' }).waitFor();
    expect(await page.locator('.failed mark').textContent()).toBe('=');
  });

  it('shows a trace by its address: search, collapse, keys, an id that is not there', async () => {
    const { page, complaints } = await openPage(`/trace/${traceIds[0]}`);
    const rows = page.getByRole('treeitem');
    await expect.poll(() => rows.count()).toBe(12);
    await page.getByRole('searchbox', { name: 'Search in this trace' }).fill('select customers');
    await page.getByText('1 of 1', { exact: true }).waitFor();
    await expect.poll(() => page.locator('[aria-selected=true] .name').textContent()).toBe('SELECT customers');
    // A value leads on as it does everywhere; that of a span below the entry span, to a question about all spans.
    await page.locator('.fields dd', { hasText: 'postgresql' }).click();
    await page.getByRole('menuitem', { name: 'Exclude this' }).click();
    await plot(page).waitFor();
    expect([...new URL(page.url()).searchParams].slice(0, 2)).toEqual([
      ['filter', 'db.system.name != "postgresql"'],
      ['scope', 'spans'],
    ]);
    await page.goBack();
    await page.getByRole('tree').focus();
    for (const key of ['ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
    await expect.poll(() => rows.count()).toBe(11);
    await page.keyboard.press('Home');
    await expect.poll(() => page.locator('[aria-selected=true]').getAttribute('aria-level')).toBe('1');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => rows.count()).toBe(1);
    expect(complaints).toEqual([]);

    await page.goto(`${observatory.url}/trace/${'0'.repeat(31)}1`);
    await page.getByRole('heading', { name: 'No span of this trace is stored' }).waitFor();
    await page.goto(`${observatory.url}/trace/not-an-id`);
    await page.getByRole('heading', { name: 'This is no trace id' }).waitFor();
    await page.getByRole('link', { name: 'Look at the newest traces' }).click();
    await page.locator('.traces tbody tr').first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    await page.goto(`${observatory.url}/nowhere`);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.getByRole('link', { name: 'Explore' }).click();
    await plot(page).waitFor();
  });

  it('keeps a trace of 5,000 spans to the rows in sight', async () => {
    const { page } = await openPage(`/trace/${largeTraceId}`);
    await page.getByText('5,001 spans').waitFor();
    await page.getByRole('tree').focus();
    await page.keyboard.press('End');
    await page.locator('[aria-selected=true]', { hasText: `step ${largeTraceSpans - 1}` }).waitFor();
    expect(await page.getByRole('treeitem').count()).toBeLessThan(100);

    // A search shows its first match while it is typed, and says which of how many is shown.
    const selected = page.locator('[aria-selected=true] .name');
    const search = page.getByRole('searchbox', { name: 'Search in this trace' });
    await page.keyboard.press('Home');
    await search.pressSequentially('step 49');
    await page.getByText('1 of 111', { exact: true }).waitFor();
    await expect.poll(() => selected.textContent()).toBe('step 49');
    await search.press('Enter');
    await page.getByText('2 of 111', { exact: true }).waitFor();
    await search.press('Shift+Enter');
    await search.press('Shift+Enter');
    await page.getByText('111 of 111', { exact: true }).waitFor();
    await expect.poll(() => selected.textContent()).toBe('step 4999');
    await search.fill('nowhere');
    await page.getByText('no match', { exact: true }).waitFor();
    expect(await page.locator('[data-dimmed=true]').count()).toBe(0);

    // All is closed, what was selected too: the row that stands for it is selected instead.
    await search.fill('');
    await page.getByRole('button', { name: 'Collapse all' }).click();
    await expect.poll(() => selected.textContent()).toBe('step 4950');
    expect(await page.getByRole('treeitem').evaluateAll((rows) => rows.map((row) => row.ariaLevel))).not.toContain('3');
  });

  it('draws a deploy as a line while open and as a window once closed, linked to the web alone', async () => {
    const markers = `${observatory.url}/1/markers/hotrod`;
    const seconds = Math.floor(until / 1000);
    const write = async (path: string, method: string, body?: object): Promise<{ id: string }> => {
      const response = await fetch(markers + path, {
        method,
        headers: { 'content-type': 'application/json', 'x-honeycomb-team': 'any' },
        ...(body && { body: JSON.stringify(body) }),
      });
      expect(response.ok).toBe(true);
      return (await response.json()) as { id: string };
    };
    const deploy = { message: 'deploy 1.0.1', type: 'deploy', url: 'https://ci.example/12', start_time: seconds - 300 };
    const { id } = await write('', 'POST', deploy);
    onTestFinished(async () => {
      await write(`/${id}`, 'DELETE'); // a second try must not see two
    });
    const { page } = await openPage(`/?${fixedRange()}`);
    const link = page.getByRole('link', { name: 'deploy 1.0.1' });
    await link.waitFor();
    expect(await page.locator('.marker').getAttribute('data-open')).toBe('true');
    expect([await link.getAttribute('href'), await link.getAttribute('rel')]).toEqual([
      'https://ci.example/12',
      'noopener noreferrer',
    ]);

    await write(`/${id}`, 'PUT', { ...deploy, end_time: seconds - 200 });
    await page.reload();
    await link.waitFor();
    expect(await page.locator('.marker').first().getAttribute('data-open')).toBe('false');
    expect((await page.locator('.marker').first().boundingBox())?.width).toBeGreaterThan(50);

    // The API refuses such a link; the page would not carry it either.
    const trap = { id: 'x', dataset: 'd', startMs: until - minute, endMs: null, type: '', color: '', message: 'trap' };
    await page.route('**/api/markers**', (route) => route.fulfill({ json: [{ ...trap, url: 'javascript:alert(1)' }] }));
    await page.reload();
    const label = page.locator('.marker-label', { hasText: 'trap' });
    await label.waitFor();
    expect(await label.evaluate((element) => element.tagName)).toBe('SPAN');
    expect(await page.locator('.marker-group a').count()).toBe(0);
  });

  it('keeps the link of every marker in reach on a phone, however close they lie', async () => {
    const at = (id: number, seconds: number) => ({
      id: String(id),
      dataset: 'd',
      startMs: until - seconds * 1000,
      endMs: null,
      type: 'deploy',
      color: '#0072B2',
      message: `release ${id}`,
      url: `https://ci.example/${id}`,
    });
    const markers = [at(1, 300), at(2, 299), at(3, 298), at(4, -58)];
    const { page } = await openPage('/?', { viewport: { width: 390, height: 844 } });
    await page.route('**/api/markers**', (route) => route.fulfill({ json: markers }));
    for (const chart of ['heatmap', 'lines']) {
      await page.goto(`${observatory.url}/?${fixedRange()}&chart=${chart}`);
      const shared = page.getByText('3 markers');
      const card = page.locator('.marker-card', { hasText: 'release 2' });
      await shared.waitFor();
      expect(await card.isVisible()).toBe(false);
      await shared.hover();
      // Down to the links, without the card going away on the way.
      await page.getByRole('link', { name: 'release 3' }).hover();
      expect(await card.isVisible()).toBe(true);
      await page.mouse.move(0, 0);
      expect(await card.isVisible()).toBe(false);

      await shared.focus();
      for (const id of [1, 2, 3, 4]) {
        await page.keyboard.press('Tab');
        expect(await page.evaluate<string>('document.activeElement.href')).toBe(`https://ci.example/${id}`);
      }
      // At the right edge too the label lies within the picture.
      const last = await page.getByRole('link', { name: 'release 4' }).boundingBox();
      expect(last?.width).toBeGreaterThan(40);
      expect((last?.x ?? 0) + (last?.width ?? 0)).toBeLessThan(390);
    }
  });

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

    // Whatever the page is made of came by itself: without the server it is all there.
    const { page: whole } = await openPage();
    await Promise.all(
      ['service-map', 'objectives', 'trace-page', 'lines'].map((name) =>
        whole.waitForResponse((response) => response.url().includes(`/assets/${name}`)),
      ),
    );
    await whole.route('**/*', (route) => route.abort());
    await whole.locator('.live-state [data-shown=true]', { hasText: 'No answer' }).waitFor();
    expect(await whole.locator('.live').getAttribute('data-reached')).toBe('false');
    await whole.getByRole('link', { name: 'Objectives' }).click();
    await whole.getByRole('heading', { name: 'The Observatory does not answer' }).waitFor();
  });

  it('tells a store without spans how to get some', async () => {
    const fresh = await startObservatory();
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(fresh.url);
      await page.getByRole('heading', { name: 'No spans yet' }).waitFor();
      expect(await page.locator('.empty').textContent()).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
      await sendDispatches(fresh.otlpUrl, { count: 20, untilMs: Date.now(), spreadMs: minute });
      await plot(page).waitFor();
      await context.close();
    } finally {
      await fresh.stop();
    }
  });

  it('gives what is shown as CSV and JSON', async () => {
    const { page } = await openPage(`/?${fixedRange()}&view=groups&by=hotrod.customer.name`);
    const save = async (kind: string): Promise<string> => {
      await page.locator('.groups').getByRole('button', { name: 'Download' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: kind }).click(),
      ]);
      return readFileSync(await download.path(), 'utf8');
    };
    const [head, ...lines] = (await save('CSV')).trim().split('\r\n');
    expect(head).toBe('hotrod.customer.name,spans,errors,error_rate,p50_ms,p95_ms,p99_ms,max_ms');
    expect(lines).toHaveLength(28);
    expect((JSON.parse(await save('JSON')) as { total: number }).total).toBe(dispatches);
  });

  it.each(['light', 'dark'] as const)('fits a phone, map and objectives too, in %s', async (colorScheme) => {
    const phone = { viewport: { width: 400, height: 800 }, hasTouch: true, isMobile: true, colorScheme };
    for (const path of [
      '/?',
      '/?view=groups&by=hotrod.customer.name&',
      '/?view=map&',
      `/trace/${traceIds[0]}?`,
      '/?view=slo&',
    ]) {
      const { page, complaints } = await openPage(path + fixedRange(), phone);
      await page.locator('main .panel').first().waitFor();
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect([path, width]).toEqual([path, 400]);
      expect(complaints).toEqual([]);
    }
  });
});
