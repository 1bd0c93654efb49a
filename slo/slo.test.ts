import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { alertName, readObjectives, runbookName } from './openslo.ts';
import { goodFilter, populationFilter } from './selector.ts';

const root = join(import.meta.dirname, '..');
const source = readFileSync(join(import.meta.dirname, 'hotrod.yaml'), 'utf8');
const objectives = readObjectives(source);

describe('slo/hotrod.yaml', () => {
  test('promises that 99.5 % of dispatches succeed and 95 % take no longer than 1.2 s', () => {
    expect(objectives.map(({ name, target }) => [name, target])).toEqual([
      ['dispatch-latency', 0.95],
      ['dispatch-availability', 0.995],
    ]);
    expect(objectives.map(({ good }) => goodFilter(good))).toEqual(['duration <= 1.2s', 'error = false']);
  });

  test("spends the shares of the budget that the SRE Workbook's table 5-8 names, 2, 5 and 10 %", () => {
    for (const { windowMs, conditions } of objectives) {
      const shares = conditions.map(({ burnRate, longMs, severity }) => [(burnRate * longMs) / windowMs, severity]);
      expect(shares).toEqual([
        [expect.closeTo(0.02), 'page'],
        [expect.closeTo(0.05), 'page'],
        [expect.closeTo(0.1), 'ticket'],
      ]);
      for (const { longMs, shortMs } of conditions) expect(shortMs).toBe(Math.max(60_000, longMs / 12));
    }
  });

  test('has a runbook for every alert', () => {
    for (const objective of objectives) {
      const runbook = readFileSync(join(root, 'docs/runbooks', `${runbookName(objective)}.md`), 'utf8');
      expect(runbook).toContain(alertName(objective));
    }
  });
});

describe('readObjectives', () => {
  test.each([
    ['targetPercent: 99', 'target: 0.995', /document 7: spec\.objectives\.0/],
    ['target: 1', 'target: 0.995', /document 7: spec\.objectives\.0\.target/],
    ['duration: 1 day', 'duration: 1d', /document 6: spec\.timeWindow\.0\.duration/],
    ['alertPolicyRef: no-such', 'alertPolicyRef: slow-burn', /0 documents of kind AlertPolicy named "no-such"/],
    ['service: nobody', 'service: rides', /0 documents of kind Service named "nobody"/],
    ['targetRef: nobody', 'targetRef: on-call', /AlertNotificationTarget named "nobody"/],
    ['name: medium-burn', 'name: fast-burn', /[02] documents of kind AlertPolicy/],
  ])('refuses %s', (wrong, right, message) => {
    const at = source.lastIndexOf(right);
    const first = source.indexOf(right);
    const place = wrong === 'target: 1' || wrong.startsWith('targetPercent') ? at : first;
    const text = source.slice(0, place) + wrong + source.slice(place + right.length);
    expect(() => readObjectives(text)).toThrow(message);
  });
});

describe('a selector as a filter', () => {
  test('names the fields of spans', () => {
    expect(
      populationFilter('calls_total{service_name="frontend", http_route!="/a", span_kind="SPAN_KIND_SERVER"}'),
    ).toBe('service = "frontend" and http.route != "/a"');
  });

  test.each(['a', 'a{b=~"c"}', 'a{b="c"} + 1', 'sum(a{b="c"})'])('refuses %s', (text) => {
    expect(() => populationFilter(text)).toThrow(/not a selector/);
  });

  test('refuses a label that no span has, and a good that is neither in time nor without an error', () => {
    expect(() => populationFilter('a{pod="x"}')).toThrow(/label pod/);
    expect(() => goodFilter('a{service_name="x"}')).toThrow(/neither/);
  });
});
