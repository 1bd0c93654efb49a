import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Marker } from '../../observatory/contract/contract.ts';
import type { Dispatch } from '../../pipeline/release/verify/dispatches.ts';
import { readRecording, within } from '../../pipeline/release/verify/fixtures/recorded-dispatches.ts';
import type { VerifyResult } from '../../pipeline/release/verify/verify.ts';
import { type RunningObservatory, startObservatory } from '../harness/observatory.ts';
import { sendTraces } from '../harness/otlp-sender.ts';
import { createTemporaryDirectory, root } from '../harness/suite.ts';
import { waitForTraces } from '../harness/synthetic-dispatches.ts';
import { type Outcome, run } from './tools.ts';

const recording = readRecording();
const directory = createTemporaryDirectory('verify');
let observatory: RunningObservatory;
/** Ten minutes of one kind of dispatches ended now, and a little more than one minute of another. */
let now: number;
const minutes = { before: [0, 600_000], after: [600_000, 672_000] } as const;

let spanNumber = 0;
/** Root spans of dispatches that happened, as a frontend sends them. */
async function send(dispatches: readonly Dispatch[], attributes: Record<string, string>): Promise<void> {
  const string = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const spans = dispatches.map(({ startMs, durationMs, customer, failed }) => {
    const start = BigInt(Math.round(now - minutes.after[1] + startMs)) * 1_000_000n;
    spanNumber += 1;
    return {
      traceId: spanNumber.toString(16).padStart(32, '0'),
      spanId: spanNumber.toString(16).padStart(16, '0'),
      name: 'GET /dispatch',
      kind: 2,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(Math.round(durationMs * 1e6))),
      status: { code: failed ? 2 : 0 },
      attributes: [
        string('http.route', '/dispatch'),
        string('hotrod.customer.name', customer),
        { key: 'http.response.status_code', value: { intValue: failed ? '503' : '200' } },
        ...Object.entries(attributes).map(([key, value]) => string(key, value)),
      ],
    };
  });
  const resource = { attributes: [string('service.name', 'frontend'), string('service.version', '1.0.0')] };
  const scope = { name: 'recorded' };
  await sendTraces(observatory.otlpUrl, { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] });
}

beforeAll(async () => {
  observatory = await startObservatory();
  now = Date.now() - 5_000;
  const before = (dispatches: readonly Dispatch[]) => within(dispatches, ...minutes.before);
  const after = (dispatches: readonly Dispatch[]) => within(dispatches, ...minutes.after);
  // Each service's releases have dispatches of their own, so that all verdicts can be asked of one Observatory.
  await send(before(recording.bug), { 'hotrod.release.customer': '0.1.0+aaaaaaa' });
  await send(after(recording.fixed), { 'hotrod.release.customer': '0.1.0+bbbbbbb' });
  await send(before(recording.fixed), { 'hotrod.release.driver': '0.1.0+aaaaaaa' });
  await send(after(recording.bug), { 'hotrod.release.driver': '0.1.0+bbbbbbb' });
  await send(before(recording.fixed), { 'hotrod.release.route': '0.1.0+aaaaaaa' });
  await send(after(recording.fixed), { 'hotrod.release.route': '0.1.0+bbbbbbb' });
  await waitForTraces(observatory.url, spanNumber);
});
afterAll(async () => {
  await observatory?.stop();
  directory.remove();
});

function verify(args: readonly string[], url = observatory.url): Promise<Outcome> {
  return run(process.execPath, [join(root, 'pipeline/release/main.ts'), 'verify', '--observatory', url, ...args]);
}
const result = ({ stdout }: Outcome) => JSON.parse(stdout) as VerifyResult;
const released = (service: string) => ['--service', service, '--release', '0.1.0+bbbbbbb'];

describe('release verify, of an Observatory', () => {
  test('calls the fix better, names the two customers, and leads to the page that shows both', async () => {
    const outcome = await verify([...released('customer')]);
    expect(outcome.code).toBe(0);
    const { stdout } = outcome;
    expect(stdout).toMatch(/^better: (Value Walking, Bicycles Green|Bicycles Green, Value Walking); p95 /);
    expect(stdout).toMatch(/release +0\.1\.0\+aaaaaaa \(customer\) +0\.1\.0\+bbbbbbb \(customer\)/);
    const link = new URL(/Side by side: (\S+)/.exec(stdout)?.[1] ?? '');
    expect(link.origin).toBe(observatory.url);
    // What the page asks for with this address: the selection is the new release, the rest the one before.
    const [boxFrom = '', boxTo = ''] = (link.searchParams.get('box') ?? '').split(',');
    const query = new URLSearchParams({
      from: link.searchParams.get('from') ?? '',
      to: link.searchParams.get('to') ?? '',
      filter: link.searchParams.get('filter') ?? '',
      boxFrom,
      boxTo,
    });
    const compared = (await (await fetch(`${observatory.url}/api/compare?${query.toString()}`)).json()) as {
      selected: number;
      baseline: number;
      attributes: { key: string; same: string[] }[];
    };
    expect(compared.selected).toBeGreaterThan(250);
    expect(compared.baseline).toBeGreaterThan(2_500);
    const [first] = compared.attributes;
    expect([first?.key, ...(first?.same ?? [])]).toContain('hotrod.release.customer');
  });

  test('calls the bug that came back worse, with exit code 3 and all the numbers', async () => {
    const outcome = await verify([...released('driver'), '--json']);
    expect(outcome.code).toBe(3);
    const { verdict, versions, candidate, baseline, findings } = result(outcome);
    expect(verdict).toBe('worse');
    expect(versions).toEqual({ candidate: { driver: '0.1.0+bbbbbbb' }, baseline: { driver: '0.1.0+aaaaaaa' } });
    expect(candidate.requests).toBeGreaterThanOrEqual(100);
    expect(candidate.p95Ms).toBeGreaterThan(baseline.p95Ms ?? Infinity);
    const named = findings.flatMap(({ customer, mostly }) => (customer === null ? mostly : [customer]));
    expect([...new Set(named)].toSorted()).toEqual(['Bicycles Green', 'Value Walking']);
  });

  test('records its verdict as a marker over the examined time', async () => {
    const outcome = await verify([...released('customer'), '--json']);
    const { candidateRange, link } = result(outcome);
    const range = `from=${now - 600_000}&to=${now + 60_000}`;
    const markers = (await (await fetch(`${observatory.url}/api/markers?${range}`)).json()) as Marker[];
    const told = markers.filter(({ type, url }) => type === 'verdict' && url === link);
    expect(told).toHaveLength(1);
    expect(told[0]?.message).toMatch(/^better: customer 0\.1\.0\+bbbbbbb: .*p95 /);
    expect(told[0]?.startMs).toBe(Math.floor((candidateRange?.fromMs ?? 0) / 1000) * 1000);
    expect(told[0]?.endMs).toBe(Math.floor((candidateRange?.toMs ?? 0) / 1000) * 1000);
  });

  test('warns when its verdict cannot be recorded, and still gives it', async () => {
    const outcome = await verify([...released('customer'), '--to', 'webhook=http://127.0.0.1:9/secret']);
    expect(outcome.code).toBe(0);
    expect(outcome.output).toMatch(/release: warning: webhook http:\/\/127\.0\.0\.1:9 did not take the verdict: /);
    expect(outcome.output).not.toContain('secret');
    expect(outcome.stdout).toMatch(/^better: /);
  });

  test('calls a release that changes nothing the same', async () => {
    const outcome = await verify([...released('route'), '--json']);
    expect(outcome.code).toBe(0);
    expect(result(outcome)).toMatchObject({ verdict: 'same', findings: [], reason: null });
  });

  test('takes the release before from the record that was written before the deploy', async () => {
    const file = join(directory.path, 'record.json');
    const recordedMs = now - 120_000;
    writeFileSync(file, JSON.stringify({ recordedMs, releases: { customer: '0.1.0+aaaaaaa' }, revisions: {} }));
    const outcome = await verify([...released('customer'), '--record', file, '--json']);
    const { verdict, baselineRange } = result(outcome);
    expect(verdict).toBe('better');
    expect(baselineRange?.toMs).toBe(recordedMs);
  });

  test('calls a release without a dispatch inconclusive, with exit code 4, unless that is to pass', async () => {
    const nothing = ['--service', 'customer', '--release', '0.1.0+ccccccc', '--timeout', '1s'];
    const outcome = await verify(nothing);
    expect(outcome.code).toBe(4);
    expect(outcome.stdout).toMatch(/^inconclusive: 0 of at least 100 dispatches of the release before\n/);
    const passed = await verify([...nothing, '--inconclusive', 'pass', '--json']);
    expect(passed.code).toBe(0);
    expect(result(passed)).toMatchObject({ verdict: 'inconclusive', candidateRange: null, link: null });
  });

  test('calls an unknown release before inconclusive', async () => {
    const outcome = await verify([...released('customer'), '--baseline', '0.1.0+ddddddd', '--timeout', '1s', '--json']);
    expect(outcome.code).toBe(4);
    expect(result(outcome)).toMatchObject({ verdict: 'inconclusive', baseline: { requests: 0 } });
  });

  test('counts dispatches that fail before any service says its release to the new one', async () => {
    const failing = within(recording.fixed, ...minutes.after).map((each) => ({ ...each, failed: true, durationMs: 3 }));
    await send(failing, {});
    await waitForTraces(observatory.url, spanNumber);
    const since = String(Math.round(now - 72_000));
    const args = ['--service', 'customer', '--release', '0.1.0+fffffff', '--since', since];
    const outcome = await verify([...args, '--baseline', '0.1.0+aaaaaaa', '--json']);
    expect(outcome.code).toBe(3);
    expect(result(outcome)).toMatchObject({ verdict: 'worse', candidate: { errorRate: 1 } });
  });

  test('exits with 1 and one line when nobody answers', async () => {
    const { code, output } = await verify(released('customer'), 'http://127.0.0.1:9');
    expect(code).toBe(1);
    expect(output).toMatch(/^release: http:\/\/127\.0\.0\.1:9 did not answer: [^\n]+\n$/);
  });

  test.each([
    ['no service', ['--release', '1'], /--service/],
    ['an unknown service', ['--service', 'postgres', '--release', '1'], /no service "postgres"/],
    ['no release', ['--service', 'customer'], /--release/],
    ['a release that would be part of a filter', ['--service', 'customer', '--release', '1" or true'], /--release/],
    ['a release against itself', ['--service', 'route', '--release', '1', '--baseline', '1'], /with itself/],
    ['a number that is none', [...released('route'), '--requests', 'many'], /--requests/],
    ['a date without a zone', [...released('route'), '--since', '2026-11-29T20:15:00'], /--since/],
    ['an unknown option', [...released('route'), '--fast'], /--fast/],
  ])('exits with 2 and one line when it is called wrongly: %s', async (_, args, expected) => {
    const { code, output } = await verify(args);
    expect(code).toBe(2);
    expect(output).toMatch(/^release: [^\n]+\n$/);
    expect(output).toMatch(expected);
  });
});
