import { get, type IncomingMessage } from 'node:http';

import { createLogger } from '@hotrod/kit/logging';
import { createApp, listen, type RunningServer } from '@hotrod/kit/server';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { type OtlpReceiver, startOtlpReceiver } from '../../tests/harness/otlp-receiver.ts';
import { type RunningProcess, startService } from '../../tests/harness/suite.ts';
import { type RideEvent, rideEventSchema } from './contract.ts';
import { eventRoutes } from './event-routes.ts';
import { createRideFeed, type RideFeed } from './ride-feed.ts';

/** What is certain to have happened by then, on however slow a machine. */
const soon = { timeout: 30_000, interval: 10 };
const order = { customerId: 123, clientId: 'tab', requestId: 'tab-1' };

const running: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.close()));
});

async function serve(feed: RideFeed, log = (_line: string) => {}): Promise<RunningServer> {
  const logger = createLogger('test', 'info', { write: log });
  const server = await listen(
    createApp({ logger, ready: {}, allowedHosts: [], routes: eventRoutes(feed) }),
    '127.0.0.1',
    0,
  );
  running.push(server);
  return server;
}

/** A reader of a stream of events, which may stop reading. */
async function open(url: string, headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(`${url}/events?client=tab`, { headers, agent: false }, resolve).on('error', reject),
  );
  let text = '';
  const stream = { response, ended: false, cut: false, messages, events };
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  response.once('end', () => (stream.ended = true)).once('error', () => (stream.cut = true));
  running.push({ close: async () => response.destroy() });
  function messages(): { event: string; data: string }[] {
    const complete = text.split('\n\n').slice(0, -1);
    return complete.flatMap((message) => {
      const match = /^event: (\w+)\ndata: (.*)$/.exec(message);
      return match ? [{ event: match[1] ?? '', data: match[2] ?? '' }] : [];
    });
  }
  function events(): RideEvent[] {
    return messages()
      .filter(({ event }) => event === 'rides')
      .flatMap(({ data }) => z.array(rideEventSchema).parse(JSON.parse(data)));
  }
  return stream;
}

describe('GET /events', () => {
  it('is a stream that no cache and no proxy keeps', async () => {
    const feed = createRideFeed();
    feed.ordered(order);
    const stream = await open((await serve(feed)).url);
    expect(stream.response.statusCode).toBe(200);
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
    await expect.poll(stream.events, soon).toMatchObject([{ kind: 'ordered', customerId: 123, requestId: 'tab-1' }]);
  });

  it.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403], // another port of this machine
    [{ host: 'rebound.example' }, 421],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
  ])('answers a request with %j with %d', async (headers, status) => {
    const stream = await open((await serve(createRideFeed())).url, headers);
    expect(stream.response.statusCode).toBe(status);
    if (status !== 200) expect(stream.response.headers['content-type']).toContain('problem+json');
  });

  it('takes so many readers and no more, until one goes', async () => {
    const { url } = await serve(createRideFeed({ subscribers: 3 }));
    const streams = await Promise.all([open(url), open(url), open(url)]);
    const refused = await open(url);
    expect([refused.response.statusCode, refused.response.headers['retry-after']]).toEqual([429, '10']);
    streams[0]?.response.destroy();
    await expect.poll(async () => (await open(url)).response.statusCode, soon).toBe(200);
  });

  it('drops a reader that does not read, and the others miss nothing', async () => {
    const feed = createRideFeed({ messageIntervalMs: 1, eventsPerMessage: 10_000 });
    const { url } = await serve(feed);
    const [slow, good] = [await open(url), await open(url)];
    slow.response.pause();
    const route = Array.from({ length: 200 }, (_, n) => ({ x: n, y: n }));
    const driver = { id: 'T70', location: { x: 1, y: 2 } };
    const customer = { id: 123, name: 'N', location: { x: 1, y: 2 } };
    let rides = 0;
    // More than the system's own buffers hold, too.
    while (!slow.cut && rides < 100_000) {
      for (let n = 0; n < 20; n += 1) {
        const ride = { requestId: 'r', customer, driver, etaSeconds: 1, etaMinutes: 1, distance: 1, route };
        feed.ordered({ ...order, clientId: 'load' }).dispatched(ride, null);
        rides += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (rides > 20_000) slow.response.resume(); // it learns that it was dropped once it reads on
    }
    expect(slow.cut).toBe(true);
    await expect.poll(() => good.events().length, soon).toBe(2 * rides);
    expect(good.ended || good.cut).toBe(false);
  });

  it('sends a page that comes while a server ends to the next one, on another connection, and logs no failure', async () => {
    const feed = createRideFeed();
    const logged: string[] = [];
    const server = await serve(feed, (line) => logged.push(line));
    feed.leave(new AbortController().signal);
    const answer = await fetch(`${server.url}/events`);
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('connection')]).toEqual([
      503,
      '1',
      'close',
    ]);
    expect(logged).toEqual([]);
  });

  it('lets a server close as soon as it could without readers', async () => {
    const feed = createRideFeed();
    const server = await serve(feed);
    const streams = await Promise.all(Array.from({ length: 20 }, () => open(server.url)));
    const ride = feed.ordered(order);
    const hurry = new AbortController();
    let closed = false;
    const closing = server.close({ hurry: hurry.signal }).then(() => (closed = true));
    feed.leave(hurry.signal);
    for (const stream of streams) await expect.poll(() => stream.messages().at(-1)?.event, soon).toBe('leaving');
    expect(closed).toBe(false);
    ride.failed({ code: 'cancelled' } as never, null);
    await closing;
    await expect.poll(() => streams.every(({ ended }) => ended), soon).toBe(true);
    expect(streams.every((stream) => stream.events().at(-1)?.kind === 'failed')).toBe(true);
  });
});

describe('the stream of a frontend', () => {
  let receiver: OtlpReceiver;
  let frontend: RunningProcess;
  const nobody = 'http://127.0.0.1:1';

  async function start(): Promise<void> {
    receiver = await startOtlpReceiver();
    running.push(receiver);
    frontend = await startService('frontend', {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      CUSTOMER_URL: nobody,
      DRIVER_URL: nobody,
      ROUTE_URL: nobody,
      DRAIN_MS: '60000',
    });
    running.push({ close: () => frontend.stop('SIGKILL') });
  }

  it('tells of rides with their traces, leaves no span of its own, and keeps no frontend from ending', async () => {
    await start();
    const streams = await Promise.all(Array.from({ length: 40 }, () => open(frontend.url)));
    const answer = await fetch(`${frontend.url}/dispatch?customer=123`, {
      headers: { client: 'tab', connection: 'close' },
    });
    await answer.text();
    const traceId = answer.headers.get('traceresponse')?.split('-')[1];
    for (const stream of streams) {
      await expect.poll(stream.events, soon).toMatchObject([
        { kind: 'ordered', requestId: expect.any(String) },
        { kind: 'failed', code: 'dependency_unavailable', traceId },
      ]);
    }
    const stoppedMs = performance.now();
    const code = await frontend.stop('SIGTERM');
    expect(code).toBe(0);
    // The drain would keep idle connections for a minute; streams are no reason to wait, and neither are their connections.
    expect(performance.now() - stoppedMs).toBeLessThan(45_000);
    await expect.poll(() => streams.every(({ ended }) => ended), soon).toBe(true);
    expect(streams[0]?.messages().at(-1)?.event).toBe('leaving');
    const paths = receiver.spans.map(({ attributes }) => attributes['url.path']);
    expect(paths).toContain('/dispatch');
    expect(paths).not.toContain('/events');
  });
});
