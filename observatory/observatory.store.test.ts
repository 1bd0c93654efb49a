import { mkdir, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { createLogger } from '@hotrod/kit/logging';
import { describe, expect, it, onTestFinished } from 'vitest';

import { defaultConfig, settings } from './config.ts';
import { send, spansRequest, startTestObservatory, temporaryDirectory } from './fixtures/test-observatory.ts';
import { type Observatory, startObservatory } from './observatory.ts';

/** Samples of the Prometheus text by name and labels; throws where a line is none. */
async function scrape(observatory: Observatory): Promise<Map<string, number>> {
  const answer = await fetch(`${observatory.url}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const samples = new Map<string, number>();
  let declared = '';
  for (const line of (await answer.text()).trimEnd().split('\n')) {
    const type = /^# TYPE (\w+) (?:counter|gauge|histogram)$/.exec(line)?.[1];
    if (type !== undefined) declared = type;
    if (line.startsWith('#')) continue;
    const sample = /^(\w+(?:\{(?:\w+="[^"]*",?)+\})?) (\S+)$/.exec(line);
    if (!sample?.[1]?.startsWith(declared)) throw new Error(`no sample: ${line}`);
    samples.set(sample[1], Number(sample[2]));
  }
  return samples;
}

describe('the Observatory', () => {
  it('publishes metrics of what it received, stored and refused, of its queue, and of how long its work took', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const batch = spansRequest([
      { trace: 1, id: 1 },
      { trace: 1, id: 2, parent: 1 },
      { trace: 1, id: 3, more: { spanId: '' } },
    ]);
    await send(observatory, 'traces', batch);
    await send(observatory, 'traces', { resourceSpans: 'none' });
    await observatory.flush();
    await fetch(`${observatory.url}/api/heatmap`);
    const samples = await scrape(observatory);
    expect(Object.fromEntries(samples)).toMatchObject({
      'observatory_received_items_total{signal="spans"}': 2,
      'observatory_stored_items_total{signal="spans"}': 2,
      'observatory_refused_items_total{signal="spans"}': 1,
      'observatory_received_items_total{signal="logs"}': 0,
      observatory_lost_items_total: 0,
      'observatory_otlp_requests_total{protocol="http",signal="spans",status="200"}': 1,
      'observatory_otlp_requests_total{protocol="http",signal="spans",status="400"}': 1,
      observatory_queue_items: 0,
      observatory_queue_limit_items: settings.queueItems.default,
      observatory_open_traces_spans: 2,
      observatory_unstored_seconds: 0,
    });
    expect(samples.get('observatory_flush_seconds_count')).toBeGreaterThan(0);
    expect(samples.get('observatory_query_seconds_count{statement="heatmap"}')).toBe(1);
    expect(samples.get('observatory_query_seconds_bucket{statement="heatmap",le="+Inf"}')).toBe(1);
    expect(samples.get('observatory_resident_memory_bytes')).toBeGreaterThan(10e6);
  });

  it('blames the caller for a malformed target', async () => {
    const { url } = await startTestObservatory(await temporaryDirectory());
    const { hostname, port } = new URL(url);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ hostname, port, path: 'http://localhost:99999/api/heatmap' }, resolve).on('error', reject);
    });
    expect(response.statusCode).toBe(400);
    expect(JSON.parse(await text(response))).toMatchObject({ status: 400, code: 'invalid_argument' });
  });

  it('answers the health checks, and stores no telemetry about itself', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    expect((await fetch(`${observatory.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${observatory.url}/readyz`)).status).toBe(200);
    for (const path of ['/api/heatmap', '/api/breakdown?by=name', '/api/service-map', '/metrics'])
      await fetch(observatory.url + path);
    await observatory.flush();
    const status = await (await fetch(`${observatory.url}/api/status`)).json();
    expect(status).toMatchObject({
      version: '0.0.0-test',
      received: { spans: 0, logs: 0, metrics: 0 },
      stored: { spans: 0, logs: 0, metrics: 0 },
      refused: { spans: 0, logs: 0, metrics: 0 },
      queue: { items: 0, limit: settings.queueItems.default },
      oldestMs: null,
      newestMs: null,
      traces: 0,
    });
  });

  it('leaves nothing running when it cannot start', async () => {
    const directory = await temporaryDirectory();
    const first = await startTestObservatory(directory);
    const port = Number(new URL(first.url).port);
    const other = await temporaryDirectory();
    await expect(startTestObservatory(other, { port })).rejects.toThrow(`port ${port} is taken`);
    // Its database is free again.
    await startTestObservatory(other);
  });
});

describe('closing', () => {
  it('stores what was acknowledged, although some clients are slow', async () => {
    const directory = await temporaryDirectory();
    const observatory = await startTestObservatory(directory);
    await send(observatory, 'traces', spansRequest([{ trace: 1, id: 1 }]));
    for (const [url, path] of [
      [observatory.otlpUrl, '/v1/traces'],
      [observatory.url, '/1/markers/stuck'],
    ] as const) {
      const stuck = connect(Number(new URL(url).port), '127.0.0.1');
      stuck.on('error', () => undefined);
      onTestFinished(() => void stuck.destroy());
      const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9`;
      await new Promise((resolve) => stuck.write(`${head}\r\n\r\n{`, resolve));
    }
    const start = performance.now();
    await observatory.close();
    // About a second; both requests would be waited for five minutes.
    expect(performance.now() - start).toBeLessThan(30_000);
    const second = await startTestObservatory(directory);
    expect(await (await fetch(`${second.url}/api/status`)).json()).toMatchObject({ traces: 1 });
  });
});

describe('the page', () => {
  async function startWithPage(given?: string): Promise<Observatory> {
    const directory = given ?? (await temporaryDirectory());
    const page = join(directory, 'dist');
    await mkdir(join(page, 'assets'), { recursive: true });
    await writeFile(join(page, 'index.html'), '<!doctype html><title>the page</title>');
    await writeFile(join(page, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await writeFile(join(page, 'assets', 'main-abc123.js'), '1');
    const observatory = await startObservatory({
      config: defaultConfig({ dataDir: directory, port: 0, otlpPort: 0, otlpGrpcPort: 0 }),
      logger: createLogger('observatory', 'silent'),
      version: '0.0.0-test',
      page,
    });
    onTestFinished(() => observatory.close());
    return observatory;
  }

  it.each(['/', '/trace/0123456789abcdef0123456789abcdef', '/?filter=a%20%3D%20%22b.c%22'])(
    'is served at %s, and may load nothing of others',
    async (path) => {
      const observatory = await startWithPage();
      const answer = await fetch(observatory.url + path);
      expect([answer.status, await answer.text()]).toEqual([200, '<!doctype html><title>the page</title>']);
      expect(answer.headers.get('content-security-policy')).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      );
      expect(answer.headers.get('cache-control')).toBe('no-cache');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    },
  );

  it('takes only GET and HEAD, and is missing before it is built', async () => {
    const directory = await temporaryDirectory();
    const page = join(directory, 'dist');
    const observatory = await startWithPage(directory);
    const answer = await fetch(observatory.url, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    await rm(join(page, 'index.html'));
    expect((await fetch(observatory.url)).status).toBe(404);
  });

  it('caches assets for good, and answers 404 instead of the page for a missing asset or API path', async () => {
    const observatory = await startWithPage();
    const asset = await fetch(`${observatory.url}/assets/main-abc123.js`);
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect((await fetch(`${observatory.url}/favicon.svg`)).headers.get('content-type')).toBe('image/svg+xml');
    for (const path of [
      '/assets/main-gone.js',
      '/gone.js',
      '/api/nothing',
      '/assets/../../observatory.duckdb',
      '/v1/traces',
    ]) {
      expect((await fetch(observatory.url + path)).status, path).toBe(404);
    }
  });
});
