import { expect, it } from 'vitest';

import { largeTraceSpans, observatory, traceIds, largeTraceId, openPage, plot } from './page-under-test.ts';

/** Opens and reads a trace. */
export function readingATrace(): void {
  it('shows a trace by its address: search, collapse, keys, an id that is not there', async () => {
    const { page, complaints } = await openPage(`/trace/${traceIds[0]}`);
    const rows = page.getByRole('treeitem');
    await expect.poll(() => rows.count()).toBe(12);
    await page.getByRole('searchbox', { name: 'Search in this trace' }).fill('select customers');
    await page.getByText('1 of 1', { exact: true }).waitFor();
    await expect.poll(() => page.locator('[aria-selected=true] .name').textContent()).toBe('SELECT customers');
    // A value leads on as it does everywhere. A value of a span below the entry span leads to a question about all spans.
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
    await page.getByRole('heading', { name: 'This is not a trace id' }).waitFor();
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

    // Everything is closed, including what was selected. The row that stands for it is selected instead.
    await search.fill('');
    await page.getByRole('button', { name: 'Collapse all' }).click();
    await expect.poll(() => selected.textContent()).toBe('step 4950');
    expect(await page.getByRole('treeitem').evaluateAll((rows) => rows.map((row) => row.ariaLevel))).not.toContain('3');
  });
}
