import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import express, { type Express } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createServiceClient } from './client.ts';
import { currentDeadline, deadlineHeader, throwIfNobodyWaits, whileSomebodyWaits, withDeadline } from './deadline.ts';
import { createLogger } from './logging.ts';
import { createApp, listen } from './server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function serve(requestTimeoutMs: number, routes: (app: Express) => void): Promise<string> {
  const app = createApp({ logger: createLogger('test', 'silent'), ready: {}, requestTimeoutMs, routes });
  const server = await listen(app, '127.0.0.1', 0);
  closing.push(() => server.close({ cutAfterMs: 100 }));
  return server.url;
}

function clientOf(baseUrl: string, timeoutMs = 60_000) {
  const client = createServiceClient({ service: 'behind', baseUrl, timeoutMs, connections: 2 });
  closing.push(client.close);
  return client;
}

/** How much time is left where it is asked for, in milliseconds. */
const tellRemaining = (app: Express) =>
  void app.get('/left', (_request, response) => void response.json(currentDeadline()?.remainingMs()));

const left = async (url: string, header?: string) => {
  const headers = header === undefined ? {} : { [deadlineHeader]: header };
  return (await (await fetch(`${url}/left`, { headers })).json()) as number;
};

describe('the deadline of a request', () => {
  it('is what the service allows, or what the caller says it waits for, whichever is sooner', async () => {
    const url = await serve(60_000, tellRemaining);
    expect(await left(url)).toBeGreaterThan(30_000);
    expect(await left(url, '5000')).toBeLessThanOrEqual(5_000);
    for (const nonsense of ['999999999', '-1', 'soon', '1e9', '']) {
      expect(await left(url, nonsense), nonsense).toBeGreaterThan(30_000);
      expect(await left(url, nonsense), nonsense).toBeLessThanOrEqual(60_000);
    }
  });

  it('is handed on, less what was spent, to a service behind the one behind', async () => {
    const last = clientOf(await serve(60_000, tellRemaining));
    const middle = clientOf(
      await serve(60_000, (app) => {
        app.get('/left', async (_request, response) => {
          await sleep(100);
          response.json(await last.get('/left', {}, z.number()));
        });
      }),
    );
    const remaining = await withDeadline(20_000, () => middle.get('/left', {}, z.number()));
    expect(remaining).toBeLessThanOrEqual(19_901);
    expect(remaining).toBeGreaterThan(1_000);
  });

  it('holds also after a body was read', async () => {
    const url = await serve(60_000, (app) => {
      app.post('/left', express.json(), (_request, response) => void response.json(currentDeadline()?.remainingMs()));
    });
    const headers = { 'content-type': 'application/json', [deadlineHeader]: '5000' };
    const answer = await fetch(`${url}/left`, { method: 'POST', body: '{}', headers });
    expect(await answer.json()).toBeLessThanOrEqual(5_000);
  });

  it('ends a call to a service that hangs, and says which one it is', async () => {
    const hung = createServer(() => {});
    await new Promise<void>((resolve) => hung.listen(0, '127.0.0.1', resolve));
    closing.push(
      () =>
        new Promise((resolve) => {
          hung.close(() => resolve());
          hung.closeAllConnections();
        }),
    );
    const behind = clientOf(`http://127.0.0.1:${(hung.address() as AddressInfo).port}`);
    const url = await serve(1_000, (app) => {
      app.get('/ask', async (_request, response) => void response.json(await behind.get('/', {}, z.unknown())));
    });
    const answer = await fetch(`${url}/ask`);
    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({
      code: 'dependency_timeout',
      // What is left of that second, not the minute that the client itself allows.
      detail: expect.stringMatching(/^behind did not answer within \d{1,4} ms\.$/),
    });
  });

  it('makes no call at all when it is over', async () => {
    let asked = 0;
    const behind = clientOf(
      await serve(60_000, (app) => {
        app.get('/ask', (_request, response) => {
          asked += 1;
          response.json({});
        });
      }),
    );
    const late = withDeadline(0, async () => {
      await sleep(20);
      return behind.get('/ask', {}, z.unknown());
    });
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded', status: 504 });
    expect(asked).toBe(0);
  });

  it('is over when the client has gone, in every service behind', async () => {
    const seen: string[] = [];
    const wait = async (name: string) => {
      try {
        await whileSomebodyWaits(sleep(60_000, undefined, { ref: false }));
      } catch (error) {
        seen.push(`${name}: ${(error as { code: string }).code}`);
        throw error;
      }
    };
    let reached = false;
    const behind = clientOf(
      await serve(60_000, (app) => {
        app.get('/wait', async () => {
          reached = true;
          await wait('behind');
        });
      }),
    );
    const url = await serve(60_000, (app) => {
      app.get('/wait', async () => {
        await behind.get('/wait', {}, z.unknown()).catch((error: unknown) => {
          seen.push(`front: ${(error as { code: string }).code}`);
          throw error;
        });
      });
    });
    const leaving = new AbortController();
    const answer = fetch(`${url}/wait`, { signal: leaving.signal });
    await expect.poll(() => reached).toBe(true);
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => seen.toSorted()).toEqual(['behind: cancelled', 'front: cancelled']);
  });

  it('is undefined outside of a request', async () => {
    expect(currentDeadline()).toBeUndefined();
    expect(throwIfNobodyWaits()).toBeUndefined();
    expect(await whileSomebodyWaits(Promise.resolve(1))).toBe(1);
  });
});
