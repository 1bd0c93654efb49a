import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { markerCommand } from './command.ts';

const key = 'k3y-nobody-may-see';
let directory: string;
beforeAll(() => {
  const parent = join(import.meta.dirname, '../../../.hotrod/tmp');
  mkdirSync(parent, { recursive: true });
  directory = mkdtempSync(join(parent, 'marker-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Asked {
  method: string;
  url: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
}

/** Answers each request with what `reply` returns for it: a status and a body. */
async function serve(reply: (asked: Asked) => [status: number, body: unknown]) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      const each = { method, url, authorization: headers.authorization, body };
      asked.push(each);
      const [status, answer] = reply(each);
      response.writeHead(status).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Keeps markers as Honeycomb and the Observatory do. */
async function serveMarkers() {
  const markers = new Map<string, Record<string, unknown>>();
  const { url, asked } = await serve(({ method, url: path, body }) => {
    if (method === 'GET') return [200, [...markers.values()]];
    const id = method === 'POST' ? `m${markers.size + 1}` : (path.split('/').at(-1) ?? '');
    markers.set(id, { ...body, id });
    return [method === 'POST' ? 201 : 200, markers.get(id)];
  });
  return { url, asked, markers };
}

/** Keeps annotations as Grafana does: each has an end, PATCH changes what it names. */
async function serveGrafana() {
  const annotations = new Map<string, Record<string, unknown>>();
  const { url, asked } = await serve(({ method, url: path, body }) => {
    const { pathname, searchParams } = new URL(path, 'http://grafana');
    if (method === 'POST') {
      const id = annotations.size + 1;
      annotations.set(String(id), { ...body, id });
      return [200, { message: 'Annotation added', id }];
    }
    if (method === 'PATCH') {
      const id = pathname.split('/').at(-1) ?? '';
      annotations.set(id, { ...annotations.get(id), ...body });
      return [200, { message: 'Annotation patched' }];
    }
    const tags = searchParams.getAll('tags');
    return [
      200,
      [...annotations.values()].filter((each) => tags.every((tag) => (each['tags'] as string[]).includes(tag))),
    ];
  });
  return { url, asked, annotations };
}

async function marker(args: string[], env: Record<string, string> = {}) {
  const out = { stdout: '', stderr: '' };
  const code = await markerCommand.run(args, {
    env,
    stdout: (text) => (out.stdout += text),
    stderr: (line) => (out.stderr += `${line}\n`),
    signal: new AbortController().signal,
  });
  return { code, ...out };
}

let files = 0;
const newFile = () => join(directory, `${(files += 1)}.json`);

/** A port on which nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

describe('release marker, at several places at once', () => {
  test('opens and closes each by its own protocol, each key at its own place alone', async () => {
    const honeycomb = await serveMarkers();
    const grafana = await serveGrafana();
    const hook = await serve(() => [204, null]);
    const file = newFile();
    const env = {
      MARKER_TO: `honeycomb=${honeycomb.url}, grafana=${grafana.url} webhook=${hook.url}/services/s3cret`,
      HONEYCOMB_API_KEY: 'of-honeycomb',
      GRAFANA_TOKEN: 'of-grafana',
    };
    const link = 'https://ci.example.org/42';
    const opened = await marker(
      ['open', '--message', 'Release 42', '--url', link, '--run', 'r42', '--file', file],
      env,
    );
    expect(opened).toEqual({ code: 0, stdout: 'm1\n1\n', stderr: '' });
    expect(honeycomb.markers.get('m1')).toMatchObject({ message: 'Release 42 (run r42)', type: 'deploy', url: link });
    expect(grafana.annotations.get('1')).toMatchObject({
      text: `Release 42\n${link}`,
      tags: ['hotrod-release', 'open', 'type:deploy', 'run:r42'],
    });
    expect(hook.asked[0]).toMatchObject({
      method: 'POST',
      url: '/services/s3cret',
      body: { event: 'opened', run: 'r42', message: 'Release 42', text: `Release 42: began ${link}` },
    });
    const kept = readFileSync(file, 'utf8');
    for (const secret of ['of-honeycomb', 'of-grafana', 's3cret']) expect(kept).not.toContain(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    expect(await marker(['close', '--file', file], env)).toEqual({ code: 0, stdout: '', stderr: '' });
    const closed = honeycomb.markers.get('m1');
    expect(closed).toMatchObject({ message: 'Release 42 (run r42)', url: link });
    expect(closed?.['end_time']).toBeGreaterThanOrEqual(Number(closed?.['start_time']));
    expect(grafana.annotations.get('1')).toMatchObject({
      text: `Release 42\n${link}`,
      tags: ['hotrod-release', 'type:deploy', 'run:r42'],
    });
    expect(hook.asked[1]).toMatchObject({ body: { event: 'closed', end_time: expect.any(Number) } });
    expect(grafana.asked.map(({ authorization }) => authorization)).toEqual(['Bearer of-grafana', 'Bearer of-grafana']);
    expect(hook.asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    expect(JSON.stringify(honeycomb.asked)).not.toContain('of-grafana');
  });

  test('warns of one that cannot be reached or refuses, and goes on', async () => {
    const honeycomb = await serveMarkers();
    const away = await nobody();
    const refusing = await serve(() => [401, { message: `bad token ${key}` }]);
    const file = newFile();
    const to = ['--to', `observatory=${away}`, '--to', `grafana=${refusing.url}`, '--to', `honeycomb=${honeycomb.url}`];
    const args = ['open', '--message', 'Release 43', '--file', file, ...to];
    const opened = await marker(args, { GRAFANA_TOKEN: key });
    expect(opened).toMatchObject({ code: 0, stdout: 'm1\n' });
    expect(opened.stderr.split('\n').toSorted()).toEqual([
      '',
      expect.stringMatching(/^warning: grafana \S+ did not take the marker: \S+ answered 401: .*bad token …/),
      expect.stringMatching(/^warning: observatory \S+ did not take the marker: \S+ did not answer: .*ECONNREFUSED/),
    ]);
    // Only what was opened is closed.
    expect(await marker(['close', '--file', file])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(honeycomb.markers.get('m1')).toHaveProperty('end_time');
  });

  test('closes nothing, and says so, when no place took it', async () => {
    const file = newFile();
    await marker(['open', '--message', 'x', '--file', file, '--to', `observatory=${await nobody()}`]);
    expect(await marker(['close', '--file', file])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No place took the marker when it was opened: there is none to close.\n',
    });
  });

  test('fails for the same only when told to', async () => {
    const to = ['--to', `observatory=${await nobody()}`];
    const file = newFile();
    expect((await marker(['open', '--strict', '--message', 'x', '--file', file, ...to])).code).toBe(1);
    expect(existsSync(file)).toBe(true);
    expect((await marker(['sweep', '--strict', ...to])).code).toBe(1);
  });

  test('keeps what could not be closed, for another try', async () => {
    let healthy = true;
    const { url } = await serve(({ method }) => (healthy ? [method === 'POST' ? 201 : 200, { id: 'm1' }] : [500, {}]));
    const file = newFile();
    await marker(['open', '--message', 'x', '--file', file, '--to', `observatory=${url}`]);
    healthy = false;
    const failed = await marker(['close', '--file', file]);
    expect(failed.code).toBe(0);
    expect(failed.stderr).toContain('answered 500');
    healthy = true;
    expect(await marker(['close', '--file', file])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('asks for the address of a webhook again, because its file does not keep it', async () => {
    const hook = await serve(() => [200, 'ok']);
    const file = newFile();
    const to = ['--to', `webhook=${hook.url}/s3cret`];
    await marker(['open', '--message', 'x', '--file', file, ...to]);
    expect((await marker(['close', '--file', file])).stderr).toContain('name it with --to or MARKER_TO');
    expect((await marker(['close', '--file', file, ...to])).stderr).toBe('');
    expect(hook.asked).toHaveLength(2);
  });

  test('does not show the path of a webhook where it fails', async () => {
    const hook = await serve(({ url }) => [404, `nothing at ${url}`]);
    const { stderr } = await marker([
      'open',
      '--message',
      'x',
      '--file',
      newFile(),
      '--to',
      `webhook=${hook.url}/s3cret`,
    ]);
    expect(stderr).toContain('answered 404');
    expect(stderr).not.toContain('s3cret');
  });
});

describe('release marker sweep', () => {
  const now = Math.floor(Date.now() / 1000);

  test('ends what a killed run left open, at its start, and leaves the rest alone', async () => {
    const { url, markers } = await serveMarkers();
    const old = { start_time: now - 7_500, type: 'deploy', url: 'https://ci.example.org/1' };
    markers.set('old', { ...old, id: 'old', message: 'Release 1 (run r1)' });
    markers.set('young', { ...old, id: 'young', message: 'Release 2 (run r2)', start_time: now - 60 });
    markers.set('closed', { ...old, id: 'closed', message: 'Release 0 (run r0)', end_time: now });
    markers.set('other', { ...old, id: 'other', message: 'Somebody else' });
    const before = structuredClone([...markers]);
    const to = ['--to', `observatory=${url}`];

    const looked = await marker(['sweep', '--dry-run', ...to]);
    expect(looked.stdout).toMatch(/^would end observatory \S+: old "Release 1" of run r1, open for 2 h \d+ min\n$/);
    expect([...markers]).toEqual(before);

    const swept = await marker(['sweep', ...to]);
    expect(swept).toMatchObject({ code: 0, stderr: '' });
    expect(swept.stdout).toMatch(/^ended observatory \S+: old "Release 1" of run r1, open for 2 h \d+ min\n$/);
    expect(markers.get('old')).toEqual({
      ...old,
      id: 'old',
      message: 'Release 1, not finished (run r1)',
      end_time: old.start_time,
    });
    expect([...markers].filter(([id]) => id !== 'old')).toEqual(before.filter(([id]) => id !== 'old'));
    expect((await marker(['sweep', ...to])).stdout).toBe('');
  });

  test('ends those of the runs that are named at any age, and never those that are excepted', async () => {
    const { url, markers } = await serveMarkers();
    for (const run of ['r1', 'r2', 'r3']) {
      markers.set(run, { id: run, start_time: now, type: 'deploy', message: `Release (run ${run})` });
    }
    const to = ['--to', `observatory=${url}`];
    await marker(['sweep', '--run', 'r1', ...to]);
    expect([...markers.values()].map(({ end_time }) => end_time !== undefined)).toEqual([true, false, false]);
    await marker(['sweep', '--older-than', '0s', '--except', 'r3', ...to]);
    expect([...markers.values()].map(({ end_time }) => end_time !== undefined)).toEqual([true, true, false]);
  });

  test('finds those of Grafana by their tag', async () => {
    const { url, annotations } = await serveGrafana();
    const to = ['--to', `grafana=${url}`];
    const link = 'https://ci.example.org/7';
    await marker(['open', '--message', 'Release 7', '--url', link, '--run', 'r7', '--file', newFile(), ...to]);
    annotations.set('foreign', { id: 99, tags: ['hotrod-release', 'open'], text: 'by hand', time: 0 });
    const swept = await marker(['sweep', '--older-than', '0s', ...to]);
    expect(swept.stdout).toMatch(/^ended grafana \S+: 1 "Release 7" of run r7, open for \d+ s\n$/);
    expect(annotations.get('1')).toMatchObject({
      text: `Release 7, not finished\n${link}`,
      tags: ['hotrod-release', 'type:deploy', 'run:r7'],
    });
    expect(annotations.get('foreign')).toMatchObject({ text: 'by hand' });
  });
});

test.each([
  ['no command', [], /expects open, close or sweep/],
  ['another command', ['remove'], /expects open, close or sweep/],
  ['no message', ['open', '--file', 'f'], /--message/],
  ['no file', ['open', '--message', 'x'], /--file/],
  ['an unknown option', ['open', '--colour', 'red'], /--colour/],
  ['a place of an unknown kind', ['open', '--message', 'x', '--file', 'f', '--to', 'jaeger=http://a'], /one of/],
  ['a place without its URL', ['open', '--message', 'x', '--file', 'f', '--to', 'grafana'], /needs its URL/],
  ['a place that is no URL', ['open', '--message', 'x', '--file', 'f', '--to', 'observatory=a:1'], /http or https/],
  ['a place with credentials', ['sweep', '--to', 'grafana=http://a:b@c'], /credentials/],
  ['a run id that no message can carry', ['open', '--message', 'x', '--file', 'f', '--run', 'a b'], /--run/],
  ['an age that is none', ['sweep', '--older-than', '5'], /duration/],
])('release marker refuses %s', async (_, args, expected) => {
  await expect(marker(args)).rejects.toThrow(expected);
});

test('a file that does not hold markers is not believed', async () => {
  const file = newFile();
  for (const text of [
    '{"id":"../x"}',
    '[]',
    '{"dataset":"a","markers":[{"to":{"kind":"observatory","url":"file:///etc"},"marker":{}}]}',
    JSON.stringify({
      dataset: 'a',
      markers: [
        {
          to: { kind: 'observatory', url: 'http://127.0.0.1:1' },
          marker: { id: '../x', run: 'r', start_time: 1, message: '', type: '' },
        },
      ],
    }),
  ]) {
    writeFileSync(file, text);
    await expect(marker(['close', '--file', file])).rejects.toThrow('does not hold markers');
  }
});
