import { expect, it } from 'vitest';

import { observatory, openPage, fixedRange } from './page-under-test.ts';

/** Writes a filter. */
export function filtering(): void {
  it('completes a filter, and underlines what it cannot read', async () => {
    const { page } = await openPage(`/?${fixedRange()}&view=traces`);
    const filter = page.getByRole('combobox', { name: 'Filter' });
    const customers = async () => new Set(await page.locator('.traces tbody td:nth-child(5)').allTextContents());
    const take = (name: RegExp) => page.getByRole('option', { name }).click();
    await filter.click();
    // What people know is offered first, and nothing that no span has; a word that is not a key is looked for in values.
    await page.getByRole('option', { name: /^hotrod\.customer\.name/ }).waitFor();
    const offers = await page.getByRole('option').allTextContents();
    expect(offers.findIndex((offer) => offer.startsWith('hotrod.customer.name'))).toBeLessThan(7);
    expect(offers.filter((offer) => /\b0 spans/.test(offer))).toEqual([]);
    await filter.pressSequentially('walk');
    await page.getByRole('option', { name: /^hotrod\.customer\.name = "Value Walking"/ }).waitFor();
    await filter.press('Enter');
    await page.locator('.fault', { hasText: 'hotrod.customer.name = "Value Walking"' }).waitFor();
    // What is taken with the keys is what is offered for these letters, however soon.
    await filter.fill('');
    await filter.pressSequentially('cust');
    await filter.press('ArrowDown');
    await filter.press('Enter');
    expect(await filter.inputValue()).toMatch(/^hotrod\.customer\.\w+ $/);
    await filter.fill('hotrod.custmer.name = "Value Walking"');
    await page.keyboard.press('Escape');
    await filter.press('Enter');
    await page.locator('.unknown-key').getByRole('button', { name: 'hotrod.customer.name' }).click();
    await expect
      .poll(() => new URL(page.url()).searchParams.get('filter'))
      .toBe('hotrod.customer.name = "Value Walking"');
    await page.getByLabel('Clear the filter').click();
    await filter.fill('');
    await filter.pressSequentially('hotrod.customer.na');
    await expect.poll(async () => (await customers()).size).toBeGreaterThan(1);
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

    await page.getByLabel('Clear the filter').click();
    await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toBeNull();
    await filter.fill('duration > fast');
    await filter.press('Enter');
    expect(await page.locator('.fault mark').textContent()).toBe('fast');
    expect(new URL(page.url()).searchParams.get('filter')).toBeNull();
    await expect.poll(async () => (await customers()).size).toBeGreaterThan(1);
    await filter.fill('4bf92f3577b34da6a3ce929d0e0e4736');
    await expect.poll(() => new URL(page.url()).pathname).toBe('/trace/4bf92f3577b34da6a3ce929d0e0e4736');
    await page.goto(`${observatory.url}/?${fixedRange()}&filter=a+%3D+%3D+b`);
    await page.getByRole('heading', { name: 'This filter cannot be read' }).waitFor();
    expect(await page.locator('.failed mark').textContent()).toBe('=');
  });
}
