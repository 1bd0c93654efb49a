/** How often verdicts are wrong, and how soon they are right: some thousand judgements, apart from the quick tests. */
import { describe, expect, it } from 'vitest';

import { createRandom } from './block-permutation.ts';
import type { Dispatch } from './dispatches.ts';
import { readRecording, within } from './fixtures/recorded-dispatches.ts';
import { simulate, type Traffic, usualTraffic } from './fixtures/simulated-dispatches.ts';
import { judge, type Judgement } from './judge.ts';

/** The chance that one of four looks may take of 1 %. */
const oneLook = { minRequests: 100, alpha: 0.01 / 4, minChange: 0.25 };
const recording = readRecording();

/** Ten minutes of one kind of traffic, then `seconds` of another. */
function simulated(seed: number, before: Partial<Traffic>, now: Partial<Traffic>, seconds = 60) {
  const random = createRandom(seed * 7919 + 13);
  return {
    baseline: simulate(random, { ...usualTraffic, ...before }, 0, 600),
    candidate: simulate(random, { ...usualTraffic, ...now }, 700_000, seconds),
  };
}

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
