import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';

import { slowStatement } from '../../harness/synthetic-dispatches.ts';
import {
  firstWords,
  observatory,
  traceIds,
  openPage,
  fixedRange,
  plot,
  selection,
  cards,
  drag,
  heightOf,
  isDrawn,
} from './page-under-test.ts';

/** Drags boxes over the heatmap, and follows what is different to a trace. */
export function selecting(): void {
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
    // Both at once: if one that is waited for fails while nobody looks, the whole run fails, even with a second try.
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
    // The comparison stands still until it is told to go on. The selection stays then, too.
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
    // Back leads to the selection, and its range.
    await page.goBack();
    await selection(page).waitFor();
    await goLive.waitFor();
    await page.reload();
    await cards(page).first().locator('button.split').first().click();
    await page.getByRole('menuitem', { name: 'Show only this' }).click();
    await pause.waitFor();
    expect([...new URL(page.url()).searchParams.keys()]).toEqual(['filter']);

    // A page that a person has paused stays paused.
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

    // Another row lights up while the pointer is on it. Only the chosen one can be put out.
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

  it('leads from a statement to who gets it, and from a box and the map to filters', async () => {
    const { page, complaints } = await openPage(`/?${fixedRange()}`);
    await page.getByRole('button', { name: 'Select the slow band' }).click();
    await page.getByRole('button', { name: 'Open a trace of the selection' }).click();
    await page.getByRole('tree').waitFor();
    // The element with the focus is gone with the other page. The focus is not lost.
    await expect.poll(() => page.evaluate('document.activeElement === document.body')).toBe(false);
    await page.getByRole('link', { name: 'Who gets this statement' }).click();
    const groups = page.locator('.groups tbody th');
    await expect
      .poll(async () => new Set(await groups.allTextContents()))
      .toEqual(new Set(['Bicycles Green', 'Value Walking']));
    await expect.poll(() => page.title()).toBe('By root.hotrod.customer.name · Observatory');

    await page.goto(`${observatory.url}/?${fixedRange()}`);
    await page.getByRole('button', { name: 'Select the slow band' }).click();
    await page.getByRole('button', { name: 'Make it a filter' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toMatch(/^duration >= [\d.]+m?s$/);
    expect(new URL(page.url()).searchParams.get('box')).toBeNull();

    await page.goto(`${observatory.url}/?${fixedRange()}&view=map`);
    await page.getByRole('link', { name: 'Calls of frontend to customer' }).click();
    await expect
      .poll(() => new URL(page.url()).searchParams.get('filter'))
      .toContain('service in ("frontend", "customer")');
    await page.locator('.groups tbody tr').first().waitFor();
    expect(complaints).toEqual([]);
  });
}
