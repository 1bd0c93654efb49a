import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';

import { describe, expect, it, onTestFinished } from 'vitest';

import {
  holdStore,
  spanIdOf,
  spansRequest,
  startTestObservatory,
  temporaryDirectory,
} from '../fixtures/test-observatory.ts';
import type { Observatory } from '../observatory.ts';
import type { Signal } from '../records/records.ts';
import { createKeepingStore } from './fixtures/keeping-store.ts';
import { encodeProtobuf, type Request } from './fixtures/requests.ts';
import { plainSpans } from './fixtures/span-batches.ts';
import { type HttpReceiverOptions, startHttpReceiver } from './http-receiver.ts';
import type { Receiver } from './receiver.ts';
import { createTaking } from './taking.ts';

/** A receiver over a store that keeps what it is given, as long as it says that it has room. */
async function startAlone(changes: Partial<HttpReceiverOptions> = {}) {
  const store = createKeepingStore();
  const receiver = await startHttpReceiver(createTaking(store, store.telemetry), store.telemetry, {
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 200_000,
    corsOrigins: [],
    hosts: [],
    ...changes,
  });
  const { taken, telemetry } = store;
  return { receiver, taken, store, telemetry, [Symbol.asyncDispose]: () => receiver.close({ cutAfterMs: 0 }) };
}

function post(
  receiver: Receiver | Observatory,
  body: Buffer | string,
  headers: Record<string, string> = {},
  path = '/v1/traces',
): Promise<Response> {
  const url = 'otlpUrl' in receiver ? receiver.otlpUrl : receiver.url;
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: new Uint8Array(Buffer.from(body)),
  });
}

/** The same with headers and targets that `fetch` does not let through. */
async function postAs(receiver: Receiver, headers: Record<string, string>, target = '/v1/traces') {
  const { hostname, port } = new URL(receiver.url);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = { ...json, ...headers };
  httpRequest({ hostname, port, path: target, method: 'POST', headers: sent }, resolve).on('error', reject).end('{}');
  const answer = await promise;
  return { status: answer.statusCode, body: await text(answer) };
}

const request: Request = spansRequest([
  { trace: 1, id: 1 },
  { trace: 1, id: 2, parent: 1 },
]);
const body = encodeProtobuf('spans', request);
const json = { 'content-type': 'application/json' };

describe('an export request', () => {
  it.each([
    ['protobuf', body, {}],
    ['JSON', JSON.stringify(request), json],
    ['JSON with a charset', JSON.stringify(request), { 'content-type': 'application/json; charset=utf-8' }],
    ['protobuf in gzip', gzipSync(body), { 'content-encoding': 'gzip' }],
    ['JSON in gzip', gzipSync(JSON.stringify(request)), { ...json, 'content-encoding': 'gzip' }],
    ['protobuf in deflate', deflateSync(body), { 'content-encoding': 'deflate' }],
  ])('is taken as %s, and answered in the same encoding', async (_name, bytes, headers) => {
    await using alone = await startAlone();
    const answer = await post(alone.receiver, bytes, headers);
    expect(answer.status).toBe(200);
    const isJson = 'content-type' in headers;
    expect(answer.headers.get('content-type')).toBe(isJson ? 'application/json' : 'application/x-protobuf');
    expect(await answer.text()).toBe(isJson ? '{}' : '');
    expect(alone.taken.spans.flatMap(plainSpans).map((span) => span.spanId)).toEqual([spanIdOf(1), spanIdOf(2)]);
    expect(alone.telemetry.counts().received).toEqual({ spans: 2, logs: 0, metrics: 0 });
  });

  it('is accepted when it is empty', async () => {
    await using alone = await startAlone();
    expect((await post(alone.receiver, '')).status).toBe(200);
    expect((await post(alone.receiver, '{}', json, '/v1/metrics')).status).toBe(200);
  });

  it('is accepted with an empty encoding, and with a whole URL as its target', async () => {
    await using alone = await startAlone();
    expect(await postAs(alone.receiver, { 'content-encoding': '' })).toEqual({ status: 200, body: '{}' });
    expect(await postAs(alone.receiver, {}, 'http://h:4318/v1/traces?a')).toEqual({ status: 200, body: '{}' });
    expect((await postAs(alone.receiver, {}, 'http://h/v1/trace')).status).toBe(404);
  });

  it('with some invalid spans is a partial success', async () => {
    await using alone = await startAlone();
    const mixed = spansRequest([
      { trace: 1, id: 1 },
      { trace: 1, id: 2, more: { spanId: '00' } },
    ]);
    const reason = '1 not stored; of the first, its span id is not 8 bytes that are not all zero.';
    const answer = await post(alone.receiver, JSON.stringify(mixed), json);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ partialSuccess: { rejectedSpans: '1', errorMessage: reason } });
    const binary = Buffer.from(await (await post(alone.receiver, encodeProtobuf('spans', mixed))).arrayBuffer());
    // ExportTraceServiceResponse { partial_success (1): { rejected_spans (1): 1, error_message (2): reason } }
    expect(binary).toEqual(
      Buffer.concat([Buffer.from([0x0a, reason.length + 4, 0x08, 1, 0x12, reason.length]), Buffer.from(reason)]),
    );
    expect(alone.taken.spans.flatMap(plainSpans)).toHaveLength(2);
    expect(alone.telemetry.counts().refused.spans).toBe(2);
  });
});

describe('a request that cannot be taken', () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  it.each([
    ['bad bytes', 400, Buffer.from([0x0a, 0xff]), {}],
    ['bad JSON', 400, '{"resourceSpans":', json],
    ['bytes that are no gzip', 400, body, { 'content-encoding': 'gzip' }],
    ['gzip that is cut off', 400, gzipSync(body).subarray(0, 40), { 'content-encoding': 'gzip' }],
    ['a body that is too large', 413, Buffer.alloc(200_001), {}],
    ['gzip that inflates to too much', 413, bomb, { 'content-encoding': 'gzip' }],
    ['another content type', 415, body, { 'content-type': 'text/plain' }],
    ['another content encoding', 415, body, { 'content-encoding': 'br' }],
  ])('%s: %i, with a status in the encoding that was asked', async (_name, status, bytes, headers) => {
    await using alone = await startAlone();
    const answer = await post(alone.receiver, bytes, headers);
    expect(answer.status).toBe(status);
    const content = Buffer.from(await answer.arrayBuffer());
    if (answer.headers.get('content-type') === 'application/json') {
      expect(JSON.parse(content.toString())).toEqual({ code: 3, message: expect.stringMatching(/\.$/) });
    } else {
      // google.rpc.Status { code (1): INVALID_ARGUMENT, message (2) }
      expect([...content.subarray(0, 3), content[3]]).toEqual([0x08, 3, 0x12, content.length - 4]);
    }
    expect(alone.taken).toEqual({ spans: [], logs: [], metrics: [] });
    // The next one on the same connection is taken.
    expect((await post(alone.receiver, body)).status).toBe(200);
  });

  it('is answered with 405 for another method, and with 404 at another path', async () => {
    await using alone = await startAlone();
    const wrongMethod = await fetch(`${alone.receiver.url}/v1/traces`);
    expect(wrongMethod.status).toBe(405);
    expect(wrongMethod.headers.get('allow')).toBe('POST');
    expect((await post(alone.receiver, body, {}, '/v1/trace')).status).toBe(404);
    expect((await fetch(alone.receiver.url)).status).toBe(404);
  });

  it('is told which setting bounds its size', async () => {
    await using alone = await startAlone();
    for (const [bytes, headers] of [
      [Buffer.alloc(200_001), {}],
      [bomb, { 'content-encoding': 'gzip' }],
    ] as const)
      expect(await (await post(alone.receiver, bytes, headers)).text()).toContain(
        'larger than the 200000 bytes that OBSERVATORY_MAX_BODY_MB allows',
      );
  });

  it('is answered with 429 and Retry-After while the queue is full, counted, and accepted later', async () => {
    await using alone = await startAlone();
    alone.store.room = false;
    const answer = await post(alone.receiver, body);
    expect(answer.status).toBe(429);
    expect(await answer.text()).not.toContain('OBSERVATORY_'); // no setting makes the store quicker
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(alone.telemetry.counts().refused.spans).toBe(2);
    alone.store.room = true;
    expect((await post(alone.receiver, body)).status).toBe(200);
    expect(alone.taken.spans.flatMap(plainSpans)).toHaveLength(2);
  });
});

describe('pages of other origins', () => {
  const preflight = (receiver: Receiver, origin: string): Promise<Response> =>
    fetch(`${receiver.url}/v1/traces`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });

  it('may not send when no origin is configured', async () => {
    await using alone = await startAlone();
    const answer = await preflight(alone.receiver, 'http://localhost:8080');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('access-control-allow-origin')).toBe(null);
  });

  it('may send when their origin is configured', async () => {
    await using alone = await startAlone({ corsOrigins: ['http://localhost:8080'] });
    const answer = await preflight(alone.receiver, 'http://localhost:8080');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:8080');
    expect(answer.headers.get('access-control-allow-headers')).toContain('content-type');
    const sent = await post(alone.receiver, body, { origin: 'http://localhost:8080' });
    expect(sent.headers.get('access-control-allow-origin')).toBe('http://localhost:8080');
    const other = await preflight(alone.receiver, 'http://evil.example');
    expect(other.headers.get('access-control-allow-origin')).toBe(null);
  });
});

describe('a request by a name that is not ours', () => {
  const host = 'evil.example.com';
  const origin = `http://${host}:4318`;

  it.each([origin, 'null'])('is refused where it is of a page: %s', async (of) => {
    await using alone = await startAlone({ hosts: ['observatory.example.com'] });
    const answer = await postAs(alone.receiver, { host: `${host}:4318`, origin: of });
    expect(answer.status).toBe(421);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 7 });
  });

  it('is taken of an exporter', async () => {
    await using alone = await startAlone();
    expect((await postAs(alone.receiver, { host: 'observatory.hotrod.svc.cluster.local:4318' })).status).toBe(200);
  });

  it('is taken of a page whose origin or host is configured', async () => {
    await using alone = await startAlone({ corsOrigins: [origin] });
    expect((await postAs(alone.receiver, { host, origin })).status).toBe(200);
    await using named = await startAlone({ hosts: [host] });
    expect((await postAs(named.receiver, { host, origin })).status).toBe(200);
  });

  it.each(['localhost:4318', '127.0.0.1:4318', '[::1]:4318', 'observatory', 'app.localhost'])(
    'is not one by %s',
    async (ours) => {
      await using alone = await startAlone();
      expect((await postAs(alone.receiver, { host: ours, origin: 'http://localhost:8080' })).status).toBe(200);
    },
  );
});

/** A request that announces more than it sends; `answer` is the first of it, from its status line on. */
function startBody(receiver: Receiver, announced: number): { write(bytes: number): void; answer: Promise<string> } {
  const { hostname, port } = new URL(receiver.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${announced}\r\n\r\n`,
  );
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('data', (data) => resolve(String(data)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
  });
  answer.catch(() => undefined); // not all of them are waited for
  return { write: (bytes) => void socket.write(Buffer.alloc(bytes)), answer };
}

describe('a sender that is slow', () => {
  const patience = { stallMs: 60_000, wholeMs: 60_000, slowMs: 60_000 };

  it('is answered with 408 when its body stalls, and when it takes too long', async () => {
    await using stalling = await startAlone({ patience: { ...patience, stallMs: 300 } });
    const stalled = startBody(stalling.receiver, 100_000);
    stalled.write(10_000);
    expect(await stalled.answer).toMatch(/^HTTP\/1.1 408/);
    await using patient = await startAlone({ patience: { ...patience, wholeMs: 500 } });
    const dripping = startBody(patient.receiver, 100_000);
    const drops = setInterval(() => dripping.write(10), 50);
    expect(await dripping.answer).toMatch(/^HTTP\/1.1 408/);
    clearInterval(drops);
  });

  it('leaves room for quick senders', async () => {
    await using alone = await startAlone({ patience: { ...patience, slowMs: 0 } });
    // All the room there is, eight times the largest body, in bytes that have come.
    const slow = Array.from({ length: 8 }, () => startBody(alone.receiver, 200_000));
    for (const each of slow) each.write(199_000);
    const answered: string[] = [];
    for (const { answer } of slow) {
      answer.then(
        (line) => answered.push(line),
        () => undefined,
      );
    }
    const large = encodeProtobuf(
      'spans',
      spansRequest([{ trace: 1, id: 1, attributes: { text: 'x'.repeat(150_000) } }]),
    );
    // Again and again: their bytes may still be under way, so that there is room for the first of these.
    while (answered.length === 0) expect((await post(alone.receiver, large)).status).toBe(200);
    expect(answered[0]).toMatch(/^HTTP\/1.1 429[^]*OBSERVATORY_MAX_BODY_MB/);
  });

  it('is not cut while it is not slow yet: others are refused, and told which setting bounds the room', async () => {
    await using alone = await startAlone({ patience });
    const open = Array.from({ length: 8 }, () => startBody(alone.receiver, 200_000));
    for (const each of open) each.write(199_000);
    const large = encodeProtobuf(
      'spans',
      spansRequest([{ trace: 1, id: 1, attributes: { text: 'x'.repeat(150_000) } }]),
    );
    // Again and again: the bytes of the others may still be under way.
    let answer = await post(alone.receiver, large);
    while (answer.status === 200) answer = await post(alone.receiver, large);
    expect(answer.status).toBe(429);
    expect(await answer.text()).toContain('OBSERVATORY_MAX_BODY_MB');
  });

  it('reserves no room for the length that it only announces', async () => {
    await using alone = await startAlone({ patience });
    for (let index = 0; index < 50; index += 1) startBody(alone.receiver, 200_000).write(10);
    const large = encodeProtobuf(
      'spans',
      spansRequest([{ trace: 1, id: 1, attributes: { text: 'x'.repeat(150_000) } }]),
    );
    expect((await post(alone.receiver, large)).status).toBe(200);
  });
});

describe('back-pressure', () => {
  it('refuses what the queue cannot hold, and loses nothing that was acknowledged', async () => {
    const observatory = await startTestObservatory(await temporaryDirectory(), { queueItems: 500 });
    const letGo = holdStore(observatory);
    const statuses: number[] = [];
    let acknowledged = 0;
    const sent = Promise.all(
      Array.from({ length: 40 }, async (_, trace) => {
        const batch = encodeProtobuf(
          'spans',
          spansRequest(Array.from({ length: 100 }, (_item, id) => ({ trace: trace + 1, id: id + 1 }))),
        );
        for (;;) {
          const answer = await post(observatory, batch);
          statuses.push(answer.status);
          if (answer.status === 200) {
            acknowledged += 100;
            return;
          }
          expect(answer.headers.get('retry-after')).toBe('1');
          await setTimeout(100);
        }
      }),
    );
    sent.catch(() => undefined); // awaited below, and no failure of the whole run until then
    await expect.poll(() => statuses).toContain(429);
    letGo();
    await sent;
    expect(acknowledged).toBe(4_000);
    await observatory.flush();
    const status = await observatory.parts.status();
    const signals: Signal[] = ['spans', 'logs', 'metrics'];
    expect(signals.map((signal) => [status.received[signal], status.stored[signal]])).toEqual([
      [4_000, 4_000],
      [0, 0],
      [0, 0],
    ]);
    expect(status.refused.spans).toBe(statuses.filter((code) => code === 429).length * 100);
    expect(status).toMatchObject({ queue: { items: 0, limit: 500 }, traces: 40 });
  });
});
