import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { createLogger } from '@hotrod/kit/logging';
import { expect, onTestFinished, test } from 'vitest';

import type { SloStatus } from '../contract/contract.ts';
import { send, startTestObservatory, temporaryDirectory } from '../fixtures/test-observatory.ts';
import type { Observatory } from '../observatory.ts';
import type { Request } from '../otlp/fixtures/requests.ts';
import { defaultObjectives } from '../store/questions/default-objectives.ts';
import type { Asking } from '../store/questions/population.ts';
import { createAlerting } from './alerting.ts';
import { createAlertFile, type KeptAlerts, nothingKept } from './alert-memory.ts';
import { type Notification, notification, notifiedAlert } from './notification.ts';

const minute = 60_000;
const [latency] = defaultObjectives;
if (!latency) throw new Error('there is an objective of latency');

/** One condition: over ten minutes and over two. */
const objective = {
  ...latency,
  alert: {
    ...latency.alert,
    name: 'Slow',
    labels: {},
    runbook: 'slow',
    conditions: [{ severity: 'page' as const, burnRate: 6, longMs: 10 * minute, shortMs: 2 * minute, afterMs: 0 }],
  },
};

/** What the store answers: how many spans of each window are bad, of a hundred; null: there are no spans. */
function readerOf(stored: { bad: number | null }): Asking['reader'] {
  return {
    rows: async <T>(name: string) =>
      (name === 'burn-rates'
        ? [0, 1].map((number) => ({ number, total: stored.bad === null ? 0 : 100, bad: stored.bad ?? 0 }))
        : []) as T[],
  };
}

/** Alerting with a clock that the test sets, after `kept` or from nothing. */
function start(kept: KeptAlerts, nowMs: number, bad: number | null) {
  const clock = { nowMs };
  const stored = { bad };
  const told: Notification[] = [];
  const alerting = createAlerting({
    objectives: [objective],
    publicUrl: 'http://localhost',
    reader: readerOf(stored),
    notify: (each) => told.push(each),
    kept,
    now: () => clock.nowMs,
  });
  const look = async (atMs: number): Promise<string[]> => {
    clock.nowMs = atMs;
    await alerting.evaluate();
    return told.splice(0).map(({ status }) => status);
  };
  const stop = (): KeptAlerts => ({
    ...nothingKept,
    lookedMs: alerting.lastLookMs(),
    firing: JSON.parse(JSON.stringify(alerting.firing())) as KeptAlerts['firing'],
  });
  return { alerting, stored, look, stop, told };
}

test('an alert that fires over a restart is not told again, and keeps its beginning', async () => {
  const first = start(nothingKept, 0, 100);
  expect(await first.look(20 * minute)).toEqual(['firing']);
  const second = start(first.stop(), 21 * minute, 100);
  expect(await second.look(22 * minute)).toEqual([]);
  expect(second.alerting.firingOf(objective)).toEqual([
    {
      severity: 'page',
      startsMs: 20 * minute,
      burnRate: 6,
      longMs: 10 * minute,
      shortMs: 2 * minute,
      runbook: 'slow',
      exemplarTraceId: null,
    },
  ]);
  second.stored.bad = 0;
  expect(await second.look(30 * minute)).toEqual(['resolved']);
  expect(second.alerting.firing()).toEqual([]);
});

test('an alert does not end because nothing was stored while the Observatory was away', async () => {
  const first = start(nothingKept, 0, 100);
  await first.look(20 * minute);
  const second = start(first.stop(), 50 * minute, null);
  expect(await second.look(50 * minute + 15_000)).toEqual([]);
  expect(await second.look(50 * minute + 59_000)).toEqual([]);
  // Half of the short window has been seen by then, and what it says counts.
  expect(await second.look(51 * minute)).toEqual(['resolved']);
});

test('an alert that ended while the Observatory was away for a moment ends at once', async () => {
  const first = start(nothingKept, 0, 100);
  await first.look(20 * minute);
  const second = start(first.stop(), 20 * minute + 30_000, 0);
  expect(await second.look(20 * minute + 45_000)).toEqual(['resolved']);
});

test('an alert of an objective that is no longer there ends', async () => {
  const labels = { alertname: 'Gone', severity: 'page' };
  const kept = { ...nothingKept, lookedMs: 1, firing: [{ labels, annotations: { summary: 's' }, startsMs: 1 }] };
  const { alerting, look, told } = start(kept, 2, 0);
  expect(alerting.firing()).toHaveLength(1);
  await alerting.evaluate();
  expect(told).toMatchObject([{ status: 'resolved', groupLabels: { alertname: 'Gone' } }]);
  told.length = 0;
  expect(await look(3)).toEqual([]);
  expect(alerting.firing()).toEqual([]);
});

test('the end of a condition that is no longer there is told with what of its alert still fires', async () => {
  const first = start(nothingKept, 0, 100);
  await first.look(20 * minute);
  const kept = first.stop();
  const dropped = ['2', '3'].map((burn_rate) => ({
    labels: { alertname: 'Slow', severity: 'ticket', burn_rate },
    annotations: {},
    startsMs: 1,
  }));
  const { alerting, told } = start({ ...kept, firing: [...kept.firing, ...dropped] }, 21 * minute, 100);
  await alerting.evaluate();
  expect(told).toMatchObject([
    {
      status: 'firing',
      alerts: [
        { status: 'resolved', labels: { burn_rate: '2' } },
        { status: 'resolved', labels: { burn_rate: '3' } },
        { status: 'firing', labels: { burn_rate: '6' }, startsAt: new Date(20 * minute).toISOString() },
      ],
    },
  ]);
});

test('the file is read as it was written; a damaged one is an error', async () => {
  const path = join(await temporaryDirectory(), 'alerts.json');
  const file = createAlertFile(path);
  expect(file.load()).toEqual(nothingKept);
  const ended = notifiedAlert({ alertname: 'A' }, { summary: 's' }, 0, 1, 'http://g');
  const kept: KeptAlerts = {
    lookedMs: 3,
    firing: [{ labels: { alertname: 'A' }, annotations: {}, startsMs: 2 }],
    hasWebhook: true,
    undelivered: [notification('A', [ended], 'http://o')],
  };
  file.save(kept);
  expect(file.load()).toEqual(kept);
  writeFileSync(path, '{"firing":[]}');
  expect(() => file.load()).toThrow();
});

/** Takes notifications, or refuses them while it is ill. */
async function startReceiver() {
  const got: Notification[] = [];
  const state = { isWell: true };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (state.isWell) got.push(JSON.parse(Buffer.concat(chunks).toString()) as Notification);
      response.writeHead(state.isWell ? 200 : 404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { got, state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** A hundred rides of the last minute, all of them too slow. */
function slowRides(): Request {
  const spans = Array.from({ length: 100 }, (_each, number) => {
    const at = Date.now() - 30_000 - number;
    return {
      traceId: (number + 1).toString(16).padStart(32, '0'),
      spanId: (number + 1).toString(16).padStart(16, '0'),
      name: 'GET /dispatch',
      kind: 2,
      startTimeUnixNano: `${at}000000`,
      endTimeUnixNano: `${at + 2_000}000000`,
      attributes: [{ key: 'http.route', value: { stringValue: '/dispatch' } }],
    };
  });
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'frontend' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }] };
}

/** When the Observatory looked at all objectives last, Unix seconds; 0 for never. */
async function lastLook({ url }: Observatory): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^observatory_alert_last_look_timestamp_seconds (.*)$/m.exec(metrics)?.[1]);
}

test('an Observatory that is started anew shows what fires, and delivers what nobody took before', async () => {
  const directory = await temporaryDirectory();
  const receiver = await startReceiver();
  receiver.state.isWell = false;
  const changes = { alertWebhook: receiver.url, alertIntervalMs: 50, objectives: [objective] };
  const first = await startTestObservatory(directory, changes);
  expect((await send(first, 'traces', slowRides())).status).toBe(200);
  const alertsOf = async (url: string): Promise<SloStatus['alerts']> =>
    ((await (await fetch(`${url}/api/slo`)).json()) as SloStatus[])[0]?.alerts ?? [];
  await expect.poll(() => alertsOf(first.url)).toMatchObject([{ severity: 'page', runbook: 'slow' }]);
  const [before] = await alertsOf(first.url);
  await first.close();

  receiver.state.isWell = true;
  const second = await startTestObservatory(directory, changes);
  expect(await alertsOf(second.url)).toEqual([before]);
  await expect.poll(() => receiver.got.length).toBe(1);
  expect(receiver.got[0]).toMatchObject({ status: 'firing', groupLabels: { alertname: 'Slow' } });
  const file = join(directory, 'alerts.json');
  await expect.poll(() => JSON.parse(readFileSync(file, 'utf8')) as unknown).toMatchObject({ undelivered: [] });
  await second.close();

  const third = await startTestObservatory(directory, changes);
  await expect.poll(() => lastLook(third)).toBeGreaterThan(0);
  expect(await alertsOf(third.url)).toEqual([before]);
  await third.close();
  expect(receiver.got).toHaveLength(1);
});

test('the Observatory starts although the state of alerts cannot be read or written', async () => {
  const directory = await temporaryDirectory();
  writeFileSync(join(directory, 'alerts.json'), 'not JSON');
  const observatory = await startTestObservatory(directory, { alertIntervalMs: 50, objectives: [objective] });
  expect((await fetch(`${observatory.url}/readyz`)).status).toBe(200);
  await observatory.close();
  const other = await temporaryDirectory();
  mkdirSync(join(other, 'alerts.json.new'));
  const second = await startTestObservatory(other, { alertIntervalMs: 50 });
  await second.close();
  expect(existsSync(join(other, 'alerts.json'))).toBe(false);
});

test('warns once that the state of alerts cannot be written, and again only after it could be', async () => {
  const directory = await temporaryDirectory();
  const obstacle = join(directory, 'alerts.json.new');
  mkdirSync(obstacle);
  const lines: string[] = [];
  const logger = createLogger('observatory', 'warn', { write: (line) => void lines.push(line) });
  const observatory = await startTestObservatory(
    directory,
    { alertIntervalMs: 50, objectives: [objective] },
    { logger },
  );
  const warnings = () => lines.filter((line) => line.includes('could not be kept')).length;
  const looks = async (count: number): Promise<void> => {
    for (let look = 1; look <= count; look += 1) {
      const before = await lastLook(observatory);
      await expect.poll(() => lastLook(observatory)).toBeGreaterThan(before);
    }
  };
  await looks(3);
  expect(warnings()).toBe(1);
  rmdirSync(obstacle);
  await expect.poll(() => existsSync(join(directory, 'alerts.json'))).toBe(true);

  mkdirSync(obstacle);
  // What fires is written at each look.
  expect((await send(observatory, 'traces', slowRides())).status).toBe(200);
  await expect.poll(warnings).toBe(2);
  await looks(3);
  expect(warnings()).toBe(2);
});
