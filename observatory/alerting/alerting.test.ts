import { describe, expect, it } from 'vitest';

import type { Burn } from '../store/questions/burn-rates.ts';
import type { BurnCondition } from '../store/questions/objective.ts';
import { holds, inactive, nextState } from './alert-states.ts';
import { notification, notifiedAlert, superseding } from './notification.ts';

const condition: BurnCondition = {
  severity: 'page',
  burnRate: 6,
  longMs: 720_000,
  shortMs: 60_000,
  afterMs: 60_000,
};
const burns = (long: number | null, short: number | null, total = 20): Map<number, Burn> =>
  new Map([
    [720_000, { total, badRatio: 0, rate: long }],
    [60_000, { total: 1, badRatio: 0, rate: short }],
  ]);

describe('holds', () => {
  it.each([
    [7, 7, true],
    [7, 5, false],
    [5, 7, false],
    [6, 7, false],
    [null, null, false],
    [7, null, false],
  ])('a long window at %s and a short one at %s: %s', (long, short, expected) => {
    expect(holds(condition, burns(long, short))).toBe(expected);
  });

  it('needs twenty spans in the long window', () => {
    expect(holds(condition, burns(20, 20, 19))).toBe(false);
  });
});

describe('nextState', () => {
  it('waits as long as the condition says, then fires from that moment on', () => {
    const pending = nextState(inactive, condition, true, 1_000);
    expect(pending).toEqual({ phase: 'pending', sinceMs: 1_000 });
    expect(nextState(pending, condition, true, 60_999)).toEqual(pending);
    const firing = nextState(pending, condition, true, 61_000);
    expect(firing).toEqual({ phase: 'firing', startsMs: 61_000 });
    expect(nextState(firing, condition, true, 99_000)).toEqual(firing);
    expect(nextState(firing, condition, false, 99_000)).toEqual(inactive);
  });

  it('waits for the whole time again after an interruption', () => {
    expect(nextState({ phase: 'pending', sinceMs: 0 }, condition, false, 59_000)).toEqual(inactive);
  });

  it('fires at once when there is no time to wait', () => {
    expect(nextState(inactive, { ...condition, afterMs: 0 }, true, 5)).toEqual({ phase: 'firing', startsMs: 5 });
  });
});

describe('notification', () => {
  const one = notifiedAlert({ alertname: 'A', severity: 'page' }, { runbook_url: 'r' }, 0, null, 'http://g');
  const other = notifiedAlert({ alertname: 'A', severity: 'ticket' }, { runbook_url: 'r' }, 0, 60_000, 'http://g');

  it('has the form of version 4 of Alertmanager', () => {
    expect(notification('A', [one, other], 'http://o')).toEqual({
      version: '4',
      groupKey: '{}:{alertname="A"}',
      truncatedAlerts: 0,
      status: 'firing',
      receiver: 'observatory',
      groupLabels: { alertname: 'A' },
      commonLabels: { alertname: 'A' },
      commonAnnotations: { runbook_url: 'r' },
      externalURL: 'http://o',
      alerts: [
        expect.objectContaining({
          status: 'firing',
          startsAt: '1970-01-01T00:00:00.000Z',
          endsAt: '0001-01-01T00:00:00Z',
        }),
        expect.objectContaining({ status: 'resolved', endsAt: '1970-01-01T00:01:00.000Z', generatorURL: 'http://g' }),
      ],
    });
  });

  it('is resolved when all of its alerts are', () => {
    expect(notification('A', [other], 'http://o').status).toBe('resolved');
  });

  it('identifies an alert by its labels, in any order', () => {
    const again = notifiedAlert({ severity: 'page', alertname: 'A' }, {}, 9, 10, '');
    expect(again.fingerprint).toBe(one.fingerprint);
    expect(one.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(other.fingerprint).not.toBe(one.fingerprint);
  });

  it('takes along what ended in an older one that it supersedes, and not what fired', () => {
    const at = (severity: string, endsMs: number | null) =>
      notifiedAlert({ alertname: 'A', severity }, {}, 0, endsMs, 'http://g');
    const older = notification('A', [at('page', null), at('ticket', 1), at('info', 1)], 'http://o');
    const newer = notification('A', [at('ticket', null)], 'http://o');
    expect(superseding(older, newer)).toEqual(notification('A', [at('ticket', null), at('info', 1)], 'http://o'));
  });
});
