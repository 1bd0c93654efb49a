import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Marker, Problem } from '../contract/contract.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';

const testNowMs = 1_795_000_000_000;
const nowS = testNowMs / 1000;
let nowMs = testNowMs;
let store: TestStore;
let api: TestApi;
beforeAll(async () => {
  store = await openTestStore();
  api = await serveApi(store.database, { now: () => nowMs });
});
afterAll(async () => {
  await api.close();
  await store.close();
});

interface Honeycomb {
  id: string;
  start_time: number;
  end_time?: number;
  message?: string;
  type?: string;
  url?: string;
  color: string;
  created_at: string;
  updated_at: string;
}

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, url = api.url) {
  return fetch(`${url}/1/markers/${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-honeycomb-team': 'any', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

describe("Honeycomb's markers", () => {
  it('go from a line to a window, as a deployment does', async () => {
    const deploy = {
      start_time: nowS - 60,
      message: 'build 42 🚀',
      type: 'deploy',
      url: 'https://ci.example.org/build/42',
    };
    const posted = await send('POST', 'rides', deploy);
    expect(posted.status).toBe(201);
    const marker = (await posted.json()) as Honeycomb;
    expect(marker).toMatchObject({ ...deploy, created_at: '2026-11-18T11:06:40.000Z' });
    expect(marker).not.toHaveProperty('end_time');
    expect(marker.id).toMatch(/^[a-z0-9]{11}$/);

    const [open] = await api.get<Marker[]>(`/api/markers?from=${testNowMs - 120_000}&to=${testNowMs}`);
    expect(open).toEqual({
      id: marker.id,
      dataset: 'rides',
      startMs: testNowMs - 60_000,
      endMs: null,
      message: 'build 42 🚀',
      type: 'deploy',
      url: 'https://ci.example.org/build/42',
      color: marker.color,
    });

    nowMs = testNowMs + 5000;
    const put = await send('PUT', `rides/${marker.id}`, { ...deploy, end_time: nowS });
    expect(put.status).toBe(200);
    expect(await put.json()).toEqual({ ...marker, end_time: nowS, updated_at: '2026-11-18T11:06:45.000Z' });
    const [closed] = await api.get<Marker[]>(`/api/markers?from=${testNowMs - 10_000}&to=${testNowMs + 1}`);
    expect(closed).toMatchObject({ id: marker.id, startMs: testNowMs - 60_000, endMs: testNowMs });
    nowMs = testNowMs;

    const removed = await send('DELETE', `rides/${marker.id}`);
    expect(removed.status).toBe(200);
    expect(await removed.json()).toMatchObject({ id: marker.id });
    expect((await send('DELETE', `rides/${marker.id}`)).status).toBe(404);
    expect(await api.get(`/api/markers?from=0&to=${testNowMs * 2}`)).toEqual([]);
  });

  it('lose what an update leaves out; the start falls back to when they were made', async () => {
    const first = await send('POST', 'erase', {
      start_time: nowS - 500,
      message: 'a',
      type: 'b',
      url: 'http://c.example',
    });
    const { id } = (await first.json()) as Honeycomb;
    const put = (await (await send('PUT', `erase/${id}`, { end_time: nowS + 9 })).json()) as Honeycomb;
    expect(put).toMatchObject({ id, start_time: nowS, end_time: nowS + 9 });
    for (const field of ['message', 'type', 'url']) expect(put).not.toHaveProperty(field);
    await send('DELETE', `erase/${id}`);
  });

  it('never end before they start, whichever of the two an update leaves out', async () => {
    nowMs = testNowMs + 700;
    // The end is this second, which the start is in too: as `honeymarker add -e $(date +%s)` says it.
    const posted = await send('POST', 'order', { end_time: nowS });
    expect(posted.status).toBe(201);
    const marker = (await posted.json()) as Honeycomb;
    expect(marker).toMatchObject({ start_time: nowS, end_time: nowS });
    const put = await send('PUT', `order/${marker.id}`, { end_time: nowS - 1 });
    expect([put.status, ((await put.json()) as Problem).parameter]).toEqual([400, 'end_time']);
    expect(await (await send('GET', 'order')).json()).toEqual([marker]);
    expect((await send('PUT', `order/${marker.id}`, { start_time: nowS - 9, end_time: nowS - 1 })).status).toBe(200);
    expect((await send('PUT', 'order/nothing', { end_time: 1 })).status).toBe(404);
    await send('DELETE', `order/${marker.id}`);
    nowMs = testNowMs;
  });

  it('begin now without a start; 0 and "" count as no start', async () => {
    for (const body of [
      {},
      { start_time: 0, end_time: 0, message: '', type: '', url: '' },
      { start_time: null, url: null },
    ]) {
      const marker = (await (await send('POST', '__all__', body)).json()) as Honeycomb;
      expect(marker.start_time).toBe(nowS);
      expect(Object.keys(marker).toSorted()).toEqual(['color', 'created_at', 'id', 'start_time', 'updated_at']);
    }
  });

  it('are listed by dataset, and by time for charts', async () => {
    for (const [dataset, start] of [
      ['one', 30],
      ['one', 10],
      ['two', 20],
    ] as const) {
      await send('POST', dataset, { start_time: start, end_time: start + 5 });
    }
    const listed = (await (await send('GET', 'one')).json()) as Honeycomb[];
    expect(listed.map(({ start_time }) => start_time)).toEqual([10, 30]);
    const within = async (from: number, to: number): Promise<number[]> => {
      const markers = await api.get<Marker[]>(`/api/markers?from=${from}&to=${to}`);
      return markers.map(({ startMs }) => startMs / 1000);
    };
    expect(await within(0, 100_000)).toEqual([10, 20, 30]);
    expect(await within(15_000, 20_001)).toEqual([10, 20]);
    expect(await within(15_001, 20_000)).toEqual([]);
  });

  it('have the colour of their type', async () => {
    const colorOf = async (type: string): Promise<string> =>
      ((await (await send('POST', 'colors', { type })).json()) as Honeycomb).color;
    expect(await colorOf('deploy')).toBe(await colorOf('deploy'));
    expect(await colorOf('deploy')).toMatch(/^#[0-9A-F]{6}$/);
  });

  const refused: [body: unknown, parameter: string | undefined][] = [
    [{ url: 'javascript:alert(1)' }, 'url'],
    [{ url: 'data:text/html,x' }, 'url'],
    [{ url: '/relative' }, 'url'],
    [{ url: `http://x/${'y'.repeat(2048)}` }, 'url'],
    [{ message: 'x'.repeat(4097) }, 'message'],
    [{ type: 'x'.repeat(129) }, 'type'],
    [{ start_time: 'now' }, 'start_time'],
    [{ start_time: -1 }, 'start_time'],
    [{ start_time: 1e12 }, 'start_time'],
    [{ start_time: 20, end_time: 10 }, 'end_time'],
    // It starts now.
    [{ end_time: 1000 }, 'end_time'],
    ['{"start_time":', undefined],
    ['[]', 'body'],
  ];
  it.each(refused)('refuse %j', async (body, parameter) => {
    const response = await send('POST', 'refused', body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as Problem).parameter).toBe(parameter);
    expect(await (await send('GET', 'refused')).json()).toEqual([]);
  });

  it('refuse what is too large, no JSON by name, or of an odd name', async () => {
    expect((await send('POST', 'refused', { message: 'x'.repeat(17_000) })).status).toBe(413);
    expect((await send('POST', 'refused', '{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await send('GET', encodeURIComponent('a/b'))).status).toBe(400);
    expect((await send('PUT', 'refused/nothing', {})).status).toBe(404);
  });

  it('require the key when one is configured', async () => {
    const guarded = await serveApi(store.database, { markersKey: 'secret' });
    onTestFinished(guarded.close);
    for (const [key, status] of [
      ['secret', 201],
      ['wrong', 401],
      ['', 401],
    ] as const) {
      const response = await send('POST', 'guarded', {}, { 'x-honeycomb-team': key }, guarded.url);
      expect([key, response.status]).toEqual([key, status]);
    }
    expect((await send('GET', 'guarded', undefined, { 'x-honeycomb-team': 'wrong' }, guarded.url)).status).toBe(401);
  });
});
