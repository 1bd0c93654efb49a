import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, it, onTestFinished } from 'vitest';

import { startTestObservatory, temporaryDirectory } from '../fixtures/test-observatory.ts';
import { defaultObjectives } from '../store/questions/default-objectives.ts';
import type { Asking } from '../store/questions/population.ts';
import { createAlerting } from './alerting.ts';
import type { Notification } from './notification.ts';

const minute = 60_000;

/** A dispatch every two seconds, as a frontend sends them; every eleventh is slow for as long as the bug is there. */
function dispatches(fromMs: number, toMs: number, bug: boolean, version: string): object {
  const string = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const spans = [];
  for (let at = fromMs; at < toMs; at += 2_000) {
    const number = at / 2_000;
    const ms = bug && number % 11 === 0 ? 2_100 : 700;
    spans.push({
      traceId: number.toString(16).padStart(32, '0'),
      spanId: number.toString(16).padStart(16, '0'),
      name: 'GET /dispatch',
      kind: 2,
      startTimeUnixNano: `${at}000000`,
      endTimeUnixNano: `${at + ms}000000`,
      attributes: [string('http.route', '/dispatch')],
    });
  }
  const resource = { attributes: [string('service.name', 'frontend'), string('service.version', version)] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }] };
}

/** The objectives as they are; only that an alert need not hold for a minute before it fires. */
const impatient = defaultObjectives.map(({ alert, ...objective }) => ({
  ...objective,
  alert: alert && { ...alert, conditions: alert.conditions.map((each) => ({ ...each, afterMs: 0 })) },
}));

it('opens a ticket while the bug burns the latency budget, and closes it within seven minutes of the fix', async () => {
  const observatory = await startTestObservatory(await temporaryDirectory());
  const beginMs = Math.floor((Date.now() - 46 * minute) / 2_000) * 2_000;
  const fixedMs = beginMs + 30 * minute;
  for (const request of [
    dispatches(beginMs, fixedMs, true, '0.1.0'),
    dispatches(fixedMs, beginMs + 45 * minute, false, '0.1.0+1a2b3c4'),
  ]) {
    const answer = await fetch(`${observatory.otlpUrl}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect(answer.status).toBe(200);
  }
  await observatory.flush();

  let nowMs = 0;
  const told: { minute: number; notification: Notification }[] = [];
  const alerting = createAlerting({
    objectives: defaultObjectives,
    publicUrl: 'https://observatory.example.com',
    reader: observatory.database.reader,
    notify: (notification) => told.push({ minute: (nowMs - beginMs) / minute, notification }),
    now: () => nowMs,
  });
  for (nowMs = beginMs; nowMs < beginMs + 45 * minute; nowMs += minute / 2) await alerting.evaluate();

  expect(
    told.map(({ notification: { status, alerts } }) => [status, alerts.map(({ labels }) => labels['severity'])]),
  ).toEqual([
    ['firing', ['ticket']],
    ['resolved', ['ticket']],
  ]);
  const [began, ended] = told;
  expect(began?.minute).toBeLessThan(5);
  expect(ended?.minute).toBeGreaterThan(30);
  expect(ended?.minute).toBeLessThan(37);
  const [alert] = began?.notification.alerts ?? [];
  expect(alert).toMatchObject({
    labels: { alertname: 'DispatchLatencyBudgetBurn', slo: 'dispatch-latency', service: 'rides' },
    annotations: {
      runbook_url: 'https://observatory.example.com/runbooks/dispatch-latency-budget-burn',
      last_release: 'frontend 0.1.0',
    },
  });
  const slowest = Number.parseInt(alert?.annotations['exemplar_trace_id'] ?? '', 16);
  expect(slowest % 11).toBe(0);
  expect(alerting.firing()).toEqual([]);
});

it('changes nothing when the store cannot be asked, and says of which objectives', async () => {
  const told: Notification[] = [];
  const alerting = createAlerting({
    objectives: defaultObjectives,
    publicUrl: 'http://localhost',
    reader: { rows: () => Promise.reject(new Error('away')) },
    notify: (notification) => told.push(notification),
  });
  await expect(alerting.evaluate()).rejects.toThrow('Dispatch latency: away; Dispatch availability: away');
  expect([told, alerting.firing(), alerting.failures(), alerting.lastLookMs()]).toEqual([[], [], 2, 0]);
});

/** All dispatches are bad, whatever is asked. */
const allBad: Asking['reader'] = {
  rows: async <T>(name: string) =>
    (name === 'burn-rates' ? [0, 1, 2, 3].map((number) => ({ number, total: 50, bad: 50 })) : []) as T[],
};

it.each([
  ['that fails', () => Promise.reject(new Error('too much memory'))],
  [
    'that takes all of its time',
    (signal?: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('it took too long')));
      }),
  ],
])('looks at the other objectives after one %s', async (_name, fail) => {
  const told: Notification[] = [];
  let asked = 0;
  const alerting = createAlerting({
    objectives: impatient,
    publicUrl: 'http://localhost',
    reader: {
      rows: (name, options) => {
        options?.signal?.throwIfAborted();
        asked += 1;
        return asked === 1 ? fail(options?.signal) : allBad.rows(name, options);
      },
    },
    notify: (notification) => told.push(notification),
    timeoutMs: 1_000,
  });
  await expect(alerting.evaluate()).rejects.toThrow(/^Dispatch latency: (too much memory|it took too long)$/);
  expect(told.map(({ groupLabels }) => groupLabels.alertname)).toEqual(['DispatchAvailabilityBudgetBurn']);
  expect([alerting.failures(), alerting.lastLookMs()]).toEqual([1, 0]);
  await alerting.evaluate();
  expect(told.map(({ groupLabels }) => groupLabels.alertname)).toEqual([
    'DispatchAvailabilityBudgetBurn',
    'DispatchLatencyBudgetBurn',
  ]);
  expect(alerting.failures()).toBe(1);
  expect(alerting.lastLookMs()).toBeGreaterThan(0);
});

it('ends a look when it is told to, which is no failure', async () => {
  const closing = new AbortController();
  const alerting = createAlerting({
    objectives: defaultObjectives,
    publicUrl: 'http://localhost',
    reader: {
      rows: (_name, options) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('interrupted')));
        }),
    },
    notify: () => undefined,
  });
  const looked = alerting.evaluate(closing.signal);
  closing.abort();
  await looked;
  expect([alerting.failures(), alerting.lastLookMs()]).toEqual([0, 0]);
});

it('tells of an alert when the webhook takes it at last, and counts until then', async () => {
  const got: Notification[] = [];
  let isWell = false;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (isWell) got.push(JSON.parse(Buffer.concat(chunks).toString()) as Notification);
      response.writeHead(isWell ? 200 : 404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const observatory = await startTestObservatory(await temporaryDirectory(), {
    alertWebhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    alertIntervalMs: 100,
    objectives: impatient,
  });
  const nowMs = Math.floor(Date.now() / 2_000) * 2_000;
  const answer = await fetch(`${observatory.otlpUrl}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(dispatches(nowMs - 11 * minute, nowMs, true, '0.1.0')),
  });
  expect(answer.status).toBe(200);
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${observatory.url}/metrics`)).text();
    return Number(new RegExp(`^observatory_${name} (.*)$`, 'm').exec(text)?.[1]);
  };
  await expect.poll(() => metric('alert_notification_failures_total')).toBeGreaterThan(2);
  expect(await metric('alert_notifications_undelivered')).toBe(1);
  expect(await metric('alert_last_look_timestamp_seconds')).toBeGreaterThanOrEqual(nowMs / 1000);
  expect(await metric('alert_look_failures_total')).toBe(0);
  isWell = true;
  await expect.poll(() => got.length).toBe(1);
  expect(got[0]).toMatchObject({ status: 'firing', groupLabels: { alertname: 'DispatchLatencyBudgetBurn' } });
  await expect.poll(() => metric('alert_notifications_undelivered')).toBe(0);
});
