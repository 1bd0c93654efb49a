import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { profiles } from '@hotrod/loadgen/profiles';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { createTemporaryDirectory, findFreePort, noDelays, root, startSuite, type Suite } from '../harness/suite.ts';
import { findTool, mustRun, type Outcome, run } from './tools.ts';

const k6 = findTool('k6');
const directory = createTemporaryDirectory('k6');
afterAll(() => directory.remove());

/** k6's exit code where a threshold is crossed. */
const thresholdCrossed = 99;

interface Summary {
  metrics: Record<string, Record<string, number> & { thresholds?: Record<string, boolean> }>;
}

async function runK6(frontend: string, env: Record<string, string>): Promise<Outcome & { summary: Summary }> {
  const summaryFile = join(directory.path, 'summary.json');
  const outcome = await run(
    k6 ?? '',
    ['run', '--quiet', '--no-usage-report', '--address=', `--summary-export=${summaryFile}`, 'loadgen/k6.ts'],
    { cwd: root, env: { BASE_URL: frontend, ...env } },
  );
  return { ...outcome, summary: JSON.parse(readFileSync(summaryFile, 'utf8')) as Summary };
}

describe.skipIf(!k6)('the real k6', () => {
  let receiver: OtlpReceiver;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
  });
  afterAll(() => receiver?.close());

  describe('with the suite in good order', () => {
    let suite: Suite;
    const dispatches = (from: number) =>
      receiver.spans.slice(from).filter((span) => span.service === 'frontend' && span.kind === 'server');
    beforeAll(async () => {
      suite = await startSuite({ otlpUrl: receiver.url, env: noDelays });
    });
    afterAll(() => suite?.stop());

    test.each(Object.keys(profiles))('%s holds its thresholds, a trace for every dispatch', async (profile) => {
      const before = receiver.spans.length;
      const { code, output, summary } = await runK6(suite.frontend, {
        PROFILE: profile,
        PROFILE_SECONDS: '5',
        NORMAL_P95_MS: '12000', // what k6 measures is the machine as well, which others use
      });

      expect(code, output).toBe(0);
      const sent = summary.metrics['iterations']?.['count'] ?? 0;
      expect(sent).toBeGreaterThan(5);
      expect(Object.keys(summary.metrics)).toContain('http_req_duration{customer:normal}');

      await receiver.eventually(`${sent} dispatches`, () => dispatches(before).length >= sent);
      const received = dispatches(before);
      expect(received).toHaveLength(sent);
      // Each order is a trace of its own, with a caller, and a request id that no other has.
      expect(new Set(received.map((span) => span.traceId)).size).toBe(sent);
      expect(received.every((span) => /^[0-9a-f]{16}$/.test(span.parentSpanId))).toBe(true);
      expect(new Set(received.map((span) => span.attributes['hotrod.request.id'])).size).toBe(sent);
      for (const { attributes } of received) {
        expect(attributes['hotrod.client.id']).toMatch(/^k6-\d+-[0-9a-f]{4}$/);
        expect(attributes['session.id']).toBe(attributes['hotrod.client.id']);
        expect(attributes['hotrod.request.id']).toMatch(
          new RegExp(`^${String(attributes['hotrod.client.id'])}-[1-9]\\d*$`),
        );
      }
    });
  });

  describe.each([
    {
      build: 'a slow build',
      env: { ...noDelays, CUSTOMER_QUERY_DELAY_MS: '1500', CUSTOMER_SLOW_FACTOR: '1' },
      crossed: 'http_req_duration{customer:normal}',
    },
    {
      build: 'a build that fails dispatches',
      env: { ...noDelays, DRIVER_READ_FAILURE_EVERY: '1' },
      crossed: 'http_req_failed',
    },
  ])('with $build', ({ env, crossed }) => {
    let suite: Suite;
    beforeAll(async () => {
      suite = await startSuite({ otlpUrl: receiver.url, env });
    });
    afterAll(() => suite?.stop());

    test(`misses ${crossed}`, async () => {
      const { code, output, summary } = await runK6(suite.frontend, { PROFILE: 'steady', PROFILE_SECONDS: '4' });
      expect(code, output).toBe(thresholdCrossed);
      // In the summary, true says that a threshold was crossed.
      expect(Object.values(summary.metrics[crossed]?.thresholds ?? {})).toEqual([true]);
      expect(output).toContain(crossed.split('{')[0]);
    });
  });

  test('an archive for the k6-operator keeps its profile, and takes the address where it runs', async () => {
    const archive = join(directory.path, 'archive.tar');
    const made = ['archive', '-e', 'PROFILE=soak', '-e', 'PROFILE_SECONDS=2', '-O', archive, 'loadgen/k6.ts'];
    await mustRun(k6 ?? '', made, { cwd: root });
    const nobody = `http://127.0.0.1:${await findFreePort()}`;
    const runner = ['run', '--address=', '--no-usage-report', '-e', `BASE_URL=${nobody}`, archive];
    const { code, output } = await run(k6 ?? '', runner, { cwd: directory.path });
    expect(code, output).toBe(thresholdCrossed);
    expect(output).toContain('soak');
    expect(output).toContain(`${nobody}/dispatch?customer=`);
  });

  test('RATE stands in for a profile, and what is wrong is named', async () => {
    const wrong = await run(k6 ?? '', ['inspect', '-e', 'PROFILE=storm', 'loadgen/k6.ts'], { cwd: root });
    expect(wrong.code).not.toBe(0);
    expect(wrong.output).toMatch(/PROFILE is .*storm.*; it is one of webinar, steady, spike, soak, demo\./);

    const steady = await run(k6 ?? '', ['inspect', '-e', 'RATE=2.5', 'loadgen/k6.ts'], { cwd: root });
    expect(steady.code, steady.output).toBe(0);
    const { scenarios } = JSON.parse(steady.stdout) as { scenarios: { steady: { timeUnit: string; stages: unknown } } };
    expect(scenarios.steady).toMatchObject({
      timeUnit: '1m0s',
      stages: [
        { target: 150, duration: '0s' },
        { target: 150, duration: '24h0m0s' },
      ],
    });
  });

  test('NORMAL_P95_MS sets how long normal customers may wait', async () => {
    const patient = await run(k6 ?? '', ['inspect', '-e', 'NORMAL_P95_MS=2500', 'loadgen/k6.ts'], { cwd: root });
    expect(patient.code, patient.output).toBe(0);
    const { thresholds } = JSON.parse(patient.stdout) as { thresholds: Record<string, unknown> };
    expect(JSON.stringify(thresholds['http_req_duration{customer:normal}'])).toContain('p(95)<2500');
  });
});
