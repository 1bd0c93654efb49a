import { describe, expect, it } from 'vitest';

import { createRandom } from './block-permutation.ts';
import type { Dispatch } from './dispatches.ts';
import { readRecording, within } from './fixtures/recorded-dispatches.ts';
import { simulate, type Traffic, usualTraffic } from './fixtures/simulated-dispatches.ts';
import { type Finding, judge, type Judgement } from './judge.ts';

const options = { minRequests: 100, alpha: 0.01, minChange: 0.25 };
/** The chance that one of four looks may take of 1 %. */
const oneLook = { ...options, alpha: 0.01 / 4 };
const recording = readRecording();

const compare = (baseline: readonly Dispatch[], candidate: readonly Dispatch[]): Judgement =>
  judge({ baseline, candidate }, options);

/** Ten minutes of one kind of traffic, then `seconds` of another. */
function simulated(seed: number, before: Partial<Traffic>, now: Partial<Traffic>, seconds = 60) {
  const random = createRandom(seed * 7919 + 13);
  return {
    baseline: simulate(random, { ...usualTraffic, ...before }, 0, 600),
    candidate: simulate(random, { ...usualTraffic, ...now }, 700_000, seconds),
  };
}

/** The customers that findings name. */
const concerned = (findings: readonly Finding[]) =>
  [
    ...new Set(findings.flatMap(({ customer, mostly }) => [...(customer === null ? [] : [customer]), ...mostly])),
  ].toSorted();

describe('recorded dispatches', () => {
  const minute = { before: [0, 600_000], now: [605_000, 665_000] } as const;
  const before = (dispatches: readonly Dispatch[]) => within(dispatches, ...minute.before);
  const now = (dispatches: readonly Dispatch[]) => within(dispatches, ...minute.now);

  it('are better with the fix, for the two customers, though half of all dispatches take as long as before', () => {
    const { verdict, findings, baseline, candidate } = compare(before(recording.bug), now(recording.fixed));
    expect(verdict).toBe('better');
    expect(findings.every(({ direction }) => direction === 'better')).toBe(true);
    expect(concerned(findings)).toEqual(['Bicycles Green', 'Value Walking']);
    expect(candidate.p95Ms).toBeLessThan((baseline.p95Ms ?? 0) / 1.5);
    expect(Math.abs((candidate.p50Ms ?? 0) / (baseline.p50Ms ?? 1) - 1)).toBeLessThan(0.1);
  });

  it('are worse where the bug comes back, for the two customers', () => {
    const { verdict, findings } = compare(before(recording.fixed), now(recording.bug));
    expect(verdict).toBe('worse');
    expect(concerned(findings)).toEqual(['Bicycles Green', 'Value Walking']);
  });

  it('are the same with themselves', () => {
    expect(compare(before(recording.bug), now(recording.bug)).verdict).toBe('same');
    expect(compare(before(recording.fixed), now(recording.fixed)).verdict).toBe('same');
  });

  it('are worse where one in twenty fails', () => {
    const failing = now(recording.fixed).map((each, index) => ({ ...each, failed: index % 20 === 0 }));
    const { verdict, findings } = compare(before(recording.fixed), failing);
    expect(verdict).toBe('worse');
    expect(findings[0]).toMatchObject({ measure: 'errors', customer: null, direction: 'worse' });
  });

  it('are worse where all fail, however quickly', () => {
    const failing = now(recording.bug).map((each) => ({ ...each, durationMs: 5, failed: true }));
    const { verdict, candidate } = compare(before(recording.bug), failing);
    expect(verdict).toBe('worse');
    expect(candidate).toMatchObject({ errorRate: 1, p95Ms: null });
  });

  it('are better where the errors are gone', () => {
    const failing = before(recording.fixed).map((each, index) => ({ ...each, failed: index % 10 === 0 }));
    expect(compare(failing, now(recording.fixed)).verdict).toBe('better');
  });

  it('are worse where some are better and others worse', () => {
    const mixed = now(recording.fixed).map((each) =>
      each.customer === 'Candor Corp' ? { ...each, durationMs: each.durationMs * 2 } : each,
    );
    const { verdict, findings } = compare(before(recording.bug), mixed);
    expect(verdict).toBe('worse');
    expect(findings[0]).toMatchObject({ direction: 'worse', customer: 'Candor Corp' });
    expect(findings.some(({ direction }) => direction === 'better')).toBe(true);
  });

  it('are the same where only the mix of customers changes', () => {
    const slow = new Set(['Value Walking', 'Bicycles Green']);
    const without = now(recording.bug).filter((each, index) => !slow.has(each.customer) || index % 4 === 0);
    expect(compare(before(recording.bug), without).verdict).toBe('same');
  });
});

describe('too little', () => {
  it.each([
    ['nothing at all', [], [], '0 of at least 100 dispatches of the release before'],
    [
      'nothing of the new release',
      within(recording.bug, 0, 600_000),
      [],
      '0 of at least 100 dispatches of the new release',
    ],
    [
      'nothing of the one before',
      [],
      within(recording.bug, 0, 60_000),
      '0 of at least 100 dispatches of the release before',
    ],
    [
      'a few of the new release',
      within(recording.bug, 0, 600_000),
      within(recording.fixed, 605_000, 610_000),
      'of at least 100 dispatches of the new release',
    ],
    [
      'many of the new release, of a few seconds',
      within(recording.bug, 0, 600_000),
      Array.from({ length: 500 }, (_, index) => ({ startMs: index * 20, durationMs: 9, customer: 'a', failed: false })),
      'of the new release from less than 20 seconds',
    ],
  ])('is inconclusive, never healthy: %s', (_, baseline, candidate, reason) => {
    const judgement = compare(baseline, candidate);
    expect(judgement).toMatchObject({ verdict: 'inconclusive', findings: [] });
    expect(judgement.reason).toContain(reason);
  });
});

/**
 * As `release verify` looks: after a third, a half, three quarters and all of a minute, until it can tell. Each look may
 * call a false alarm.
 */
function look(baseline: readonly Dispatch[], candidate: readonly Dispatch[]): Judgement['verdict'] {
  const begin = candidate[0]?.startMs ?? 0;
  for (const seconds of [20, 30, 45]) {
    const sofar = within(candidate, begin, begin + seconds * 1000);
    const { verdict } = judge({ baseline, candidate: sofar }, oneLook);
    if (verdict === 'better' || verdict === 'worse') return verdict;
  }
  return judge({ baseline, candidate }, oneLook).verdict;
}

function count(verdicts: readonly Judgement['verdict'][]) {
  const of = (verdict: string) => verdicts.filter((each) => each === verdict).length;
  return { better: of('better'), same: of('same'), worse: of('worse'), inconclusive: of('inconclusive') };
}

describe('of 200 comparisons of a release with itself', () => {
  it('fewer than 2 % are called worse or better', { timeout: 600_000 }, () => {
    const verdicts: Judgement['verdict'][] = [];
    // Half of them recorded: ten minutes, then one, every twelve seconds and with and without the bug …
    for (const dispatches of [recording.bug, recording.fixed]) {
      for (let each = 0; each < 50; each += 1) {
        const begin = each * 16_000;
        const baseline = within(dispatches, begin, begin + 600_000);
        verdicts.push(look(baseline, within(dispatches, begin + 605_000, begin + 665_000)));
      }
    }
    // … half made up: independent of each other, on machines of different unrest.
    for (let seed = 0; seed < 100; seed += 1) {
      const unrest = [{}, { drift: 0.08 }, { errors: 0.05 }, { bug: false, stalls: 0.02 }][seed % 4] ?? {};
      const { baseline, candidate } = simulated(seed, unrest, unrest);
      verdicts.push(look(baseline, candidate));
    }
    const { better, worse, same } = count(verdicts);
    console.info(`200 releases with themselves: ${same} same, ${better} better, ${worse} worse`);
    expect(better + same + worse).toBe(200);
    expect(better + worse).toBeLessThan(4);
  });
});

describe('of a minute at 5 dispatches a second', () => {
  it.each<[string, Partial<Traffic>, Partial<Traffic>, 'better' | 'worse']>([
    ['the fix', { bug: true }, { bug: false }, 'better'],
    ['the bug come back', { bug: false }, { bug: true }, 'worse'],
    ['one more customer slow', {}, { slowerCustomer: 'Customer 1' }, 'worse'],
    ['all of it 40 % slower', {}, { factor: 1.4 }, 'worse'],
    ['5 % of dispatches failed', {}, { errors: 0.05 }, 'worse'],
    ['one customer of 32 failed', {}, { failingCustomer: { name: 'Customer 7', share: 1 } }, 'worse'],
  ])('%s is told in nine of ten', { timeout: 600_000 }, (_, before, now, expected) => {
    const verdicts = Array.from({ length: 20 }, (__, seed) => {
      const { baseline, candidate } = simulated(seed + 1_000, before, now);
      return look(baseline, candidate);
    });
    expect(count(verdicts)[expected]).toBeGreaterThanOrEqual(18);
  });
});
