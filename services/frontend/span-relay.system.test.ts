import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { spanRelay } from './span-relay.ts';

let lines: string[];
let received: { headers: IncomingHttpHeaders; body: string }[];
let backend: Server;
let backendStatus: number;
const servers: RunningServer[] = [];
beforeEach(async () => {
  lines = [];
  received = [];
  backendStatus = 200;
  backend = createServer((request, response) => {
    void text(request).then((body) => {
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
});

async function serve(limits = { requestsPerSecond: 100, bytesPerSecond: 1_000_000, underWay: 50 }): Promise<string> {
  const logger = createLogger('test', 'warn', { write: (line: string) => void lines.push(line) });
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/v1/traces`;
  const routes = spanRelay({ url, headers: { 'x-api-key': 'k' } }, limits);
  const server = await listen(createApp({ logger, ready: {}, allowedHosts: [], routes }), '127.0.0.1', 0);
  servers.push(server);
  return server.url;
}

const named = (name: string) => ({ key: 'service.name', value: { stringValue: name } });
const resource = (...attributes: unknown[]) => ({
  resource: { attributes },
  scopeSpans: [{ spans: [{ name: 'ride' }] }],
});
const ofPage = { resourceSpans: [resource(named('hotrod-page'), { key: 'a', value: { intValue: 1 } })] };

/** Sends as the page's exporter does: JSON by fetch, from its own origin. */
const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/traces`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', origin: url, 'sec-fetch-site': 'same-origin', ...headers },
  });

describe("the page's spans", () => {
  it("go on to the backend, with the backend's key and none of the page's headers", async () => {
    const response = await post(await serve(), ofPage, { cookie: 'a=b', 'x-api-key': 'mine', authorization: 'x' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({});
    expect(received).toHaveLength(1);
    expect(JSON.parse(received[0]?.body ?? '')).toEqual(ofPage);
    expect(received[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'x-api-key': 'k' });
    expect(received[0]?.headers).not.toHaveProperty('cookie');
    expect(received[0]?.headers).not.toHaveProperty('authorization');
  });

  it('are taken from a browser that does not say whose page it shows, by the origin', async () => {
    const url = await serve();
    const headers = { 'content-type': 'application/json', origin: url.replace('http:', 'https:') }; // behind a proxy
    const answer = await fetch(`${url}/v1/traces`, { method: 'POST', body: JSON.stringify(ofPage), headers });
    expect(answer.status).toBe(200);
  });

  it.each([400, 401, 429, 500])('come back with HTTP %i where the backend says so', async (status) => {
    backendStatus = status;
    expect((await post(await serve(), ofPage)).status).toBe(status);
  });

  it('are dropped without a log line when there is no backend: that is reported once, elsewhere', async () => {
    const url = await serve();
    backend.closeAllConnections();
    await new Promise((resolve) => backend.close(resolve));
    expect((await post(url, ofPage)).status).toBe(503);
    expect(lines).toEqual([]);
  });
});

describe('spans of others reach nobody', () => {
  it.each([
    ['a page of another site', { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' }],
    ['a page of another port of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['a page without an origin', { origin: 'null' }],
    ['a program that says nothing of itself', { origin: '' }],
  ])('from %s', async (_who, headers) => {
    const url = await serve();
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
    const answer = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      body: JSON.stringify(ofPage),
      headers: { 'content-type': 'application/json', ...given },
    });
    expect(answer.status).toBe(403);
    expect(received).toEqual([]);
  });

  it.each([
    ['another service', { resourceSpans: [resource(named('frontend'))] }],
    ['another service beside the page', { resourceSpans: [...ofPage.resourceSpans, resource(named('frontend'))] }],
    ['a resource with two names', { resourceSpans: [resource(named('hotrod-page'), named('frontend'))] }],
    ['a resource without a name', { resourceSpans: [resource()] }],
    ['a name in another form', { resourceSpans: [resource({ key: 'service.name', value: { bytesValue: 'aG90' } })] }],
    ['a second spelling of a field', { ...ofPage, resource_spans: [resource(named('frontend'))] }],
    ['no spans', []],
    ['no JSON', 'spans'],
  ])('of %s', async (_what, body) => {
    expect((await post(await serve(), body)).status).toBe(400);
    expect(received).toEqual([]);
  });

  it('a field that is there twice is sent on once, as it was checked', async () => {
    const evil = JSON.stringify([resource(named('frontend'))]);
    const body = JSON.stringify(ofPage).replace('{', `{"resourceSpans":${evil},`);
    await post(await serve(), body);
    expect(received.map((each) => each.body).join()).not.toContain('frontend');
  });

  it('in another form or size', async () => {
    const url = await serve();
    expect((await post(url, ofPage, { 'content-type': 'text/plain' })).status).toBe(400);
    expect((await post(url, { ...ofPage, pad: 'x'.repeat(300_000) })).status).toBe(413);
    expect(received).toEqual([]);
  });

  it('beyond what all pages may send in a second, which is told with the time to come again', async () => {
    const url = await serve({ requestsPerSecond: 1, bytesPerSecond: 1_000_000, underWay: 50 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(url, ofPage)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(received).toHaveLength(10 - refused.length);
    for (const answer of refused) expect(answer.headers.get('retry-after')).toBe('1');
    const narrow = await serve({ requestsPerSecond: 100, bytesPerSecond: 10, underWay: 50 });
    expect((await post(narrow, ofPage)).status).toBe(429);
  });
});
