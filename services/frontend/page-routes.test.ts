import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { pageRoutes } from './page-routes.ts';

const html = '<!doctype html><head><meta name="traceparent" content="" /></head>';

let directory: string;
let lines: { level: number; msg: string }[];
let received: { headers: IncomingHttpHeaders; body: Buffer }[];
let backend: Server;
let backendStatus: number;
const servers: RunningServer[] = [];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-page-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), html);
  writeFileSync(join(directory, 'secret.txt'), 'hunter2');
  writeFileSync(join(directory, 'assets', 'main-abc123.js'), 'code');
  lines = [];
  received = [];
  backendStatus = 200;
  backend = createServer((request, response) => {
    void buffer(request).then((body) => {
      received.push({ headers: request.headers, body });
      response.writeHead(backendStatus).end('{"partialSuccess":{}}');
    });
  });
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  backend.closeAllConnections();
  await new Promise((resolve) => backend.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

async function serve(): Promise<string> {
  const logger = createLogger('test', 'info', {
    write: (line: string) => lines.push(JSON.parse(line) as { level: number; msg: string }),
  });
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/v1/traces`;
  const routes = pageRoutes({ directory, spanSink: { url, headers: { 'x-api-key': 'k' } }, logger });
  const server = await listen(createApp({ logger, ready: {}, routes }), '127.0.0.1', 0);
  servers.push(server);
  return server.url;
}

const post = (url: string, body: string | Buffer, type = 'application/json', headers = {}) =>
  fetch(`${url}/v1/traces`, { method: 'POST', body, headers: { 'content-type': type, ...headers } });

describe('the page', () => {
  it('may load and ask its own origin and nothing else, and is not kept', async () => {
    const response = await fetch(await serve());
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('names no trace where telemetry is off', async () => {
    expect(await (await fetch(await serve())).text()).toBe('<!doctype html><head></head>');
  });

  it('is served as it is where it has no place for the trace, which is told', async () => {
    writeFileSync(join(directory, 'index.html'), '<!doctype html>');
    expect(await (await fetch(await serve())).text()).toBe('<!doctype html>');
    expect(lines).toMatchObject([{ level: 40, msg: expect.stringContaining('traceparent') }]);
  });

  it('has its assets kept for ever, and gives nothing else away', async () => {
    const url = await serve();
    const asset = await fetch(`${url}/assets/main-abc123.js`);
    expect(await asset.text()).toBe('code');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    for (const path of ['/secret.txt', '/assets/..%2fsecret.txt', '/assets/none.js', '/assets/']) {
      const response = await fetch(url + path);
      expect(response.status).toBe(404);
      expect(await response.text()).not.toContain('hunter2');
    }
  });
});

describe("the page's spans", () => {
  it.each(['application/json', 'application/x-protobuf'])('go on to the backend as they are (%s)', async (type) => {
    const body = Buffer.from([0x7b, 0, 0xff, 0x7d]);
    const response = await post(await serve(), body, type);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({});
    expect(received).toHaveLength(1);
    expect(received[0]?.body.equals(body)).toBe(true);
    expect(received[0]?.headers).toMatchObject({ 'content-type': type, 'x-api-key': 'k' });
  });

  it("take the backend's key from here, and nothing from the page's own headers", async () => {
    await post(await serve(), '{}', 'application/json', { cookie: 'a=b', 'x-api-key': 'mine', authorization: 'x' });
    expect(received[0]?.headers['x-api-key']).toBe('k');
    expect(received[0]?.headers).not.toHaveProperty('cookie');
    expect(received[0]?.headers).not.toHaveProperty('authorization');
  });

  it.each([400, 401, 429, 500])('come back with HTTP %i where the backend says so', async (status) => {
    backendStatus = status;
    expect((await post(await serve(), '{}')).status).toBe(status);
  });

  it('are refused in another form or size, and reach nobody', async () => {
    const url = await serve();
    expect((await post(url, 'x', 'text/plain')).status).toBe(400);
    expect((await post(url, 'x'.repeat(600_000))).status).toBe(400);
    expect(received).toEqual([]);
  });

  it('are lost without a word in the log where no backend is there: that is told once, elsewhere', async () => {
    const url = await serve();
    backend.closeAllConnections();
    await new Promise((resolve) => backend.close(resolve));
    expect((await post(url, '{}')).status).toBe(503);
    expect(lines).toEqual([]);
  });
});
