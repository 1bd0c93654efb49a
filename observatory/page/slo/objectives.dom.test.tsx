import { describe, expect, test } from 'vitest';

import type { SloStatus } from '../../contract/contract.ts';
import { answerApi, show, startAt } from '../fixtures/render.tsx';
import { Objectives } from './objectives.tsx';

const objective: SloStatus = {
  name: 'Dispatch latency',
  description: '95 % of dispatches are answered within 1.2 s',
  filter: 'http.route = "/dispatch"',
  good: 'duration <= 1.2s',
  objective: 0.95,
  windowMs: 86_400_000,
  total: 0,
  bad: 0,
  attained: null,
  budgetLeft: null,
  burnRate5m: null,
  burnRate1h: null,
  alerts: [],
};
const traceId = 'a'.repeat(32);

describe('the objectives', () => {
  test('show since when an alert fires, beside its objective alone, and lead to a bad trace and the runbook', async () => {
    const startsMs = new Date().setHours(0, 0, 0, 0);
    const alert = { severity: 'page', burnRate: 14.4, longMs: 120_000, shortMs: 60_000, runbook: 'slow' } as const;
    startAt({ view: 'slo' });
    const burning = { ...objective, alerts: [{ ...alert, startsMs, exemplarTraceId: traceId }] };
    answerApi({ '/api/slo': [burning, { ...objective, name: 'Dispatch availability' }] });
    await show(<Objectives />);
    await expect
      .poll(() => document.querySelector('.alert')?.textContent)
      .toContain('Alert (page): firing since 00:00:00');
    expect(document.querySelector('.alert')?.textContent).toContain(
      'The budget burns more than 14.4 times as fast as allowed, over 2 min and over 1 min.',
    );
    expect(document.querySelectorAll('.objective')).toHaveLength(2);
    expect(document.querySelectorAll('.alert')).toHaveLength(1);
    const links = [...document.querySelectorAll<HTMLAnchorElement>('.alert a')];
    expect(links.map((link) => [link.textContent, link.getAttribute('href')])).toEqual([
      ['Open a bad trace', expect.stringMatching(`^/trace/${traceId}`)],
      ['Runbook', '/runbooks/slow'],
    ]);
  });
});
