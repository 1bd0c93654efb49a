import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { notification, type Notification, notifiedAlert } from './notification.ts';
import { createWebhook } from './webhook.ts';

/** A place that takes notifications, answering with one status after the other, the last for good. */
async function startReceiver(...statuses: number[]) {
  const got: { headers: IncomingHttpHeaders; path: string; alert: string; body: Notification }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const notified = JSON.parse(body) as Notification;
      const { alertname } = notified.groupLabels;
      got.push({ headers: request.headers, path: request.url ?? '', alert: alertname, body: notified });
      const status = statuses.length > 1 ? statuses.shift() : statuses[0];
      response.writeHead(status ?? 200, status === 302 ? { location: '/elsewhere' } : {}).end('taken');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { got, port: (server.address() as AddressInfo).port };
}

function startWebhook(url: string, pausesMs = [10, 10]) {
  const lines: string[] = [];
  const log = (data: object, message: string) => void lines.push(`${message} ${JSON.stringify(data)}`);
  const webhook = createWebhook(url, { info: log, warn: log }, pausesMs);
  onTestFinished(() => webhook.close());
  return { webhook, lines };
}

/** @param ends severity by severity, when the alert ended; null while it fires. */
const about = (name: string, ends: Readonly<Record<string, number | null>> = { page: null }) =>
  notification(
    name,
    Object.entries(ends).map(([severity, endsMs]) =>
      notifiedAlert({ alertname: name, severity }, {}, 0, endsMs, 'http://g'),
    ),
    'http://o',
  );
const statusesOf = ({ alerts }: Notification) =>
  Object.fromEntries(alerts.map(({ labels, status }) => [labels['severity'], status]));

test('delivers in order, with the credentials of the address as basic authentication', async () => {
  const { got, port } = await startReceiver(200);
  const { webhook, lines } = startWebhook(`http://user:s3cr%40t@127.0.0.1:${port}/hooks/p4th?token=t0ken`);
  for (const name of ['A', 'B', 'C']) webhook.notify(about(name));
  await expect.poll(() => got.map(({ alert }) => alert)).toEqual(['A', 'B', 'C']);
  expect(got[0]?.path).toBe('/hooks/p4th?token=t0ken');
  expect(got[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    authorization: `Basic ${Buffer.from('user:s3cr@t').toString('base64')}`,
  });
  await expect.poll(() => lines.length).toBe(3);
  expect(lines.join('\n')).not.toMatch(/s3cr|user|p4th|t0ken/);
  expect(lines[0]).toContain(`127.0.0.1:${port}`);
});

test('retries when the receiver fails, and leaves it alone then until it is offered again', async () => {
  const { got, port } = await startReceiver(503, 429, 200);
  const { webhook } = startWebhook(`http://127.0.0.1:${port}/`);
  webhook.notify(about('A'));
  await expect.poll(() => webhook.undelivered().length).toBe(0);
  expect([got.length, webhook.failures()]).toEqual([3, 2]);

  const ill = await startReceiver(500);
  const { webhook: other, lines } = startWebhook(`http://127.0.0.1:${ill.port}/secret-path`);
  other.notify(about('A'));
  other.notify(about('B'));
  await expect.poll(() => lines.length).toBe(2);
  expect(ill.got.map(({ alert }) => alert)).toEqual(['A', 'A', 'A', 'B', 'B', 'B']);
  expect([other.undelivered().length, other.failures()]).toEqual([2, 6]);
  expect(lines.join('\n')).toContain('status 500');
  expect(lines.join('\n')).not.toContain('secret-path');
});

test.each([400, 302])('tries once when the answer is %s, and again when it is offered again', async (status) => {
  const { got, port } = await startReceiver(status, status, 200);
  const { webhook, lines } = startWebhook(`http://127.0.0.1:${port}/`);
  webhook.notify(about('A'));
  await expect.poll(() => lines.length).toBe(1);
  expect(got.length).toBe(1);
  for (const tries of [2, 3]) {
    const offer = (): number => {
      webhook.offerAgain();
      return got.length;
    };
    await expect.poll(offer).toBeGreaterThanOrEqual(tries);
  }
  await expect.poll(() => webhook.undelivered().length).toBe(0);
  webhook.offerAgain();
  expect(got.map(({ body }) => body)).toEqual([about('A'), about('A'), about('A')]);
  // The log says once that it is not taken, and then that it is.
  expect(lines.map((line) => line.split(' {')[0])).toEqual([
    'The webhook does not take an alert; it is offered again at each look until it is taken',
    'Told the webhook of an alert',
  ]);
});

test('tells the newest of an alert after a failure, and all that ended since', async () => {
  const { got, port } = await startReceiver(400, 400, 200);
  const { webhook, lines } = startWebhook(`http://127.0.0.1:${port}/`);
  webhook.notify(about('A', { page: 60_000, ticket: null }));
  await expect.poll(() => lines.length).toBe(1);
  webhook.notify(about('A', { ticket: 90_000 }));
  await expect.poll(() => lines.length).toBe(2);
  webhook.notify(about('A', { page: null }));
  await expect.poll(() => webhook.undelivered().length).toBe(0);
  expect(got.map(({ body }) => statusesOf(body))).toEqual([
    { page: 'resolved', ticket: 'firing' },
    { page: 'resolved', ticket: 'resolved' },
    { page: 'firing', ticket: 'resolved' },
  ]);
  expect(got.map(({ body }) => body.status)).toEqual(['firing', 'resolved', 'firing']);
});

test('says at its end what was not taken', async () => {
  const { port } = await startReceiver(400);
  const { webhook, lines } = startWebhook(`http://127.0.0.1:${port}/`);
  webhook.notify(about('A'));
  await expect.poll(() => lines.length).toBe(1);
  await webhook.close();
  expect(lines[1]).toContain('"alerts":["A"]');
  expect(webhook.undelivered()).toEqual([about('A')]); // for the next start
});

test('ends at once while it waits for the next try, and keeps what it is told afterwards for the next start', async () => {
  const { got, port } = await startReceiver(503);
  const { webhook } = startWebhook(`http://127.0.0.1:${port}/`, [3_600_000]);
  webhook.notify(about('A'));
  await expect.poll(() => got.length).toBe(1);
  await webhook.close();
  webhook.notify(about('B'));
  expect(webhook.undelivered()).toEqual([about('A'), about('B')]);
  expect(got.length).toBe(1);
});
