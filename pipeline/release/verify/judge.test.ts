import { describe, expect, it } from 'vitest';

import type { Dispatch } from './dispatches.ts';
import { readRecording, within } from './fixtures/recorded-dispatches.ts';
import { type Finding, judge, type Judgement } from './judge.ts';

const options = { minRequests: 100, alpha: 0.01, minChange: 0.25 };
const recording = readRecording();

const compare = (baseline: readonly Dispatch[], candidate: readonly Dispatch[]): Judgement =>
  judge({ baseline, candidate }, options);

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
