import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { CommandContext } from '../command.ts';
import { createRandom } from './block-permutation.ts';
import { verifyCommand } from './command.ts';
import type { Dispatch } from './dispatches.ts';
import { type PrometheusServer, startPrometheusServer } from './fixtures/prometheus-server.ts';
import { readRecording, within } from './fixtures/recorded-dispatches.ts';
import { simulate, type Traffic, usualTraffic } from './fixtures/simulated-dispatches.ts';
import { judge } from './judge.ts';
import { createPrometheusSource } from './prometheus-source.ts';
import { type Clock, type VerifyRequest, verifyRelease, type VerifyResult } from './verify.ts';

const recording = readRecording();
const minutes = { before: [0, 600_000], after: [600_000, 680_000] } as const;
const before = (dispatches: readonly Dispatch[]) => within(dispatches, ...minutes.before);
const after = (dispatches: readonly Dispatch[]) => within(dispatches, ...minutes.after);
const old = { hotrod_release_customer: '0.1.0+aaaaaaa' };
const released = { hotrod_release_customer: '0.1.0+bbbbbbb' };

let prometheus: PrometheusServer;
/** When the recording begins, Unix milliseconds: on a scrape, so that all runs see the same; its end is about now. */
let beginMs: number;
beforeEach(async () => {
  prometheus = await startPrometheusServer();
  beginMs = Math.floor((Date.now() - minutes.after[1] - 5_000) / 5_000) * 5_000;
});
afterEach(() => prometheus.close());

const at = (dispatches: readonly Dispatch[]) =>
  dispatches.map((each) => ({ ...each, startMs: beginMs + each.startMs }));

async function verify(args: readonly string[] = [], env: CommandContext['env'] = {}) {
  let stdout = '';
  const context: CommandContext = {
    env,
    stdout: (text) => (stdout += text),
    stderr: () => undefined,
    signal: new AbortController().signal,
  };
  const release = ['--service', 'customer', '--release', released.hotrod_release_customer];
  const source = ['--source', 'prometheus', '--prometheus', prometheus.url];
  const code = await verifyCommand.run([...release, ...source, ...args], context);
  return { code, stdout };
}
async function judged(...args: string[]) {
  const { code, stdout } = await verify(['--json', ...args]);
  return { code, result: JSON.parse(stdout) as VerifyResult & { source: string } };
}

describe('release verify, of a Prometheus', () => {
  test('calls the fix better for the two customers, by the bounds of buckets', async () => {
    prometheus.count(at(before(recording.bug)), old);
    prometheus.count(at(after(recording.fixed)), released);
    const { code, result } = await judged();
    expect(code).toBe(0);
    expect(result).toMatchObject({ verdict: 'better', link: null, source: `prometheus ${prometheus.url}` });
    expect(result.versions.baseline).toEqual({ customer: '0.1.0+aaaaaaa' });
    const customers = result.findings.flatMap(({ customer, mostly }) => (customer === null ? mostly : [customer]));
    expect([...new Set(customers)].toSorted()).toEqual(['Bicycles Green', 'Value Walking']);
    for (const { slowerThanMs } of result.findings) expect(result.limitsMs).toContain(slowerThanMs);
    const { stdout } = await verify();
    expect(stdout).toContain('Durations are known by buckets, up to 50 ms, 100 ms,');
  });

  test('calls the bug worse, with exit code 3', async () => {
    prometheus.count(at(before(recording.fixed)), old);
    prometheus.count(at(after(recording.bug)), released);
    const { code, result } = await judged();
    expect({ code, verdict: result.verdict }).toEqual({ code: 3, verdict: 'worse' });
  });

  test('calls a release that fails more often worse, also where nobody claims what failed', async () => {
    const failing = at(after(recording.fixed)).map((each, index) => ({ ...each, failed: index % 8 === 0 }));
    prometheus.count(at(before(recording.fixed)), old);
    prometheus.count(
      failing.filter(({ failed }) => !failed),
      released,
    );
    prometheus.count(
      failing.filter(({ failed }) => failed),
      {},
    );
    const { code, result } = await judged();
    expect({ code, verdict: result.verdict }).toEqual({ code: 3, verdict: 'worse' });
    expect(result.findings[0]).toMatchObject({ measure: 'errors', direction: 'worse' });
  });

  test.each(['bug', 'fixed'] as const)('calls two times %s the same', async (kind) => {
    prometheus.count(at(before(recording[kind])), old);
    prometheus.count(at(after(recording[kind])), released);
    const { code, result } = await judged();
    expect({ code, verdict: result.verdict }).toEqual({ code: 0, verdict: 'same' });
    // The counters tell of as many as there are, but for the first scrape of each release, the warm-up and the end.
    expect(result.baseline.requests).toBeGreaterThan(before(recording[kind]).length * 0.9);
    expect(result.baseline.requests).toBeLessThanOrEqual(before(recording[kind]).length);
  });

  test('calls too few dispatches inconclusive, with exit code 4 unless told to pass', async () => {
    prometheus.count(at(before(recording.bug)), old);
    prometheus.count(at(after(recording.fixed)).slice(0, 40), released);
    const { code, result } = await judged('--timeout', '1s');
    expect({ code, verdict: result.verdict }).toEqual({ code: 4, verdict: 'inconclusive' });
    expect((await judged('--timeout', '1s', '--inconclusive', 'pass')).code).toBe(0);
  });

  test('calls no data inconclusive', async () => {
    const { code, result } = await judged('--timeout', '1s');
    expect({ code, verdict: result.verdict }).toEqual({ code: 4, verdict: 'inconclusive' });
    expect(result.limitsMs).toBeNull();
  });

  test('compares with what served before --since', async () => {
    prometheus.count(at(before(recording.bug)), old);
    prometheus.count(at(after(recording.fixed)), released);
    const { result } = await judged('--since', String(Math.round(beginMs + minutes.after[0])));
    expect(result.verdict).toBe('better');
  });

  test('repeats the error of Prometheus', async () => {
    const body = JSON.stringify({ status: 'error', errorType: 'timeout', error: 'query timed out in expression' });
    prometheus.answerWith({ status: 503, body });
    await expect(verify()).rejects.toThrow(
      `Prometheus at ${prometheus.url} answered 503: timeout: query timed out in expression`,
    );
  });

  test.each([
    ['a page', '<html>', 'answered 200: <html>'],
    ['a vector', '{"status":"success","data":{"resultType":"vector","result":[]}}', 'without the scrapes'],
    [
      'native histograms',
      '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[]}]}}',
      'not one of explicit buckets',
    ],
  ])('refuses %s', async (_, body, message) => {
    prometheus.answerWith({ status: 200, body });
    await expect(verify()).rejects.toThrow(message);
  });

  test('fails when nobody answers', async () => {
    await expect(verify(['--prometheus', 'http://127.0.0.1:1'])).rejects.toThrow('http://127.0.0.1:1 did not answer');
  });

  test('refuses a source that it does not know, and a Prometheus that is not asked', async () => {
    await expect(verify(['--source', 'logs'])).rejects.toThrow('--source must be observatory or prometheus');
    await expect(verify(['--source', 'observatory'])).rejects.toThrow('--prometheus needs --source prometheus');
    await expect(verify(['--prometheus', 'ftp://x'])).rejects.toThrow('must be an http or https URL');
  });
});

describe('a release that is being served', () => {
  /** As long as it takes by a clock that jumps. */
  async function wait(now: Partial<Traffic>, ofServer = prometheus) {
    const deployMs = 1_800_000_000_000;
    const random = createRandom(11);
    ofServer.count(simulate(random, usualTraffic, deployMs - 720_000, 720), old);
    ofServer.count(simulate(random, { ...usualTraffic, ...now }, deployMs, 280), released);
    let time = deployMs;
    const clock: Clock = {
      now: () => time,
      sleep: (ms) => {
        time += ms;
        return Promise.resolve();
      },
    };
    const { signal } = new AbortController();
    const request: VerifyRequest = {
      candidate: { customer: released.hotrod_release_customer },
      baseline: {},
      sinceMs: null,
      baselineUntilMs: null,
      baselineWindowMs: 600_000,
      requests: 300,
      alpha: 0.01,
      minChange: 0.25,
      warmUpMs: 5_000,
      timeoutMs: 300_000,
    };
    const source = createPrometheusSource(ofServer.url, signal);
    const { verdict } = await verifyRelease(source, request, { clock, signal, log: () => undefined });
    return { verdict, seconds: (time - deployMs) / 1000 };
  }

  test('is waited for, scrape by scrape, until it is the same', async () => {
    const { verdict, seconds } = await wait({});
    expect(verdict).toBe('same');
    expect(seconds).toBeGreaterThan(65);
    expect(seconds).toBeLessThan(100);
  });

  test('is waited for three minutes where a scrape comes every 15 seconds', async () => {
    const slow = await startPrometheusServer(15_000);
    try {
      const same = await wait({}, slow);
      expect(same.verdict).toBe('same');
      expect(same.seconds).toBeGreaterThan(170);
      expect(same.seconds).toBeLessThan(230);
    } finally {
      await slow.close();
    }
  });

  test('is worse where all of it is slower', async () => {
    expect((await wait({ factor: 1.4 })).verdict).toBe('worse');
  });

  test('is better with the fix, before all of it is there', async () => {
    const { verdict, seconds } = await wait({ bug: false });
    expect(verdict).toBe('better');
    expect(seconds).toBeLessThan(80);
  });
});

describe('dispatches of a Prometheus', () => {
  const version = { customer: released.hotrod_release_customer };
  const some = (count: number, change: Partial<Dispatch> = {}): Dispatch[] =>
    Array.from({ length: count }, (_, index) => ({
      startMs: beginMs + index * 200,
      durationMs: 700,
      customer: 'Trom Chocolatier',
      failed: false,
      ...change,
    }));
  const source = () => createPrometheusSource(prometheus.url, new AbortController().signal);

  test('are as long as their buckets, and those beyond the last bound longer than that', async () => {
    prometheus.count(some(100), released);
    prometheus.count(some(1, { startMs: beginMs + 15_000, durationMs: 60_000, customer: 'a "b"' }), released);
    const dispatches = await source().dispatches(version, beginMs - 60_000, beginMs + 120_000, false);
    const usual = dispatches.filter(({ customer }) => customer === 'Trom Chocolatier');
    // The first scrape is where counting begins.
    expect(usual.length).toBeGreaterThanOrEqual(75);
    for (const { durationMs } of usual) expect(durationMs > 600 && durationMs <= 800).toBe(true);
    const [slow] = dispatches.filter(({ customer }) => customer === 'a "b"');
    expect(slow?.durationMs).toBeGreaterThan(10_000);
  });

  test('count from zero where a series appears, and anew where the Collector has started again', async () => {
    prometheus.count(some(200), released);
    prometheus.count(some(1, { startMs: beginMs + 20_000, failed: true }), released);
    prometheus.restartCollectorAt(Math.ceil((beginMs + 30_000) / 5_000) * 5_000);
    const dispatches = await source().dispatches(version, beginMs - 60_000, beginMs + 120_000, false);
    expect(dispatches.filter(({ failed }) => failed)).toHaveLength(1);
    // Lost are the first scrape's and those that the old Collector never told: at most ten seconds of 40.
    expect(dispatches.length).toBeGreaterThan(145);
    expect(dispatches.length).toBeLessThanOrEqual(201);
  });

  test('are asked of the last 20 minutes alone', async () => {
    await source().dispatches(version, beginMs - 86_400_000, beginMs, false);
    const seconds = prometheus.queries.map((query) => Number(/\[(\d+)s\]$/.exec(query)?.[1]));
    expect(seconds).toEqual([1_260, 1_200]);
  });

  test('are refused where one scrape counts more than make sense', async () => {
    prometheus.count(some(1), released);
    prometheus.count(some(7_000, { startMs: beginMs + 20_000 }), released);
    await expect(source().dispatches(version, beginMs - 60_000, beginMs + 60_000, false)).rejects.toThrow(
      /A single scrape .* counts 7000 dispatches/,
    );
  });

  test('are refused where the Collector counted others without their release, then', async () => {
    prometheus.count(some(100), released);
    prometheus.countOverflow([beginMs, beginMs + 10_000, beginMs + 15_000]);
    const from = async (ms: number) => source().dispatches(version, beginMs + ms, beginMs + 60_000, false);
    await expect(from(-20_000)).rejects.toThrow('The Collector counts 2 dispatches without their release');
    expect((await from(18_000)).length).toBeGreaterThan(0);
  });

  test('tell which releases served, the last one first, each alone', async () => {
    prometheus.count(some(50), old);
    prometheus.count(
      some(50, {}).map((each) => ({ ...each, startMs: each.startMs + 60_000 })),
      released,
    );
    prometheus.count(some(50), { hotrod_release_customer: '0.1.0+aaaaaaa, 0.1.0+bbbbbbb' });
    const releases = await source().releases('customer', 0, beginMs + 120_000);
    expect(releases.map((each) => each.version)).toEqual(['0.1.0+bbbbbbb', '0.1.0+aaaaaaa']);
    expect(Math.abs((releases[1]?.lastMs ?? 0) - (beginMs + 10_700))).toBeLessThan(10_000);
  });

  test('tell of a release of yesterday where none is nearer', async () => {
    prometheus.count(some(2_000), old);
    const releases = await source().releases('customer', 0, beginMs + 6 * 3_600_000);
    expect(releases.map((each) => each.version)).toEqual(['0.1.0+aaaaaaa']);
  });
});

describe('verdicts by buckets and scrapes', () => {
  const options = { minRequests: 100, alpha: 0.01 / 4, minChange: 0.25 };
  const kinds = { bug: '0.1.0+aaaaaaa', fixed: '0.1.0+bbbbbbb' } as const;

  test.each([
    ['bug', 'bug', 'same', 5],
    ['fixed', 'fixed', 'same', 5],
    ['bug', 'fixed', 'better', 6],
    ['fixed', 'bug', 'worse', 6],
  ] as const)('of ten minutes of %s, then one of %s, are %s', { timeout: 600_000 }, async (was, is, verdict, least) => {
    for (const kind of new Set([was, is])) {
      prometheus.count(at(recording[kind]), { hotrod_release_customer: kinds[kind] });
    }
    const source = createPrometheusSource(prometheus.url, new AbortController().signal);
    const verdicts: string[] = [];
    for (let each = 0; each < 6; each += 1) {
      const ms = beginMs + each * 130_000;
      const baseline = await source.dispatches({ customer: kinds[was] }, ms, ms + 600_000, false);
      const candidate = await source.dispatches({ customer: kinds[is] }, ms + 605_000, ms + 665_000, false);
      verdicts.push(judge({ baseline, candidate }, { ...options, limitsMs: source.limitsMs() }).verdict);
    }
    expect(verdicts.filter((each) => each === verdict).length, verdicts.join()).toBeGreaterThanOrEqual(least);
  });
});
