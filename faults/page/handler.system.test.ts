import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { hasChromium, launchChromium } from '../../tests/harness/chromium.ts';
import { prepareFlagFile, readFlagFile, writeFlagFile } from '../flag-file.ts';
import { mysteryOf, standing, switchOn } from '../flag-set.ts';
import { createFaultPageHandler, isFaultPage } from './handler.ts';

const directory = mkdtempSync(join(tmpdir(), 'hotrod-faults-'));
const file = join(directory, 'flags.json');
const server = createServer(
  createFaultPageHandler({ flagFile: file, observatory: 'http://127.0.0.1:8088', random: () => 0 }),
);
let base = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  rmSync(file, { force: true });
  prepareFlagFile(file);
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

const page = async (path = '/faults') => (await fetch(base + path)).text();
const variantOf = (flag: string) => {
  const entry = readFlagFile(file).flags[flag];
  return entry && standing(entry).variant;
};
const post = (form: Record<string, string>, headers: Record<string, string> = { origin: base }) =>
  fetch(`${base}/faults`, { method: 'POST', headers, body: new URLSearchParams(form), redirect: 'manual' });

/** With headers of our choosing, which fetch would not send. */
function answerTo(
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest(`${base}/faults`, { method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    })
      .on('error', reject)
      .end('do=off');
  });
}

test('refuses an order that is for a host which is no address, and goes on', async () => {
  expect(await answerTo({ host: 'localhost:99999', origin: base }, 'POST')).toMatchObject({ status: 403 });
  expect(await answerTo({ host: new URL(base).host })).toMatchObject({ status: 200 });
});

describe('the page of faults', () => {
  test('lists every fault, how it stands, and where its signature is seen', async () => {
    writeFlagFile(file, switchOn(readFlagFile(file), 'route-failures'));
    const text = await page();
    expect(text.match(/class="fault(?: on)?"/g)).toHaveLength(Object.keys(readFlagFile(file).flags).length);
    expect(text).toMatch(/id="route-failures-on"[^>]*aria-pressed="true"/);
    expect(text).toMatch(/id="cold-cache-default"[^>]*aria-pressed="true"/);
    expect(text).toContain('href="http://127.0.0.1:8088/?filter=service');
  });

  test('switches one on, to another variant, off, and back, and leads back to where it was', async () => {
    for (const variant of ['on', 'three', 'off', 'default']) {
      const answer = await post({ do: 'set', flag: 'pool-of-one', variant });
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/faults#pool-of-one']);
      expect(variantOf('pool-of-one')).toBe(variant);
    }
  });

  test('switches all off, and all back', async () => {
    await post({ do: 'off' });
    expect([variantOf('pool-of-one'), variantOf('driver-timeouts')]).toEqual(['off', 'off']);
    await post({ do: 'default' });
    expect([variantOf('pool-of-one'), variantOf('driver-timeouts')]).toEqual(['default', 'default']);
  });

  test('draws a mystery and betrays nothing until it is asked to', async () => {
    await post({ do: 'mystery' });
    const drawn = mysteryOf(readFlagFile(file));
    expect(drawn).toBe('broken-context');
    const hidden = await page();
    expect(hidden).toContain('One fault is on. Which one?');
    for (const betrayal of ['aria-pressed', '<details', 'Lesson', 'class="fault on"']) {
      expect(hidden).not.toContain(betrayal);
    }
    const told = await page('/faults?reveal');
    expect(told).toContain('<dt>Lesson</dt>');
    expect(told).toContain('Context propagation is a promise');
  });

  test.each([
    [{ do: 'set', flag: 'toString', variant: 'on' }, 'There is no fault'],
    [{ do: 'set', flag: 'pool-of-one', variant: 'huge' }, 'no variant'],
    [{ do: 'explode' }, 'nothing that the page can do'],
    [{ do: 'toString' }, 'nothing that the page can do'],
    [{}, 'nothing that the page can do'],
  ])('refuses %j and changes nothing', async (form, said) => {
    const before = readFileSync(file, 'utf8');
    const answer = await post(form);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(said);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('says what is wrong with the file, escaped, and writes it anew', async () => {
    writeFileSync(file, '{"flags": <script>}');
    const answer = await fetch(`${base}/faults`);
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(text).toContain('is not JSON');
    expect(text).toContain('Write the file as it is shipped');
    expect((await post({ do: 'restore' })).status).toBe(303);
    expect(variantOf('pool-of-one')).toBe('default');
  });

  test('says what to do where the file has no fault', async () => {
    writeFlagFile(file, { flags: {} });
    expect(await page()).toContain('The file of flags has none of the faults.');
  });

  test('takes a form from its own page alone', async () => {
    const statuses = await Promise.all([
      post({ do: 'off' }, {}),
      post({ do: 'off' }, { origin: 'https://attacker.example' }),
      post({ do: 'off' }, { origin: 'null' }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([403, 403, 403]);
    const { host } = new URL(base);
    expect(await answerTo({ host, origin: base, 'sec-fetch-site': 'cross-site' }, 'POST')).toMatchObject({
      status: 403,
    });
    // DNS rebinding: the page of a stranger is of its own origin.
    expect(await answerTo({ host: 'attacker.example', origin: 'http://attacker.example' }, 'POST')).toMatchObject({
      status: 421,
      body: expect.stringContaining('ALLOWED_HOSTS') as string,
    });
    expect(await answerTo({ host: 'attacker.example' })).toMatchObject({
      status: 421,
      body: expect.stringContaining('ALLOWED_HOSTS') as string,
    });
    expect(variantOf('pool-of-one')).toBe('default');
  });

  test('refuses what no form of it is', async () => {
    expect((await post({ do: 'off', flag: 'x'.repeat(5_000) })).status).toBe(413);
    expect((await fetch(`${base}/faults`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${base}/faults/other`)).status).toBe(404);
    expect((await fetch(`${base}/faults/assets/page.css`)).headers.get('content-type')).toContain('text/css');
    expect(['/faults', '/faults/x', '/faults?x'].every(isFaultPage)).toBe(true);
    expect(['/', '/runs', '/faultsome', undefined].some(isFaultPage)).toBe(false);
  });

  test.skipIf(!hasChromium).each([
    ['light', 1280, 800],
    ['dark', 390, 844],
  ] as const)(
    'is used by the keyboard, keeps the focus, and follows other switches (%s, %i wide)',
    async (colorScheme, width, height) => {
      const browser = await launchChromium();
      try {
        const tab = await browser.newPage({ colorScheme, viewport: { width, height } });
        const wrong: string[] = [];
        tab.on('pageerror', (error) => wrong.push(error.message));
        tab.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
        await tab.goto(`${base}/faults`);
        const overflow = await tab.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(overflow).toBeLessThanOrEqual(0);
        await tab.locator('#cold-cache summary').click();
        await tab.locator('#cold-cache-on').focus();
        await tab.keyboard.press('Enter');
        await tab.locator('#cold-cache-on[aria-pressed=true]').waitFor();
        expect(variantOf('cold-cache')).toBe('on');
        expect(await tab.locator('#cold-cache-on:focus').count()).toBe(1);
        expect(await tab.locator('#cold-cache details[open]').count()).toBe(1);
        expect(await tab.locator('#said').textContent()).toContain('A cold cache after a deploy: on');
        // By the command line or an editor, while the page is open.
        writeFlagFile(file, switchOn(readFlagFile(file), 'log-flood'));
        await tab.locator('#log-flood-on[aria-pressed=true]').waitFor();
        await tab.locator('#mystery').press('Enter');
        await tab.locator('#reveal').press('Enter');
        await tab.getByText('Context propagation is a promise').first().waitFor();
        await tab.locator('#all-default').press('Enter');
        await tab.locator('#cold-cache-default[aria-pressed=true]').waitFor();
        expect(wrong).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
});
