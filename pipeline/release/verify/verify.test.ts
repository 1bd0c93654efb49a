import { describe, expect, it } from 'vitest';

import type { Dispatch } from './dispatches.ts';
import { createRandom } from './block-permutation.ts';
import { simulate, type Traffic, usualTraffic } from './fixtures/simulated-dispatches.ts';
import type { DispatchSource, Versions } from './source.ts';
import { type Clock, type VerifyRequest, verifyRelease } from './verify.ts';

const minute = 60_000;
/** When the new release begins, Unix milliseconds. */
const deployMs = 1_800_000_000_000;

/** A source that knows what has ended by its clock, and how often it was asked. */
function createScene(now: Partial<Traffic>, seconds = 300) {
  const random = createRandom(11);
  const before = simulate(random, usualTraffic, deployMs - 12 * minute, 720);
  const after = simulate(random, { ...usualTraffic, ...now }, deployMs, seconds);
  let time = deployMs;
  const clock: Clock = {
    now: () => time,
    sleep: (ms) => {
      time += ms;
      return Promise.resolve();
    },
  };
  const of: Record<string, Dispatch[]> = { old: before, new: after };
  const source: DispatchSource = {
    name: 'scene',
    dispatches: (versions: Versions, fromMs, toMs) =>
      Promise.resolve(
        (of[versions.customer ?? ''] ?? []).filter(
          ({ startMs, durationMs }) => startMs >= fromMs && startMs < toMs && startMs + durationMs <= time,
        ),
      ),
    releases: (_service, _fromMs, toMs) =>
      Promise.resolve(
        Object.entries(of).flatMap(([version, all]) => {
          const last = all.findLast(({ startMs }) => startMs < Math.min(toMs, time));
          return last ? [{ version, lastMs: last.startMs }] : [];
        }),
      ),
    compareLink: () => 'http://observatory/',
    limitsMs: () => null,
  };
  return { source, clock, waited: () => (time - deployMs) / 1000 };
}

const request: VerifyRequest = {
  candidate: { customer: 'new' },
  baseline: {},
  sinceMs: null,
  baselineUntilMs: null,
  baselineWindowMs: 10 * minute,
  requests: 300,
  alpha: 0.01,
  minChange: 0.25,
  warmUpMs: 5_000,
  timeoutMs: 5 * minute,
};

async function run(scene: ReturnType<typeof createScene>, change: Partial<VerifyRequest> = {}, signal?: AbortSignal) {
  const lines: string[] = [];
  const options = { clock: scene.clock, signal: signal ?? new AbortController().signal };
  const result = await verifyRelease(
    scene.source,
    { ...request, ...change },
    { ...options, log: (line) => lines.push(line) },
  );
  return { ...result, lines, waited: scene.waited() };
}

describe('verifyRelease', () => {
  it('waits for dispatches, and reports an improvement before all of them are there', async () => {
    const { verdict, versions, lines, waited } = await run(createScene({ bug: false }));
    expect(verdict).toBe('better');
    expect(versions).toEqual({ candidate: { customer: 'new' }, baseline: { customer: 'old' } });
    expect(lines[0]).toBe('The new release has not served a dispatch yet; waiting');
    expect(waited).toBeGreaterThan(25);
    expect(waited).toBeLessThan(75);
  });

  it('says same after the last look, over a whole minute', async () => {
    const { verdict, candidate, waited } = await run(createScene({}));
    expect(verdict).toBe('same');
    expect(candidate.requests).toBeGreaterThanOrEqual(300);
    expect(waited).toBeGreaterThan(65);
    expect(waited).toBeLessThan(80);
  });

  it('leaves out the warm-up, and the last seconds, whose slow dispatches have not ended', async () => {
    const { candidateRange, waited } = await run(createScene({}));
    expect(candidateRange?.fromMs).toBeCloseTo(deployMs + 5_000, -3);
    expect(candidateRange?.toMs).toBe(deployMs + waited * 1000 - 4_000);
  });

  it('is inconclusive when too few come in time, and says how many', async () => {
    const { verdict, reason, candidate } = await run(createScene({}, 15), { timeoutMs: 60_000 });
    expect(verdict).toBe('inconclusive');
    expect(reason).toBe(`${candidate.requests} of at least 100 dispatches of the new release`);
  });

  it('is inconclusive when no release served, after the given time and no longer', async () => {
    const { verdict, waited, candidateRange } = await run(createScene({}, 0), { timeoutMs: 30_000 });
    expect({ verdict, candidateRange }).toEqual({ verdict: 'inconclusive', candidateRange: null });
    expect(waited).toBeLessThanOrEqual(30);
  });

  it('judges what has come when the time is over before the last look', async () => {
    const { verdict, candidate } = await run(createScene({}), { timeoutMs: 50_000 });
    expect(verdict).toBe('same');
    expect(candidate.requests).toBeLessThan(300);
  });

  it('ends when it is aborted', async () => {
    const aborted = AbortSignal.abort(new Error('told to end'));
    await expect(run(createScene({}), {}, aborted)).rejects.toThrow('told to end');
  });
});
