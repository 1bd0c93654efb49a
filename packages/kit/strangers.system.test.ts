import { request } from 'node:http';

import { afterEach, describe, expect, it } from 'vitest';

import { createLogger } from './logging.ts';
import { createApp, listen, type RunningServer } from './server.ts';

const servers: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(allowedHosts: string[] = []): Promise<string> {
  const app = createApp({
    logger: createLogger('test', 'silent'),
    ready: {},
    allowedHosts,
    pages: ['/'],
    routes: (express) => void express.get(['/', '/dispatch'], (_request, response) => void response.json({})),
  });
  const server = await listen(app, '127.0.0.1', 0);
  servers.push(server);
  return server.url;
}

/** Sends headers that `fetch` would not. */
function ask(url: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.once('error', reject);
    asked.end();
  });
}

describe('the name that a request comes under', () => {
  it.each([
    'localhost:8080',
    '127.0.0.1',
    '[::1]:8080',
    '10.1.2.3:8083', // a probe by the address of a pod
    'frontend:8080', // a container, a Kubernetes service
    'hotrod-frontend.hotrod.svc',
    'hotrod-frontend.hotrod.svc.cluster.local.:8080',
    'rides.localhost',
  ])('may be %s', async (host) => {
    expect(await ask(`${await serve()}/dispatch`, { host })).toMatchObject({ status: 200 });
  });

  it.each(['evil.example.com', 'localhost.example.com:8080', '127.0.0.1.nip.io', 'svc.example.com'])(
    'may not be %s, and the answer says what to set',
    async (host) => {
      const answer = await ask(`${await serve()}/dispatch`, { host });
      expect(answer.status).toBe(421);
      expect(answer.body).toContain('ALLOWED_HOSTS');
    },
  );

  it('may be one that is allowed, or any', async () => {
    const headers = { host: 'Rides.example.com:443' };
    expect(await ask(`${await serve(['rides.example.com'])}/dispatch`, headers)).toMatchObject({ status: 200 });
    expect(await ask(`${await serve(['*'])}/dispatch`, headers)).toMatchObject({ status: 200 });
    expect(await ask(`${await serve(['other.example.com'])}/dispatch`, headers)).toMatchObject({ status: 421 });
  });

  it('does not matter to a probe', async () => {
    const headers = { host: 'evil.example.com', 'sec-fetch-site': 'cross-site' };
    expect(await ask(`${await serve()}/healthz`, headers)).toMatchObject({ status: 200 });
    expect(await ask(`${await serve()}/readyz`, headers)).toMatchObject({ status: 200 });
  });
});

describe('a request that a page of another site causes', () => {
  const image = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const frame = { ...link, 'sec-fetch-dest': 'iframe' };

  it('is refused', async () => {
    const url = await serve();
    for (const headers of [image, link, frame]) {
      expect(await ask(`${url}/dispatch?customer=123`, headers)).toMatchObject({ status: 403 });
    }
    expect(await ask(`${url}/`, frame)).toMatchObject({ status: 403 });
    expect(await ask(`${url}/`, image)).toMatchObject({ status: 403 });
  });

  it('may be a link to a page that a person follows', async () => {
    expect(await ask(`${await serve()}/`, link)).toMatchObject({ status: 200 });
  });

  it('is none where it comes from the own page, the address bar, or a program that is no browser', async () => {
    const url = await serve();
    for (const site of ['same-origin', 'none']) {
      expect(await ask(`${url}/dispatch`, { 'sec-fetch-site': site })).toMatchObject({ status: 200 });
    }
    expect(await ask(`${url}/dispatch`, {})).toMatchObject({ status: 200 });
  });
});
