import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { cards, dispatches, observatory, traceIds, openPage, fixedRange } from './page-under-test.ts';

/** Takes the picture along: as a file, on a phone. */
export function takingAlong(): void {
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

  it('shows on a projector what differs, and what the slow span did, without scrolling', async () => {
    const projector = { viewport: { width: 960, height: 540 } };
    const { page } = await openPage(`/?${fixedRange()}`, projector);
    await page.getByRole('button', { name: 'Select the slow band' }).click();
    const first = await cards(page).first().boundingBox();
    expect(first?.y).toBeLessThan(540 - 44);
    // Whoever groups by it reads on in the groups.
    await cards(page).first().getByRole('button').first().click();
    await page
      .getByRole('menuitem', { name: /^Group by/ })
      .first()
      .click();
    await page.locator('.groups tbody tr').first().waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('results');

    await page.goto(`${observatory.url}/trace/${traceIds[0]}`);
    const statement = page.getByRole('region', { name: 'SQL statement' });
    for (const part of [statement.locator('pre'), statement.getByRole('link', { name: 'Who gets this statement' })]) {
      const box = await part.boundingBox();
      expect((box?.y ?? 540) + (box?.height ?? 540)).toBeLessThanOrEqual(540);
    }
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
}
