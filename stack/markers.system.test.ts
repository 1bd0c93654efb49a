import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { findFreePort } from '../tests/harness/suite.ts';
import { createMarkers } from './markers.ts';

/** What takes markers at a port, or at any free one, with these answers, the last for good. */
async function startReceiver(port = 0, ...statuses: number[]) {
  const got: { message: string; start_time: number; type: string }[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const status = (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 201;
      if (status === 201) got.push(JSON.parse(body) as (typeof got)[number]);
      response.writeHead(status).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return { got, port: (server.address() as AddressInfo).port, close };
}

function start(port: number, tryMs = 60_000) {
  const clock = { ms: 1_000_000 };
  const news: string[] = [];
  const markers = createMarkers(`http://127.0.0.1:${port}`, (line) => news.push(line), {
    pauseMs: 20,
    tryMs,
    now: () => clock.ms,
  });
  onTestFinished(() => markers.close());
  return { markers, news, clock };
}

test('sends what happened while the Observatory was away, later, in order and with its time', async () => {
  const gone = await startReceiver(await findFreePort());
  await gone.close();
  const { markers, news, clock } = start(gone.port);
  markers.leave({ type: 'restart', message: 'observatory ended' });
  await expect.poll(() => news.length).toBe(1);
  clock.ms = 1_030_000;
  markers.leave({ type: 'restart', message: 'route ended' });
  const back = await startReceiver(gone.port);
  await expect.poll(() => back.got.length).toBe(2);
  expect(back.got).toEqual([
    { type: 'restart', message: 'observatory ended', start_time: 1_000 },
    { type: 'restart', message: 'route ended', start_time: 1_030 },
  ]);
  expect(news).toEqual([
    expect.stringMatching(/^cannot be told to mark "observatory ended" now \(.*\): it is told later$/),
  ]);
});

test('sends a marker once to an Observatory that takes it and is too slow to say so', async () => {
  let taken = 0;
  const slow = createServer((request) => void request.resume().on('end', () => (taken += 1)));
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    slow.closeAllConnections();
    slow.close();
  });
  const { markers, news } = start((slow.address() as AddressInfo).port, 1_000);
  markers.leave({ type: 'deploy', message: 'first' });
  markers.leave({ type: 'deploy', message: 'second' });
  await expect.poll(() => news.length).toBe(2);
  expect([taken, news]).toEqual([
    2,
    ['first', 'second'].map((name) => `could not be told to mark "${name}": it did not answer within 1 s`),
  ]);
});

test('tries again after 503, and gives up what is refused', async () => {
  const { got, port } = await startReceiver(0, 503, 429, 400, 201);
  const { markers, news } = start(port);
  markers.leave({ type: 'start', message: 'a' });
  markers.leave({ type: 'start', message: 'b' });
  await expect.poll(() => got.map(({ message }) => message)).toEqual(['b']);
  expect(news.at(-1)).toBe('could not be told to mark "a": it answered 400');
});

test('keeps fifty, and none for longer than an hour', async () => {
  const gone = await startReceiver(await findFreePort());
  await gone.close();
  const { markers, news, clock } = start(gone.port);
  for (let number = 0; number < 52; number += 1) markers.leave({ type: 'restart', message: String(number) });
  expect(news).toEqual([
    'could not be told to mark "0": 50 newer ones wait',
    'could not be told to mark "1": 50 newer ones wait',
  ]);
  clock.ms += 3_600_000;
  await expect.poll(() => news.filter((line) => line.startsWith('could not')).length).toBe(52);
  const back = await startReceiver(gone.port);
  markers.leave({ type: 'restart', message: 'new' });
  await expect.poll(() => back.got.map(({ message }) => message)).toEqual(['new']);
});
