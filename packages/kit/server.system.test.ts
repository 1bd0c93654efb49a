import { Agent, get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';

import express, { type Express } from 'express';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { ServiceError } from './errors.ts';
import { createApp, listen, type ReadinessCheck, type RunningServer } from './server.ts';

interface Line {
  level: number;
  msg: string;
  code?: string;
  err?: { message: string };
}

let lines: Line[];
const servers: RunningServer[] = [];
beforeEach(() => {
  lines = [];
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(
  routes: (app: Express) => void = () => {},
  ready: Readonly<Record<string, ReadinessCheck>> = {},
  behind: Readonly<Record<string, ReadinessCheck>> = {},
): Promise<RunningServer> {
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
  const server = await listen(createApp({ logger, ready, behind, routes }), '127.0.0.1', 0);
  servers.push(server);
  return server;
}

/** Sends a target that `fetch` would not. */
function askFor(target: string, url: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    get({ hostname, port, path: target }, resolve).on('error', reject);
  });
}

/** Waits for something that another turn of the event loop brings. */
async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 30_000, interval: 5 });
}

describe('the release', () => {
  it.each(['/healthz', '/nowhere'])('is told with every answer, also with a failure: %s', async (path) => {
    const logger = pino({ level: 'silent' });
    const app = createApp({ logger, ready: {}, release: '0.1.0+1a2b3c4', routes: () => {} });
    const server = await listen(app, '127.0.0.1', 0);
    servers.push(server);
    const response = await fetch(server.url + path);
    expect(response.headers.get('hotrod-release')).toBe('0.1.0+1a2b3c4');
  });

  it.each([undefined, null, 'two\nlines'])('is not told where it is %j', async (release) => {
    const logger = pino({ level: 'silent' });
    const app = createApp({ logger, ready: {}, ...(release === undefined ? {} : { release }), routes: () => {} });
    const server = await listen(app, '127.0.0.1', 0);
    servers.push(server);
    const response = await fetch(`${server.url}/healthz`);
    expect(response.status).toBe(200);
    expect(response.headers.has('hotrod-release')).toBe(false);
  });
});

describe('health', () => {
  it('is alive, whatever its parts do', async () => {
    const { url } = await serve(() => {}, { postgres: () => Promise.reject(new Error('down')) });
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok' });
  });

  it('is ready when its own parts answer', async () => {
    const { url } = await serve(() => {}, { postgres: async () => {}, queue: async () => {} });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', failures: [], behind: {} });
  });

  it('says which of its own parts do not answer, and only those', async () => {
    const { url } = await serve(() => {}, {
      postgres: () => Promise.reject(new Error('no connection')),
      queue: async () => {},
      disk: () => {
        throw new Error('at once');
      },
    });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: 'not ready',
      failures: ['postgres: no connection', 'disk: at once'],
      behind: {},
    });
  });

  it('stays ready when the services behind it fail, and reports them', async () => {
    const { url } = await serve(
      () => {},
      { postgres: async () => {} },
      { customer: () => Promise.reject(new Error('cannot be reached')), route: async () => {} },
    );
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'ok',
      failures: [],
      behind: { customer: 'cannot be reached', route: 'ok' },
    });
  });

  it('does not wait for a part of its own that never answers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const asked = Promise.withResolvers<void>();
    const { url } = await serve(() => {}, { postgres: () => hang(asked) });
    const answer = askReady(url);
    await asked.promise;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await answer).toMatchObject({
      status: 503,
      body: expect.stringContaining('postgres: no answer within 2000 ms'),
    });
  });

  it('answers well within the timeout of a probe when a service behind it never answers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const asked = Promise.withResolvers<void>();
    const { url } = await serve(() => {}, { postgres: async () => {} }, { customer: () => hang(asked) });
    const answer = askReady(url);
    await asked.promise;
    await vi.advanceTimersByTimeAsync(500);
    expect(await answer).toMatchObject({
      status: 200,
      body: expect.stringContaining('"customer":"no answer within 500 ms"'),
    });
  });

  /** A check that says when it was asked, and never answers. */
  function hang(asked: PromiseWithResolvers<void>): Promise<never> {
    asked.resolve();
    return new Promise(() => {});
  }

  /** Asks `/readyz` by the clock of the system, whatever the test does to timers. */
  function askReady(url: string): Promise<{ status: number | undefined; body: string }> {
    return new Promise((resolve, reject) => {
      get(`${url}/readyz`, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
      }).on('error', reject);
    });
  }
});

describe('failures', () => {
  it('answers with a problem document where there is nothing', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/nothing?password=hunter2`, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toEqual({
      type: 'urn:hotrod:problem:not_found',
      title: 'There is no such thing',
      status: 404,
      detail: 'There is nothing at POST /nothing.',
      code: 'not_found',
    });
  });

  it('does not tell a stranger what it is made of', async () => {
    const { url } = await serve();
    const { headers } = await fetch(`${url}/nothing`);
    expect([...headers.keys()]).not.toContain('x-powered-by');
  });

  it.each<[string, (app: Express) => void]>([
    [
      'thrown',
      (app) =>
        app.get('/', () => {
          throw new Error('password=hunter2');
        }),
    ],
    [
      'thrown later',
      (app) =>
        app.get('/', async () => {
          await Promise.resolve();
          throw new Error('password=hunter2');
        }),
    ],
  ])('keeps the cause of what was %s in the log, away from strangers', async (_when, routes) => {
    const { url } = await serve(routes);
    const response = await fetch(url);
    const body = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(body)).toMatchObject({ code: 'internal', status: 500 });
    expect(body).not.toMatch(/hunter2|server\.test/);
    expect(lines).toMatchObject([{ level: 50, code: 'internal', err: { message: 'password=hunter2' } }]);
  });

  it('answers with the error that a handler threw, logged as what it is', async () => {
    const { url } = await serve((app) => {
      app.get('/taken', () => {
        throw new ServiceError('conflict', 'Taken.');
      });
      app.get('/down', () => {
        throw new ServiceError('unavailable', 'Down.', { cause: new Error('ECONNREFUSED') });
      });
    });
    expect(await (await fetch(`${url}/taken`)).json()).toMatchObject({ code: 'conflict', detail: 'Taken.' });
    expect(await (await fetch(`${url}/down`)).json()).toMatchObject({ code: 'unavailable', detail: 'Down.' });
    expect(lines).toMatchObject([
      { level: 30, msg: 'Taken.' },
      { level: 50, msg: 'Down.', err: { message: 'ECONNREFUSED' } },
    ]);
  });

  it.each([
    ['is no JSON', '{"driverId":', 400, 'invalid_argument'],
    ['is too long', JSON.stringify({ text: 'x'.repeat(2_000) }), 413, 'payload_too_large'],
  ])('blames the caller for a body that %s', async (_what, body, status, code) => {
    const { url } = await serve((app) => {
      app.post('/claim', express.json({ limit: '1kb' }), (_request, response) => {
        response.json({});
      });
    });
    const response = await fetch(`${url}/claim`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
    expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
  });

  it('blames the caller for a path that cannot be decoded', async () => {
    const { url } = await serve((app) => app.get('/ride/:id', (_request, response) => void response.json({})));
    expect((await fetch(`${url}/ride/%E0%A4%A`)).status).toBe(400);
  });

  it.each(['http://[', 'http://', 'http://localhost:99999/healthz', 'http://%@localhost/healthz', 'none://'])(
    'blames the caller for the malformed target %s',
    async (target) => {
      const response = await askFor(target, (await serve()).url);
      expect(response).toMatchObject({ statusCode: 400, headers: { 'content-type': 'application/problem+json' } });
      expect(JSON.parse(await text(response))).toMatchObject({ status: 400, code: 'invalid_argument' });
    },
  );

  it.each(['http://localhost/healthz', 'http://localhost:8081/healthz'])('takes a whole URL: %s', async (target) => {
    const response = await askFor(target, (await serve()).url);
    expect(await text(response)).toBe('{"status":"ok"}');
  });

  it('cuts an answer that fails in the middle, and answers the next', async () => {
    const { url } = await serve((app) => {
      app.get('/half', (_request, response) => {
        response.write('{"half":');
        throw new Error('too late');
      });
    });
    await expect(fetch(`${url}/half`).then((response) => response.text())).rejects.toThrow();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('listen', () => {
  it('rejects where the port is taken, with the code and the port', async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    await expect(
      listen(createApp({ logger: pino({ enabled: false }), ready: {}, routes: () => {} }), '127.0.0.1', port),
    ).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  it('lets an open request finish while it closes, takes no new one, and does not wait for kept connections', async () => {
    let finish: (() => void) | undefined;
    const { url, close } = await serve((app) => {
      app.get('/slow', (_request, response) => {
        finish = () => response.json({ done: true });
      });
    });
    // Keeps its connection open after the answer, as undici and every browser do.
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<string>((resolve, reject) => {
      get(`${url}/slow`, { agent }, (response) => void text(response).then(resolve, reject)).on('error', reject);
    });
    await until(() => finish !== undefined);
    let closed = false;
    const closing = close().then(() => (closed = true));
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    expect(closed).toBe(false);
    finish?.();
    expect(await answer).toBe('{"done":true}');
    const start = performance.now();
    await closing;
    // Without care it is the keep-alive timeout of 65 s.
    expect(performance.now() - start).toBeLessThan(20_000);
    agent.destroy();
  });

  /** Asks on a connection of its own, which is kept for the next question. */
  function client() {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    return (url: string) =>
      new Promise<{ body: string; headers: IncomingHttpHeaders; reused: boolean }>((resolve, reject) => {
        const request = get(url, { agent }, (response) => {
          text(response).then(
            (body) => resolve({ body, headers: response.headers, reused: request.reusedSocket }),
            reject,
          );
        }).on('error', reject);
      });
  }

  it('gives up a connection that has grown old, so that later instances get their share', async () => {
    const app = createApp({ logger: pino({ enabled: false }), ready: {}, routes: () => {} });
    const server = await listen(app, '127.0.0.1', 0, { connectionAgeMs: 0 });
    servers.push(server);
    const ask = client();
    expect((await ask(`${server.url}/healthz`)).headers.connection).toBe('close');
    expect(await ask(`${server.url}/healthz`)).toMatchObject({ reused: false, body: '{"status":"ok"}' });
  });

  describe('while it closes', () => {
    it('answers on a kept connection, and says that this was the last time', async () => {
      const { url, close } = await serve();
      const ask = client();
      expect((await ask(`${url}/healthz`)).headers).toMatchObject({
        connection: 'keep-alive',
        'keep-alive': 'timeout=5',
      });
      const hurry = new AbortController();
      const closing = close({ hurry: hurry.signal });
      const last = await ask(`${url}/healthz`);
      expect(last).toMatchObject({ reused: true, headers: { connection: 'close' } });
      await closing; // with the last connection, and before anybody hurries
      await expect(ask(`${url}/healthz`)).rejects.toThrow('ECONNREFUSED');
      expect(hurry.signal.aborted).toBe(false);
    });

    it('says so, too, in the answer to a request that was under way', async () => {
      let finish: (() => void) | undefined;
      const { url, close } = await serve((app) => {
        app.get('/slow', (_request, response) => {
          finish = () => response.json({ done: true });
        });
      });
      const answer = client()(`${url}/slow`);
      await until(() => finish !== undefined);
      const closing = close({ hurry: new AbortController().signal });
      finish?.();
      expect((await answer).headers.connection).toBe('close');
      await closing;
    });

    it('keeps idle connections until it has to hurry', async () => {
      const { url, close } = await serve();
      await client()(`${url}/healthz`);
      const hurry = new AbortController();
      let closed = false;
      const closing = close({ hurry: hurry.signal }).then(() => (closed = true));
      await setTimeout(100);
      expect(closed).toBe(false);
      hurry.abort();
      await closing;
    });

    it('cuts requests that take too long', async () => {
      let reached = false;
      const { url, close } = await serve((app) => {
        app.get('/never', () => void (reached = true));
      });
      const answer = client()(`${url}/never`);
      const failed = expect(answer).rejects.toThrow('socket hang up');
      await until(() => reached);
      await close({ cutAfterMs: 50 });
      await failed;
    });
  });
});
