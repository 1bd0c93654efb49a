import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createServiceClient, type ServiceClient } from './client.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A client of a real server that answers with `listener`. */
async function clientOf(
  listener: RequestListener,
  options: Partial<Parameters<typeof createServiceClient>[0]> & { path?: string } = {},
): Promise<{ client: ServiceClient; server: Server; baseUrl: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { path = '', ...limits } = options;
  const client = createServiceClient({
    service: 'driver',
    baseUrl: baseUrl + path,
    timeoutMs: 5_000,
    connections: 4,
    ...limits,
  });
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await client.close();
  });
  return { client, server, baseUrl };
}

const answer =
  (status: number, body: string, type = 'application/json'): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };

describe('a service client', () => {
  it('gets JSON, with the query encoded', async () => {
    const { client } = await clientOf((request, response) => response.end(JSON.stringify({ asked: request.url })));
    expect(await client.get('/near', { location: '1,2', name: 'a&b=c d', count: 3 }, z.unknown())).toEqual({
      asked: '/near?location=1%2C2&name=a%26b%3Dc+d&count=3',
    });
  });

  it.each(['/driver', '/driver/'])('keeps the path of its base URL: %s', async (path) => {
    const { client } = await clientOf((request, response) => response.end(JSON.stringify(request.url)), { path });
    expect(await client.get('/near', { count: 3 }, z.unknown())).toBe('/driver/near?count=3');
  });

  it('stops reading an answer that is too large', async () => {
    const { client } = await clientOf((_request, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({
      code: 'dependency_failed',
      message: 'driver answered with more than 1048576 bytes.',
    });
  });

  it('reports which release answered, also with a failure, and ignores other headers', async () => {
    const told: string[] = [];
    const answers: [number, Record<string, string | string[]>][] = [
      [200, { 'hotrod-release': '0.1.0+1a2b3c4' }],
      [500, { 'hotrod-release': '0.1.0+badc0de' }],
      [200, {}],
      [200, { 'hotrod-release': 'no, really' }],
      [200, { 'hotrod-release': ['1', '2'] }],
      [200, { 'hotrod-release': 'x'.repeat(65) }],
    ];
    const { client } = await clientOf(
      (_request, response) => {
        const [status, headers] = answers.shift() ?? [500, {}];
        response.writeHead(status, headers).end('{}');
      },
      { answeredBy: (release) => told.push(release) },
    );
    while (answers.length > 0) await client.get('/', {}, z.unknown()).catch(() => undefined);
    expect(told).toEqual(['0.1.0+1a2b3c4', '0.1.0+badc0de']);
  });

  it.each([
    ['reset', (request: IncomingMessage) => request.socket.resetAndDestroy()],
    ['closed', (request: IncomingMessage) => request.socket.destroy()],
  ])('retries once when the connection is %s before an answer begins', async (_how, end) => {
    let requests = 0;
    const { client } = await clientOf((request, response) => {
      requests += 1;
      if (requests === 1) end(request);
      else response.end('"second"');
    });
    expect(await client.get('/', {}, z.unknown())).toBe('second');
    expect(requests).toBe(2);
  });

  it('gives up a connection that has grown old, and none under way', async () => {
    let connections = 0;
    let finish: (() => void) | undefined;
    const { client, server } = await clientOf(
      (request, response) => {
        if (request.url?.startsWith('/slow')) finish = () => response.end('"slow"');
        else response.end('"quick"');
      },
      { connectionAgeMs: 1 },
    );
    server.on('connection', () => (connections += 1));
    const slow = client.get('/slow', {}, z.unknown());
    await expect.poll(() => finish).toBeDefined();
    for (let time = 0; time < 3; time += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await client.get('/quick', {}, z.unknown())).toBe('quick');
    }
    finish?.();
    expect(await slow).toBe('slow');
    expect(connections).toBe(4);
  });

  it('retries once', async () => {
    let requests = 0;
    const { client } = await clientOf((request) => {
      requests += 1;
      request.socket.destroy();
    });
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({ code: 'dependency_unavailable' });
    expect(requests).toBe(2);
  });

  it('does not retry when an answer has begun, or when the request may have changed something', async () => {
    let requests = 0;
    const { client } = await clientOf((request, response) => {
      requests += 1;
      if (request.method === 'GET') response.write('{"half":', () => request.socket.destroy());
      else request.socket.destroy();
    });
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({ code: 'dependency_unavailable' });
    await expect(client.post('/', {}, z.unknown())).rejects.toMatchObject({ code: 'dependency_unavailable' });
    expect(requests).toBe(2);
  });

  it('posts JSON', async () => {
    const { client } = await clientOf((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () =>
        response.end(JSON.stringify([request.method, request.headers['content-type'], JSON.parse(text)])),
      );
    });
    expect(await client.post('/claim', { driverId: 'T7', rideId: 'ü' }, z.unknown())).toEqual([
      'POST',
      'application/json',
      { driverId: 'T7', rideId: 'ü' },
    ]);
  });

  it('returns a null that was answered', async () => {
    const { client } = await clientOf(answer(200, 'null'));
    expect(await client.get('/', {}, z.unknown())).toBeNull();
  });

  it('uses its connections again', async () => {
    const { client, server } = await clientOf(answer(200, '{}'), { connections: 1 });
    let connections = 0;
    server.on('connection', () => (connections += 1));
    for (let call = 0; call < 5; call += 1) await client.get('/', {}, z.unknown());
    expect(connections).toBe(1);
  });

  it('revives the problem that the other service answered with', async () => {
    const problem = JSON.stringify({ code: 'conflict', detail: 'Driver T7 has another ride.', status: 409 });
    const { client } = await clientOf(answer(409, problem, 'application/problem+json'));
    await expect(client.post('/claim', {}, z.unknown())).rejects.toMatchObject({
      name: 'ServiceError',
      code: 'conflict',
      message: 'Driver T7 has another ride.',
    });
  });

  it.each([
    [500, '{"code":"internal","detail":"x"}', 'dependency_failed'],
    [503, 'upstream down', 'dependency_unavailable'],
    [504, '', 'dependency_timeout'],
    [404, '<html>Not Found</html>', 'dependency_failed'],
    [302, '', 'dependency_failed'],
    [200, '<html>Welcome</html>', 'dependency_failed'],
    [200, '', 'dependency_failed'],
    [204, '', 'dependency_failed'],
    [200, '{"cut":', 'dependency_failed'],
  ])('calls HTTP %i with body %j a %s, and names the service', async (status, body, code) => {
    const { client } = await clientOf(answer(status, body));
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({
      code,
      message: expect.stringContaining('driver'),
    });
  });

  it('calls an answer that breaks the contract dependency_failed, and keeps the reason as its cause', async () => {
    const { client } = await clientOf(answer(200, '{"id":"123"}'));
    await expect(client.get('/', {}, z.object({ id: z.int() }))).rejects.toMatchObject({
      code: 'dependency_failed',
      status: 502,
      message: expect.stringContaining('driver'),
      cause: { issues: [{ path: ['id'] }] },
    });
  });

  it('gives up on a service that does not answer in time', async () => {
    const { client } = await clientOf(() => {}, { timeoutMs: 50 });
    const start = performance.now();
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({
      code: 'dependency_timeout',
      status: 504,
      message: 'driver did not answer within 50 ms.',
    });
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('keeps the same deadline when the answer begins and does not end', async () => {
    const { client } = await clientOf(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"half":');
      },
      { timeoutMs: 50 },
    );
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({ code: 'dependency_timeout' });
  });

  it('counts the wait for a free connection into the deadline', async () => {
    const { client } = await clientOf(() => {}, { timeoutMs: 50, connections: 1 });
    const calls = await Promise.allSettled([1, 2, 3].map(() => client.get('/', {}, z.unknown())));
    expect(calls).toMatchObject(calls.map(() => ({ status: 'rejected', reason: { code: 'dependency_timeout' } })));
  });

  it('reports a refused connection with its cause', async () => {
    const { client, server, baseUrl } = await clientOf(answer(200, '{}'));
    await new Promise((resolve) => server.close(resolve));
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({
      code: 'dependency_unavailable',
      message: `driver cannot be reached at ${baseUrl}.`,
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('fails with a sentence when the connection breaks in the middle of an answer', async () => {
    const { client } = await clientOf((request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{');
      setTimeout(() => request.socket.destroy(), 10);
    });
    await expect(client.get('/', {}, z.unknown())).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });

  it('is ready when the other service is', async () => {
    const { client } = await clientOf((request, response) => {
      response.writeHead(request.url === '/readyz' ? 200 : 404).end('{}');
    });
    await expect(client.ready()).resolves.toBeUndefined();
  });

  it('is not ready when the other service is not', async () => {
    const { client } = await clientOf(answer(503, '{"status":"not ready"}'));
    await expect(client.ready()).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });
});
