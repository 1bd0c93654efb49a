import { expect, it, onTestFinished } from 'vitest';

import { minute, observatory, until, openPage, fixedRange } from './page-under-test.ts';

/** Sees deploys. */
export function seeingDeploys(): void {
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
      await card.waitFor({ state: 'hidden' });

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
}
