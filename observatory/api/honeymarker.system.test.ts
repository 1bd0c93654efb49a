import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Marker } from '../contract/contract.ts';
import { openTestStore, serveApi, type TestApi, type TestStore } from './fixtures/test-store.ts';

const run = promisify(execFile);
const program = process.env['HONEYMARKER'] ?? 'honeymarker';
const found = await run(program, ['--help']).then(
  () => true,
  (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
);
if (!found)
  console.warn('honeymarker is not here: what it sends is tried with fetch alone. Set HONEYMARKER to its path.');

const testDataset = 'rides';
let store: TestStore;
let api: TestApi;
beforeEach(async () => {
  store = await openTestStore();
  api = await serveApi(store.database);
});
afterEach(async () => {
  await api.close();
  await store.close();
});

interface Client {
  add(fields: Record<string, string | number>): Promise<{ id: string }>;
  update(id: string, fields: Record<string, string | number>): Promise<unknown>;
  list(): Promise<{ id: string }[]>;
  remove(id: string): Promise<unknown>;
}

const flagOf: Readonly<Record<string, string>> = {
  start_time: '-s',
  end_time: '-e',
  message: '-m',
  type: '-t',
  url: '-u',
};

/** The stock program. */
const honeymarker: Client = (() => {
  const call = async (...args: string[]): Promise<unknown> => {
    const { stdout } = await run(program, ['-k', 'any', '-d', testDataset, '--api_host', api.url, ...args]);
    return JSON.parse(stdout);
  };
  const flags = (fields: Record<string, string | number>): string[] =>
    Object.entries(fields).flatMap(([field, value]) => [flagOf[field] ?? '', String(value)]);
  return {
    add: (fields) => call('add', ...flags(fields)) as Promise<{ id: string }>,
    update: (id, fields) => call('update', '-i', id, ...flags(fields)),
    list: () => call('list', '--json') as Promise<{ id: string }[]>,
    remove: (id) => call('rm', '-i', id),
  };
})();

/** What it sends in every marker, though it is the server that says these. */
const ofTheServer = { id: '', created_at: '0001-01-01T00:00:00Z', updated_at: '0001-01-01T00:00:00Z' };

/** The requests that it sends: its headers and bodies, and the statuses that it takes for success. */
const likeIt: Client = (() => {
  const call = async (
    method: string,
    path: string,
    ok: (status: number) => boolean,
    body?: object,
  ): Promise<unknown> => {
    const response = await fetch(`${api.url}/1/markers/${path}`, {
      method,
      headers: {
        'user-agent': 'honeymarker/dev',
        'x-honeycomb-team': 'any',
        ...(method === 'GET' && { 'x-honeycomb-dataset': testDataset }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify({ ...ofTheServer, ...body }) }),
    });
    if (!ok(response.status)) throw new Error(`Failed with ${response.status} and message: ${await response.text()}`);
    return response.json();
  };
  const is200 = (status: number): boolean => status === 200;
  return {
    add: (fields) =>
      call('POST', testDataset, (status) => status >= 200 && status < 300, fields) as Promise<{ id: string }>,
    update: (id, fields) => call('PUT', `${testDataset}/${id}`, is200, fields),
    list: () => call('GET', testDataset, is200) as Promise<{ id: string }[]>,
    remove: (id) => call('DELETE', `${testDataset}/${id}`, is200),
  };
})();

describe.each([
  { name: 'honeymarker', client: honeymarker, skipped: !found },
  { name: 'requests like its own', client: likeIt, skipped: false },
])('$name', ({ client, skipped }) => {
  it.skipIf(skipped)('marks a deployment: a line, then a window, then nothing', async () => {
    const start = Math.floor(Date.now() / 1000) - 30;
    const deploy = { message: 'build 42', type: 'deploy', url: 'https://ci.example.org/42' };
    const { id } = await client.add({ start_time: start, ...deploy });
    const shown = (): Promise<Marker[]> =>
      api.get(`/api/markers?from=${(start - 60) * 1000}&to=${Date.now() + 60_000}`);
    expect(await shown()).toMatchObject([{ id, dataset: testDataset, startMs: start * 1000, endMs: null, ...deploy }]);
    await client.update(id, { start_time: start, end_time: start + 20, ...deploy });
    expect(await shown()).toMatchObject([{ id, startMs: start * 1000, endMs: (start + 20) * 1000, ...deploy }]);
    expect((await client.list()).map((marker) => marker.id)).toEqual([id]);
    await client.remove(id);
    expect(await shown()).toEqual([]);
    await expect(client.remove(id)).rejects.toThrow(/404/);
  });
});
