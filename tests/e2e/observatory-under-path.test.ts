import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { createAsk } from '@hotrod/kit/observatory-api';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { mustRun } from '../deploy/tools.ts';
import { hasChromium, launchChromium } from '../harness/chromium.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { createTemporaryDirectory, root } from '../harness/suite.ts';
import { sendDispatches, waitForTraces } from '../harness/synthetic-dispatches.ts';

const path = '/tools/observatory';

/** A reverse proxy that serves the Observatory below a path, and nothing else. */
async function startProxy(target: string, strips: boolean) {
  const server = createServer((incoming, outgoing) => {
    const url = incoming.url ?? '/';
    if (!`${url.split('?', 1)[0]}/`.startsWith(`${path}/`)) {
      outgoing.writeHead(404).end('Nothing here but the Observatory.');
      return;
    }
    const stripped = url.slice(path.length);
    const forwarded = httpRequest(
      target + (strips ? (stripped.startsWith('/') ? stripped : `/${stripped}`) : url),
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe.skipIf(!hasChromium)('an Observatory under the path of a reverse proxy', () => {
  let observatory: RunningObservatory;
  let browser: Browser;
  let traceIds: string[];
  const until = Date.now();
  beforeAll(async () => {
    [observatory, browser] = await Promise.all([
      startObservatory({ OBSERVATORY_BASE_PATH: `${path}/` }),
      launchChromium(),
    ]);
    traceIds = await sendDispatches(observatory.otlpUrl, { count: 100, untilMs: until, spreadMs: 5 * 60_000 });
    await waitForTraces(observatory.url, 100);
  });
  afterAll(async () => {
    await browser?.close();
    await observatory?.stop();
  });

  describe.each([
    ['keeps', false],
    ['strips', true],
  ])('that %s it', (_name, strips) => {
    let proxy: Awaited<ReturnType<typeof startProxy>>;
    let base: string;
    beforeAll(async () => {
      proxy = await startProxy(observatory.url, strips);
      base = proxy.origin + path;
    });
    afterAll(() => proxy?.close());

    test('draws, leads from view to view and back, and answers a link that was shared', async () => {
      const context = await browser.newContext({ viewport: { width: 1360, height: 1000 } });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        const url = request.url();
        if (!/^(blob|data):/.test(url) && !url.startsWith(base)) complaints.push(`asked outside: ${url}`);
      });
      const at = (): string => page.url().slice(proxy.origin.length);

      await page.goto(`${base}?last=15m`);
      await page.locator('.heatmap canvas').waitFor();
      await page.getByRole('link', { name: 'Service map' }).click();
      await page.getByRole('heading', { name: 'Service map' }).waitFor();
      await page.getByRole('link', { name: /^frontend: / }).waitFor();
      expect(at()).toMatch(new RegExp(`^${path}/\\?.*view=map`));
      await page.goBack();
      await page.locator('.heatmap canvas').waitFor();
      const brand = page.getByRole('link', { name: 'Observatory', exact: true });
      expect(await brand.getAttribute('href')).toBe(`${path}/`);

      await page.goto(`${base}/trace/${traceIds[0]}`);
      await page.getByText('GET /dispatch').first().waitFor();
      await page.reload();
      await page.getByText('GET /dispatch').first().waitFor();
      expect(at()).toBe(`${path}/trace/${traceIds[0]}`);
      const openApi = page.getByRole('link', { name: 'API', exact: true });
      expect(await openApi.getAttribute('href')).toBe(`${path}/api/openapi.yaml`);

      await page.goto(`${base}/nothing`);
      await page.getByRole('link', { name: 'Releases' }).click();
      await page.getByRole('heading', { name: 'Releases' }).waitFor();
      expect(at()).toMatch(new RegExp(`^${path}/\\?view=releases`));
      expect(complaints).toEqual([]);
      await context.close();
    });

    test('answers programs: questions, markers, the OpenAPI document', async () => {
      const map = await createAsk(`${base}/`)<{ nodes: unknown[] }>('/api/service-map', {
        from: until - 600_000,
        to: until + 60_000,
      });
      expect(map.nodes.length).toBeGreaterThan(1);
      const document = await (await fetch(`${base}/api/openapi.yaml`)).text();
      expect(document).toContain(`\nservers:\n  - url: ${path}\npaths:\n`);

      const message = `under a path, ${strips}`;
      const directory = createTemporaryDirectory('marker');
      const release = join(root, 'pipeline/release/main.ts');
      const file = join(directory.path, 'marker.json');
      const args = `marker open --strict --type deploy --url ${base}/trace/1 --to observatory=${base}`.split(' ');
      await mustRun(process.execPath, [release, ...args, '--file', file, '--message', message]);
      directory.remove();
      const markers = (await (await fetch(`${base}/api/markers?from=0&to=${Date.now() + 60_000}`)).json()) as object[];
      expect(markers).toContainEqual(expect.objectContaining({ message: expect.stringContaining(message) }));
    });
  });

  test('answers at its own root, too, as probes and Prometheus ask', async () => {
    for (const each of [
      '/readyz',
      '/metrics',
      '/api/status',
      '/',
      '/tools/observatory',
      '/tools/observatory/healthz',
    ]) {
      expect([each, (await fetch(observatory.url + each)).status]).toEqual([each, 200]);
    }
  });
});
