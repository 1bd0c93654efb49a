import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { hasChromium, launchChromium } from '../../../tests/harness/chromium.ts';
import { createRecorder, type RunRecord, type StepRecord } from '../record.ts';
import { createRunPageHandler } from './handler.ts';

const directory = mkdtempSync(join(tmpdir(), 'hotrod-runs-'));
const runs = join(directory, 'runs');
const server = createServer(createRunPageHandler(runs, ['runs.example.org']));
let base = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

const step = (name: string, more: Partial<StepRecord> = {}): StepRecord => ({
  name,
  title: name,
  kind: 'freestyle',
  stage: null,
  parent: null,
  hook: null,
  state: 'success',
  reason: null,
  startedAtMs: 1_000_100,
  endedAtMs: 1_000_900,
  attempts: 1,
  exitCode: 0,
  log: null,
  lastLine: null,
  spanId: null,
  ...more,
});

const run = (id: string, more: Partial<RunRecord> = {}): Omit<RunRecord, 'process'> => ({
  id,
  pipeline: 'hotrod',
  file: 'codefresh.yml',
  repository: '/r',
  branch: 'main',
  revision: '1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d',
  commitMessage: 'Mend it <script>alert(1)</script>\n\nmore',
  commitAuthor: 'Ada <ada@example.org>',
  initiator: 'ada',
  executor: 'host',
  target: 'stack',
  url: null,
  traceId: 'a'.repeat(32),
  traceUrl: 'http://127.0.0.1:8088/trace/aaa',
  startedAtMs: 1_000_000,
  endedAtMs: 1_001_000,
  verdict: 'success',
  reason: null,
  warnings: ['A "quoted" warning'],
  annotations: { coverage: 10 },
  stages: [],
  steps: [],
  ...more,
});

/** With a Host of our choosing, which fetch would not send. */
function answerTo(host: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest(`${base}/runs`, { headers: { host } }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the pages of runs', () => {
  test('say what to do where there is no run yet', async () => {
    expect(await (await fetch(`${base}/runs`)).text()).toContain('git push production');
    expect((await fetch(`${base}/`, { redirect: 'manual' })).headers.get('location')).toBe('/runs');
  });

  test('show a run with its steps, escaped, and the log of a failed step', async () => {
    const recorder = createRecorder(runs, run('20260101-failed', { verdict: 'failure', reason: 'bad <b>ended</b>' }));
    const log = recorder.openLog('bad');
    log.write('first line\n<img src=x onerror=alert(1)>\n\u001b[31mred\u001b[0m\n');
    log.close();
    recorder.record.steps = [
      step('good'),
      step('bad', { state: 'failure', reason: 'ended with exit code 3', log: log.file }),
      step('bad.on_fail', { hook: { of: 'bad', event: 'on_fail' } }),
      step('late', { state: 'skipped', startedAtMs: null, endedAtMs: null }),
    ];
    recorder.save();
    const answer = await fetch(`${base}/runs/20260101-failed`);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    const text = await answer.text();
    expect(text).toContain('bad &#60;b&#62;ended');
    expect(text).toContain('Mend it &#60;script&#62;');
    expect(text).toContain('&#60;img src=x');
    for (const unwanted of ['<script>', '<img', '\u001b']) expect(text).not.toContain(unwanted);
    expect(text.indexOf('id="bad.on_fail"')).toBeGreaterThan(text.indexOf('id="bad"'));
    expect(text).toMatch(/<details open[^]*first line/);
    expect(await (await fetch(`${base}/runs/20260101-failed/run.json`)).json()).toMatchObject({ verdict: 'failure' });
    expect(await (await fetch(`${base}/runs`)).text()).toContain('/runs/20260101-failed');
  });

  test('serve a log in pieces, for a page that follows it', async () => {
    const recorder = createRecorder(runs, run('20260101-log'));
    const log = recorder.openLog('one');
    log.write('0123456789');
    log.close();
    const from = async (position: string) => {
      const answer = await fetch(`${base}/runs/20260101-log/logs/one.log${position}`);
      return [await answer.text(), answer.headers.get('x-next')];
    };
    expect(await from('')).toEqual(['0123456789', '10']);
    expect(await from('?from=4')).toEqual(['456789', '10']);
    expect(await from('?from=99')).toEqual(['', '10']);
    expect(await from('?from=-5')).toEqual(['0123456789', '10']);
  });

  test('show the end of a long log, and where the whole is', async () => {
    const recorder = createRecorder(runs, run('20260101-long'));
    const log = recorder.openLog('one');
    for (let number = 0; number < 20_000; number += 1) log.write(`line ${number}\n`);
    log.close();
    recorder.record.steps = [step('one', { log: log.file })];
    recorder.save();
    const text = await (await fetch(`${base}/runs/20260101-long`)).text();
    expect(text).toContain('line 19999');
    expect(text).not.toContain('line 100\n');
    expect(text).toContain('the whole log');
  });

  test.each([
    '/runs/none',
    '/runs/..%2f..%2fetc',
    '/runs/20260101-log/logs/..%2f..%2frun.json',
    '/runs/20260101-log/logs/run.json',
    '/runs/20260101-log/other',
    '/elsewhere',
    '/runs/%ff',
    '/runs/a/b/c/d/e',
  ])('answer 404 at %s', async (path) => {
    expect((await fetch(base + path)).status).toBe(404);
  });

  test('answer 404 for an invalid record', async () => {
    mkdirSync(join(runs, '20260101-broken'));
    writeFileSync(join(runs, '20260101-broken', 'run.json'), '{"id":1}');
    expect((await fetch(`${base}/runs/20260101-broken`)).status).toBe(404);
    expect((await fetch(`${base}/runs`)).status).toBe(200);
  });

  test('can be read alone, and by names of this machine alone', async () => {
    expect((await fetch(`${base}/runs`, { method: 'POST' })).status).toBe(405);
    expect(await answerTo('attacker.example')).toMatchObject({
      status: 421,
      body: expect.stringContaining('ALLOWED_HOSTS') as string,
    });
    expect(await answerTo('runs.example.org:1234')).toMatchObject({ status: 200 });
    expect(await answerTo('localhost:1234')).toMatchObject({ status: 200 });
  });

  test.skipIf(!hasChromium)('follow a run while it goes on, and keep what a reader has opened', async () => {
    const recorder = createRecorder(
      runs,
      run('20260101-live', { verdict: 'running', endedAtMs: null, startedAtMs: Date.now() }),
    );
    const { record } = recorder;
    const log = recorder.openLog('one');
    log.write('begun\n');
    record.steps = [
      step('one', { state: 'running', endedAtMs: null, log: log.file }),
      step('two', { state: 'pending', startedAtMs: null, endedAtMs: null }),
    ];
    recorder.save();
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      await page.goto(`${base}/runs/20260101-live`);
      await page.getByText('begun').waitFor();
      log.write('going on\n');
      await page.getByText('going on').waitFor();
      // By the keyboard: closed, and it stays closed although the page changes.
      const summary = page.locator('#one summary');
      await summary.focus();
      await page.keyboard.press('Enter');
      expect(await page.locator('#one details').getAttribute('open')).toBeNull();
      Object.assign(record.steps[1] ?? {}, {
        state: 'failure',
        reason: 'ended with exit code 1',
        startedAtMs: Date.now(),
        endedAtMs: Date.now(),
      });
      Object.assign(record.steps[0] ?? {}, { state: 'success', endedAtMs: Date.now() });
      Object.assign(record, { verdict: 'failure', endedAtMs: Date.now(), reason: 'two ended with exit code 1' });
      recorder.save();
      await page.locator('.badge.failure').waitFor();
      expect(await page.locator('#one details').getAttribute('open')).toBeNull();
      expect(await page.locator('#one summary:focus').count()).toBe(1);
      expect(await page.title()).toBe('✗ hotrod 1a2b3c4 failed');
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
      log.close();
    }
  });
});
