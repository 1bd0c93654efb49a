import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, onTestFinished, test } from 'vitest';

import { UsageError } from '../command.ts';
import { closeMarker, createMarker, listMarkers, type Marker } from './honeycomb.ts';

const fields = { start_time: 1_795_000_000, message: 'build 42 🚀', type: 'deploy', url: 'https://ci.example.org/42' };
const key = 'k3y-nobody-may-see';

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Asked {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
}

/** Behaves as Honeycomb's API does, as far as that an update replaces the whole marker. */
async function serveMarkers() {
  const asked: Asked[] = [];
  const markers = new Map<string, unknown>();
  const host = await serve((request, response) => {
    const { method, url, headers } = request;
    asked.push({ method, url, headers });
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const id = method === 'POST' ? `marker-${markers.size + 1}` : (url?.split('/').at(-1) ?? '');
      if (method === 'PUT' && !markers.has(id)) return response.writeHead(404).end('{"error":"marker not found"}');
      const marker = { ...(JSON.parse(body) as object), id };
      markers.set(id, marker);
      return response.writeHead(method === 'POST' ? 201 : 200).end(JSON.stringify({ ...marker, color: '#123456' }));
    });
  });
  return { host, asked, markers };
}

/** Always the same answer, whatever is asked. */
const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
  serve((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });

describe('a marker', () => {
  test('begins as a line and ends as a window, with all that it said at first', async () => {
    const { host, asked, markers } = await serveMarkers();
    const marker = await createMarker({ host: `${host}/`, key }, '__all__', fields);
    expect(marker).toEqual({ ...fields, dataset: '__all__', id: 'marker-1' });
    expect(markers.get('marker-1')).toEqual({ ...fields, id: 'marker-1' });

    const closed = await closeMarker({ host, key }, marker, 1_795_000_060);
    expect(closed).toEqual({ ...marker, end_time: 1_795_000_060 });
    expect(markers.get('marker-1')).toEqual({ ...fields, end_time: 1_795_000_060, id: 'marker-1' });
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /1/markers/__all__',
      'PUT /1/markers/__all__/marker-1',
    ]);
    for (const { headers } of asked) {
      expect(headers).toMatchObject({ 'x-honeycomb-team': key, 'content-type': 'application/json' });
    }
  });

  test('needs no key where none is asked for, and a dataset keeps to its part of the path', async () => {
    const { host, asked } = await serveMarkers();
    await createMarker({ host }, 'rides/../ä', fields);
    expect(asked[0]?.url).toBe('/1/markers/rides%2F..%2F%C3%A4');
    expect(asked[0]?.headers).not.toHaveProperty('x-honeycomb-team');
  });

  test('does not end before its start', async () => {
    const { host } = await serveMarkers();
    const marker = await createMarker({ host }, 'rides', fields);
    expect((await closeMarker({ host }, marker, 7)).end_time).toBe(fields.start_time);
  });

  test('that is gone is not closed', async () => {
    const { host } = await serveMarkers();
    const gone: Marker = { ...fields, dataset: 'rides', id: 'gone' };
    await expect(closeMarker({ host }, gone, 9)).rejects.toThrow(`${host} answered 404: {"error":"marker not found"}`);
  });
});

test.each([
  ['a url that a page must not link to', {}, 'rides', { ...fields, url: 'javascript:alert(1)' }],
  ['a relative url', {}, 'rides', { ...fields, url: '/build/42' }],
  ['a host that is no URL', { host: 'localhost:8088' }, 'rides', fields],
  ['a host of another protocol', { host: 'file:///etc' }, 'rides', fields],
  ['credentials in the host', { host: `http://user:${key}@127.0.0.1` }, 'rides', fields],
  ['a key that no header holds', { key: `${key}\n` }, 'rides', fields],
  ['an empty key', { key: '' }, 'rides', fields],
  ['no dataset', {}, '', fields],
  ['a dataset that is a step up', {}, '..', fields],
])('%s is refused before anything is sent', async (_, api, dataset, wanted) => {
  const { host, asked } = await serveMarkers();
  const error: unknown = await createMarker({ host, ...api }, dataset, wanted).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect(String(error)).not.toContain(key);
  expect(asked).toEqual([]);
});

describe('the list of markers', () => {
  test('says which have ended, and leaves out what is not a marker', async () => {
    const list = [
      { id: 'open', start_time: 5, message: 'a', type: 'deploy', created_at: 'x', color: '#000' },
      { id: 'closed', start_time: 5, end_time: 9, url: 'https://ci.example.org/1' },
      { id: 'never ended', start_time: 5, end_time: 0 },
      { id: 'zero', start_time: 5, end_time: 0, url: '' },
      { id: 'no start' },
      null,
    ];
    expect(await listMarkers({ host: await answer(200, JSON.stringify(list)) }, 'rides')).toEqual([
      { dataset: 'rides', id: 'open', start_time: 5, message: 'a', type: 'deploy' },
      {
        dataset: 'rides',
        id: 'closed',
        start_time: 5,
        end_time: 9,
        message: '',
        type: '',
        url: 'https://ci.example.org/1',
      },
      { dataset: 'rides', id: 'zero', start_time: 5, message: '', type: '' },
    ]);
  });

  test('is not taken from an answer that is no list', async () => {
    await expect(listMarkers({ host: await answer(200, '{}') }, 'rides')).rejects.toThrow('without a list of markers');
  });
});

describe('what is wrong with the API is told in one line', () => {
  const failure = async (host: string, timeoutMs = 60_000): Promise<string> => {
    const error: unknown = await createMarker({ host, key, timeoutMs }, 'rides', fields).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(UsageError);
    return (error as Error).message;
  };

  test('its refusal, without a key that it repeats', async () => {
    const host = await answer(401, `unknown key\n\u001b[31m${key}${'!'.repeat(5_000)}`);
    const message = await failure(host);
    expect(message).toMatch(/ answered 401: unknown key \[31m…!+$/);
    expect(message.length).toBeLessThan(300);
  });

  test.each([
    [200, 'answered 200', '{"id":"a"}'],
    [201, 'not with a marker', 'fine'],
    [201, 'not with a marker', 'null'],
    [201, 'without the id', '[]'],
    [201, 'without the id', '{"id":"../x"}'],
    [201, 'more than 65536 bytes', `{"id":"a","message":"${'x'.repeat(70_000)}"}`],
  ])('an answer of %i: %s', async (status, expected, body) => {
    expect(await failure(await answer(status, body))).toContain(expected);
  });

  test('no answer in time', async () => {
    expect(await failure(await serve(() => undefined), 50)).toMatch(/did not answer: .*timeout/);
  });

  test('nobody there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await failure(`http://127.0.0.1:${port}`)).toContain('ECONNREFUSED');
  });

  test('a redirection, which the key does not follow', async () => {
    const { host: elsewhere, asked } = await serveMarkers();
    await failure(await answer(307, '', { location: `${elsewhere}/1/markers/rides` }));
    expect(asked).toEqual([]);
  });
});
