import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { notification, notifiedAlert } from './notification.ts';
import { createWebhook } from './webhook.ts';

/** A place that takes notifications, answering with one status after the other, the last for good. */
async function startReceiver(...statuses: number[]) {
  const got: { headers: IncomingHttpHeaders; path: string; alert: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { groupLabels } = JSON.parse(body) as { groupLabels: { alertname: string } };
      got.push({ headers: request.headers, path: request.url ?? '', alert: groupLabels.alertname });
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

const about = (name: string) =>
  notification(name, [notifiedAlert({ alertname: name }, {}, 0, null, 'http://g')], 'http://o');

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

test('retries when the receiver fails, and not for ever', async () => {
  const { got, port } = await startReceiver(503, 429, 200);
  const { webhook } = startWebhook(`http://127.0.0.1:${port}/`);
  webhook.notify(about('A'));
  await expect.poll(() => got.length).toBe(3);
  expect(webhook.lost()).toBe(0);

  const ill = await startReceiver(500);
  const { webhook: other, lines } = startWebhook(`http://127.0.0.1:${ill.port}/secret-path`);
  other.notify(about('A'));
  other.notify(about('B'));
  await expect.poll(() => other.lost()).toBe(2);
  expect(ill.got.map(({ alert }) => alert)).toEqual(['A', 'A', 'A', 'B', 'B', 'B']);
  expect(lines.join('\n')).toContain('status 500');
  expect(lines.join('\n')).not.toContain('secret-path');
});

test.each([400, 302])('gives up at once when the answer is %s', async (status) => {
  const { got, port } = await startReceiver(status);
  const { webhook } = startWebhook(`http://127.0.0.1:${port}/`);
  webhook.notify(about('A'));
  await expect.poll(() => webhook.lost()).toBe(1);
  expect(got.length).toBe(1);
});

test('keeps at most a hundred, and drops the oldest', async () => {
  const { webhook } = startWebhook('http://127.0.0.1:1/', [60_000]);
  for (let number = 0; number < 150; number += 1) webhook.notify(about(`A${number}`));
  expect(webhook.lost()).toBe(49); // one is under way
});

test('ends at once while it waits for the next try, and takes nothing afterwards', async () => {
  const { got, port } = await startReceiver(503);
  const { webhook } = startWebhook(`http://127.0.0.1:${port}/`, [3_600_000]);
  webhook.notify(about('A'));
  await expect.poll(() => got.length).toBe(1);
  await webhook.close();
  webhook.notify(about('B'));
  expect(got.length).toBe(1);
});
