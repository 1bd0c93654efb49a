import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { cards, fixedRange, minute, observatory, openPage } from './page-under-test.ts';

/** Groups, lines, lists and objectives. */
export function grouping(): void {
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
    await page.mouse.move(0, 0); // over the chart it would point at another value
    await chart.focus();
    for (const key of ['End', 'ArrowLeft', 'ArrowUp']) await page.keyboard.press(key);
    const told = chart.locator('.tooltip strong');
    expect(await told.textContent()).toMatch(/ m?s$/);
    // The chart is made anew for another size, and still shows the point that was walked to.
    const before = await told.textContent();
    await page.setViewportSize({ width: 1200, height: 1000 });
    await expect.poll(async () => (await chart.locator('canvas').boundingBox())?.width ?? Infinity).toBeLessThan(1200);
    await expect.poll(() => told.allTextContents()).toEqual([before]);
    await page.keyboard.press('Enter');
    await page.getByRole('tree').waitFor();
    expect(complaints).toEqual([]);

    for (const by of ['', '&by=hotrod.customer.name']) {
      await page.goto(`${observatory.url}/?${fixedRange()}&chart=lines${by}&filter=no.such.key+exists`);
      await page.getByRole('heading', { name: 'No entry spans match' }).waitFor();
      expect(await page.locator('.results').count()).toBe(0);
    }
  });

  it('looks closer at the part of the lines that is dragged across', async () => {
    const { page } = await openPage(`/?${fixedRange()}&view=traces&chart=lines`);
    await page.locator('.line-names', { hasText: 'Median' }).waitFor();
    const box = await page.locator('.lines .u-over').boundingBox();
    if (box === null) throw new Error('no lines');
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.4, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, middle);
    await page.mouse.move(box.x + box.width * 0.6, middle);
    await page.mouse.up();
    const shownMs = () => {
      const { searchParams } = new URL(page.url());
      return Number(searchParams.get('to')) - Number(searchParams.get('from'));
    };
    // A fifth of ten minutes, to the step of the lines.
    await expect.poll(shownMs).toBeLessThan(4 * minute);
    expect(shownMs()).toBeGreaterThan(minute);
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
}
