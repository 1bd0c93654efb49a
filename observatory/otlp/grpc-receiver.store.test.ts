import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { Client, compressionAlgorithms, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';

import {
  holdStore,
  spanIdOf,
  spansRequest,
  startTestObservatory,
  temporaryDirectory,
} from '../fixtures/test-observatory.ts';
import { sql } from '../store/sql.ts';
import { createKeepingStore } from './fixtures/keeping-store.ts';
import { startCall } from './fixtures/raw-grpc-call.ts';
import { encodeProtobuf, type Request } from './fixtures/requests.ts';
import { plainSpans } from './fixtures/span-batches.ts';
import { type GrpcReceiverOptions, startGrpcReceiver } from './grpc-receiver.ts';
import { createTaking } from './taking.ts';

/** A receiver over a store that keeps what it is given, as long as it says that it has room. */
async function startAlone(changes: Partial<GrpcReceiverOptions> = {}) {
  const store = createKeepingStore();
  const receiver = await startGrpcReceiver(createTaking(store, store.telemetry), store.telemetry, {
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 200_000,
    ...changes,
  });
  return {
    receiver,
    store,
    telemetry: store.telemetry,
    [Symbol.asyncDispose]: () => receiver.close({ cutAfterMs: 0 }),
  };
}

const traceService = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const asItIs = (bytes: Buffer): Buffer => bytes;

function clientOf({ url }: { url: string }, options: object = {}): Client {
  const client = new Client(new URL(url).host, credentials.createInsecure(), {
    // A connection of its own: those of one process share one otherwise.
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

/** A call that has sent all of its message but the last byte. */
function stalledCall(url: string) {
  const raw = startCall(url, traceService, body.length, 'identity');
  raw.write(body.subarray(0, -1));
  onTestFinished(raw.cancel);
  return { ...raw, end: () => raw.end(body.subarray(-1)) };
}

/** A call that has sent all of its message, and does not end. */
function unendedCall(url: string) {
  const raw = startCall(url, traceService, body.length, 'identity');
  raw.write(body);
  onTestFinished(raw.cancel);
  return raw;
}

/** A call whose message says itself how it is compressed. */
function wholeCall(url: string, message: Buffer, encoding: string) {
  const raw = startCall(url, traceService, message.length, encoding);
  raw.end(message);
  onTestFinished(raw.cancel);
  return raw.answer;
}

interface Answer {
  code: status;
  body?: Buffer;
  message?: string;
  /** `grpc-status-details-bin` */
  details?: Buffer;
}

function call(
  client: Client,
  body: Buffer,
  { method = traceService, metadata = new Metadata(), withinMs = 10_000 } = {},
) {
  return new Promise<Answer>((resolve) => {
    const options = { deadline: Date.now() + withinMs };
    client.makeUnaryRequest(method, asItIs, asItIs, body, metadata, options, (error: ServiceError | null, answer) => {
      if (!error) return resolve({ code: status.OK, body: answer ?? Buffer.alloc(0) });
      const [details] = error.metadata.get('grpc-status-details-bin');
      resolve({ code: error.code, message: error.details, ...(Buffer.isBuffer(details) && { details }) });
    });
  });
}

const request: Request = spansRequest([
  { trace: 1, id: 1 },
  { trace: 1, id: 2, parent: 1 },
]);
const body = encodeProtobuf('spans', request);
const gzip = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip };

/** google.rpc.Status { code, message, details: [Any { RetryInfo { retry_delay: Duration { seconds: 1 } } }] } */
function statusWithRetry(code: number, message: string): Buffer {
  const type = 'type.googleapis.com/google.rpc.RetryInfo';
  const any = [0x0a, type.length, ...Buffer.from(type), 0x12, 4, 0x0a, 2, 0x08, 1];
  return Buffer.from([0x08, code, 0x12, message.length, ...Buffer.from(message), 0x1a, any.length, ...any]);
}

describe('an export call', () => {
  it.each([
    ['plain', {}],
    ['in gzip', gzip],
  ])('is taken %s, and answered with an empty message', async (_name, options) => {
    await using alone = await startAlone();
    expect(await call(clientOf(alone.receiver, options), body)).toEqual({ code: status.OK, body: Buffer.alloc(0) });
    expect(alone.store.taken.spans.flatMap(plainSpans).map((span) => span.spanId)).toEqual([spanIdOf(1), spanIdOf(2)]);
    expect(alone.telemetry.counts().received).toEqual({ spans: 2, logs: 0, metrics: 0 });
    expect(alone.telemetry.text()).toContain('otlp_requests_total{protocol="grpc",signal="spans",status="OK"} 1');
  });

  it('is accepted when it is empty', async () => {
    await using alone = await startAlone();
    expect((await call(clientOf(alone.receiver), Buffer.alloc(0))).code).toBe(status.OK);
  });

  it('with some invalid spans is a partial success', async () => {
    await using alone = await startAlone();
    const mixed = spansRequest([
      { trace: 1, id: 1 },
      { trace: 1, id: 2, more: { spanId: '00' } },
    ]);
    const reason = '1 not stored; of the first, its span id is not 8 bytes that are not all zero.';
    const answer = await call(clientOf(alone.receiver), encodeProtobuf('spans', mixed));
    // ExportTraceServiceResponse { partial_success (1): { rejected_spans (1): 1, error_message (2): reason } }
    expect(answer.body).toEqual(
      Buffer.concat([Buffer.from([0x0a, reason.length + 4, 0x08, 1, 0x12, reason.length]), Buffer.from(reason)]),
    );
    expect(alone.store.taken.spans.flatMap(plainSpans)).toHaveLength(1);
    expect(alone.telemetry.counts().refused.spans).toBe(1);
  });
});

describe('a call that cannot be taken', () => {
  const metadataOf = (name: string, value: string): Metadata => {
    const metadata = new Metadata();
    metadata.set(name, value);
    return metadata;
  };

  const tooLarge = 'The message is larger than the 200000 bytes that OBSERVATORY_MAX_BODY_MB allows.';

  it.each([
    ['bad bytes', 'INVALID_ARGUMENT', Buffer.from([0x0a, 0xff])],
    ['a message that is too large', 'RESOURCE_EXHAUSTED', Buffer.alloc(200_001)],
  ] as const)('%s: answers %s in a way that no exporter repeats', async (_name, code, bytes) => {
    await using alone = await startAlone();
    const client = clientOf(alone.receiver);
    const answer = await call(client, bytes);
    expect(status[answer.code]).toBe(code);
    expect(answer.details).toBe(undefined);
    if (code === 'RESOURCE_EXHAUSTED') expect(answer.message).toBe(tooLarge);
    expect(alone.store.taken.spans).toEqual([]);
    expect(alone.telemetry.text()).toContain(`{protocol="grpc",signal="spans",status="${code}"} 1`);
    // The next one on the same connection is taken.
    expect((await call(client, body)).code).toBe(status.OK);
  });

  it('is refused where gzip inflates to too much', async () => {
    await using alone = await startAlone();
    const answer = await call(clientOf(alone.receiver, gzip), Buffer.alloc(50_000_000));
    expect(status[answer.code]).toBe('RESOURCE_EXHAUSTED');
    expect(answer.details).toBe(undefined);
    expect(answer.message).toBe(tooLarge);
  });

  it('is malformed where gzip is cut off', async () => {
    await using alone = await startAlone();
    const answer = await wholeCall(alone.receiver.url, gzipSync(body).subarray(0, 40), 'gzip');
    expect(answer).toMatchObject({ 'grpc-status': String(status.INVALID_ARGUMENT) });
  });

  it('is UNIMPLEMENTED for another service, another method and another encoding', async () => {
    await using alone = await startAlone();
    const client = clientOf(alone.receiver);
    for (const method of [
      '/opentelemetry.proto.collector.trace.v1.TraceService/Import',
      '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
      '/v1/traces',
    ]) {
      expect((await call(client, body, { method })).code).toBe(status.UNIMPLEMENTED);
    }
    const answer = await wholeCall(alone.receiver.url, body, 'snappy');
    expect(answer).toMatchObject({ 'grpc-status': String(status.UNIMPLEMENTED) });
  });

  it('is RESOURCE_EXHAUSTED with RetryInfo where the queue is full, counted, and taken later', async () => {
    await using alone = await startAlone();
    const client = clientOf(alone.receiver);
    alone.store.room = false;
    alone.store.isFull = true;
    const message = 'The queue holds as many items as OBSERVATORY_QUEUE_ITEMS allows; send this again.';
    expect(await call(client, body)).toEqual({
      code: status.RESOURCE_EXHAUSTED,
      message,
      details: statusWithRetry(8, message),
    });
    expect(alone.telemetry.counts().refused.spans).toBe(2);
    alone.store.room = true;
    expect((await call(client, body)).code).toBe(status.OK);
    expect(alone.store.taken.spans.flatMap(plainSpans)).toHaveLength(2);
  });

  it('is UNAVAILABLE with the reason and RetryInfo where nothing can be stored', async () => {
    await using alone = await startAlone();
    alone.store.reason = 'the disk is full';
    const message = 'Send this again later: the disk is full.';
    expect(await call(clientOf(alone.receiver), body)).toEqual({
      code: status.UNAVAILABLE,
      message,
      details: statusWithRetry(14, message),
    });
  });

  it('of a page, which speaks HTTP/1.1, is not one', async () => {
    await using alone = await startAlone();
    const sent = fetch(alone.receiver.url + traceService, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc', origin: 'http://evil.example' },
      body: new Uint8Array(body),
    }).then((answer) => answer.status);
    expect([403, 'failed']).toContain(await sent.catch(() => 'failed'));
    expect(alone.store.taken.spans).toEqual([]);
    expect((await call(clientOf(alone.receiver), body, { metadata: metadataOf('x-own', 'a') })).code).toBe(status.OK);
  });
});

describe('a sender that is slow', () => {
  it('is told so where its message takes too long', async () => {
    await using alone = await startAlone({ patience: { wholeMs: 300, slowMs: 60_000 } });
    const answer = await stalledCall(alone.receiver.url).answer;
    expect(answer).toMatchObject({ 'grpc-status': String(status.DEADLINE_EXCEEDED) });
  });

  it('is told so where its message has come and its call does not end', async () => {
    await using alone = await startAlone({ patience: { wholeMs: 300, slowMs: 60_000 } });
    const { answer } = unendedCall(alone.receiver.url);
    const inTime = Promise.race([answer, setTimeout(10_000, 'no answer')]);
    expect(await inTime).toMatchObject({ 'grpc-status': String(status.DEADLINE_EXCEEDED) });
    expect(alone.store.taken.spans).toEqual([]);
  });

  it.each([
    ['all but the last byte', stalledCall],
    ['a message whose call does not end', unendedCall],
  ])('keeps nobody out who is quick: %s', async (_name, start) => {
    await using alone = await startAlone({ patience: { wholeMs: 60_000, slowMs: 100 } });
    // Every slot there is, and as many that wait for one.
    const slow = Array.from({ length: 16 }, () => start(alone.receiver.url));
    await Promise.all(slow.map(({ reached }) => reached()));
    expect((await call(clientOf(alone.receiver), body)).code).toBe(status.OK);
    const first = await Promise.race(slow.map(({ answer }) => answer));
    expect(first).toMatchObject({ 'grpc-status': String(status.RESOURCE_EXHAUSTED) });
  });

  it('does not hold its slot after it is gone', async () => {
    await using alone = await startAlone({ patience: { wholeMs: 60_000, slowMs: 60_000 } });
    const slow = Array.from({ length: 8 }, () => stalledCall(alone.receiver.url));
    await Promise.all(slow.map(({ reached }) => reached()));
    for (const { cancel } of slow) cancel();
    expect((await call(clientOf(alone.receiver), body)).code).toBe(status.OK);
  });
});

describe('a receiver that closes', () => {
  it('answers the call that is under way, and takes no further connection', async () => {
    const alone = await startAlone();
    const open = stalledCall(alone.receiver.url);
    await open.reached();
    const closed = alone.receiver.close({ cutAfterMs: 10_000 });
    open.end();
    expect(await open.answer).toMatchObject({ 'grpc-status': String(status.OK) });
    await closed;
    expect(alone.store.taken.spans.flatMap(plainSpans)).toHaveLength(2);
    expect((await call(clientOf(alone.receiver), body)).code).toBe(status.UNAVAILABLE);
  });

  it('cuts a call that does not end', async () => {
    const alone = await startAlone();
    const open = stalledCall(alone.receiver.url);
    open.answer.catch(() => undefined);
    await open.reached();
    await alone.receiver.close({ cutAfterMs: 100 });
    await expect(open.answer).rejects.toThrow();
  });
});

it('closes a connection whose other end answers nothing', async () => {
  await using alone = await startAlone({ keepalive: { afterMs: 100, answerMs: 100 } });
  const silent = connect(Number(new URL(alone.receiver.url).port), '127.0.0.1');
  onTestFinished(() => void silent.destroy());
  silent.resume();
  const closed = new Promise((resolve) => silent.once('close', () => resolve('closed')));
  expect(await Promise.race([closed, setTimeout(10_000, 'open')])).toBe('closed');
});

it('rejects with EADDRINUSE where the port is taken', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  await expect(startAlone({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

it('loses nothing that was acknowledged while it is full and when it closes', async () => {
  const directory = await temporaryDirectory();
  const observatory = await startTestObservatory(directory, { queueItems: 500 });
  const letGo = holdStore(observatory);
  const client = clientOf({ url: observatory.otlpGrpcUrl });
  const codes: status[] = [];
  const acknowledged = { spans: 0 };
  const ended = Promise.all(
    Array.from({ length: 40 }, async (_, trace) => {
      const spans = Array.from({ length: 100 }, (_item, id) => ({ trace: trace + 1, id: id + 1 }));
      const batch = encodeProtobuf('spans', spansRequest(spans));
      for (;;) {
        const answer = await call(client, batch, { withinMs: 60_000 });
        codes.push(answer.code);
        if (answer.code === status.OK) acknowledged.spans += 100;
        if (answer.code !== status.RESOURCE_EXHAUSTED) return;
        expect(answer.details?.length).toBeGreaterThan(0);
        await setTimeout(100);
      }
    }),
  );
  ended.catch(() => undefined); // awaited below, and no failure of the whole run until then
  await expect.poll(() => codes).toContain(status.RESOURCE_EXHAUSTED);
  letGo();
  // It closes while some are still refused.
  while (acknowledged.spans < 1_000) await setTimeout(20);
  await observatory.close();
  await ended;
  const again = await startTestObservatory(directory);
  const [row] = await again.database.exclusively((session) =>
    session.run(sql`SELECT count(*)::INTEGER AS n FROM spans`),
  );
  expect(row).toEqual({ n: acknowledged.spans });
});
