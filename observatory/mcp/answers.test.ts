import { describe, expect, test } from 'vitest';

import type { Compare, Heatmap, SpanDetail } from '../contract/contract.ts';
import {
  duration,
  describeBreakdown,
  describeCompare,
  describeHeatmap,
  describeLogs,
  describeObjectives,
  describeTrace,
} from './answers.ts';

const heatmap: Heatmap = {
  from: Date.UTC(2026, 10, 29, 12),
  to: Date.UTC(2026, 10, 29, 12, 10),
  scale: 'log',
  stepMs: 60_000,
  columns: 10,
  edgesMs: [500, 700, 1_000, 1_400, 2_000, 3_000],
  cells: [
    [0, 0, 300, 2, 0],
    [1, 0, 200, 0, 0],
    [1, 4, 60, 0, 0],
  ],
  total: 560,
  errors: 2,
};

function span(changes: Partial<SpanDetail> & { spanId: string }): SpanDetail {
  return {
    parentSpanId: null,
    service: 'frontend',
    name: 'GET /dispatch',
    kind: 'server',
    startNs: '1000000000',
    durationNs: '2000000000',
    status: 'unset',
    statusMessage: '',
    scope: '',
    attributes: {},
    resource: {},
    events: [],
    links: [],
    ...changes,
  };
}

test.each([
  [0.0312, '0.031 ms'],
  [812.4, '812 ms'],
  [2_412, '2.41 s'],
])('writes %d ms as %s', (ms, text) => expect(duration(ms)).toBe(text));

describe('a heatmap', () => {
  test('lists the rows that hold spans and says where the slow band begins', () => {
    expect(describeHeatmap(heatmap).split('\n')).toEqual([
      '560 spans, 2 with an error, from 2026-11-29T12:00:00Z to 2026-11-29T12:10:00Z.',
      '500 ms to 700 ms: 500, 2 with an error (12:00:00Z to 12:02:00Z)',
      '2.00 s to 3.00 s: 60 (12:01:00Z to 12:02:00Z)',
      expect.stringMatching(/^A band of slow spans stands apart from \d.* on: call compare with min_ms=\d+\.$/),
    ]);
  });

  test('says that nothing matches', () => {
    expect(describeHeatmap({ ...heatmap, cells: [], total: 0, errors: 0 })).toMatch(/^No spans from .* match\.$/);
  });
});

describe('a comparison', () => {
  const compare: Compare = {
    selected: 60,
    baseline: 500,
    attributes: [
      {
        key: 'hotrod.customer.name',
        same: ['hotrod.customer.id'],
        kind: 'categories',
        score: 0.9,
        significant: true,
        distinct: 32,
        values: [
          { value: 'Value Walking', selected: 31, baseline: 30, evidence: 0.4 },
          { value: 'Amazing Coffee Roasters', selected: 0, baseline: 16, evidence: 0 },
          { value: 'Other (29)', other: 29, selected: 0, baseline: 400, evidence: 0 },
        ],
      },
      { key: 'session.id', same: [], kind: 'categories', score: 0, significant: false, distinct: 9, values: [] },
    ],
    excluded: [],
  };

  test('lists the values that differ with both shares, and leaves out what chance explains', () => {
    expect(describeCompare(compare).split('\n').slice(1)).toEqual([
      'hotrod.customer.name (score 0.90; the same split: hotrod.customer.id)',
      '  Value Walking: 52 % (31) against 6 % (30)',
    ]);
  });

  test('says that nothing is selected', () => {
    expect(describeCompare({ ...compare, selected: 0 })).toContain('Nothing is in the selection');
  });
});

describe('a trace', () => {
  const root = span({ spanId: 'a' });
  const sql = span({
    spanId: 'b',
    parentSpanId: 'a',
    service: 'customer',
    name: 'SELECT',
    kind: 'client',
    startNs: '1100000000',
    durationNs: '1800000000',
    attributes: { 'db.query.text': `SELECT  *\n FROM ledger ${'x'.repeat(1_000)}` },
  });

  test('names the longest part of the critical path with its statement on one line, cut', () => {
    const text = describeTrace({ traceId: 't', spans: [root, sql] });
    const line = text.split('\n')[2] ?? '';
    expect(line).toMatch(/^ {2}1\.80 s in customer SELECT \[db\.query\.text=SELECT \* FROM ledger x+…\]$/);
    expect(line.length).toBeLessThan(480);
  });

  test('folds siblings of one kind into a line', () => {
    const routes = Array.from({ length: 10 }, (_, index) =>
      span({
        spanId: `r${index}`,
        parentSpanId: 'a',
        service: 'route',
        name: 'GET /route',
        startNs: String(1_200_000_000 + index * 50_000_000),
        durationNs: '50000000',
        status: index === 3 ? 'error' : 'unset',
      }),
    );
    const text = describeTrace({ traceId: 't', spans: [root, ...routes] });
    expect(text).toContain('  10 × route GET /route: +200 ms to +700 ms, longest 50 ms, 1 failed');
  });

  test('stays short for a chain of 20,000 spans and says how many are left out', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) =>
      span({ spanId: String(index), parentSpanId: index === 0 ? null : String(index - 1), name: `step ${index}` }),
    );
    const text = describeTrace({ traceId: 't', spans: chain, omitted: 5 });
    expect(text.length).toBeLessThan(6_000);
    expect(text).toContain('… and 19945 more spans');
  });
});

test('calls the group of spans without the attribute "(missing)" and counts the groups that are left out', () => {
  const group = { filter: '', errors: 0, errorRate: 0, p50Ms: 800, p95Ms: 2_400, p99Ms: 3_000, maxMs: 3_100 };
  expect(
    describeBreakdown({
      by: ['hotrod.customer.name'],
      groups: [{ ...group, values: [null], count: 7 }],
      totalGroups: 32,
      total: 100,
      measure: 'p95',
      times: [],
      stepMs: 1_000,
    }).split('\n'),
  ).toEqual([
    'hotrod.customer.name: count, errors, p50, p95, max',
    '(missing): 7, 0, 800 ms, 2.40 s, 3.10 s',
    'and 31 more groups',
  ]);
});

test('distinguishes an objective without data from one that is met', () => {
  const objective = {
    name: 'latency',
    description: '',
    filter: 'service.name = frontend',
    good: 'duration < 1200ms',
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
  expect(describeObjectives([objective])).toContain('latency: no data; budget left –');
  expect(describeObjectives([{ ...objective, attained: 0.9, budgetLeft: -1, burnRate5m: 2 }])).toContain(
    'latency: 90.00 % of 95.00 %; budget left -100 %; burn rate 2.0 (5 min)',
  );
});

test('keeps to the number of log records that was asked for', () => {
  const record = {
    timeNs: '1795953600000000000',
    service: 'customer',
    severity: 'ERROR',
    severityNumber: 17,
    body: 'x'.repeat(1_000),
    eventName: '',
    traceId: null,
    spanId: null,
    attributes: { 'exception.message': 'no route to host' },
  };
  const lines = describeLogs([record, record, record], 2).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/ERROR customer: x+… \(no route to host\)$/);
  expect(lines[2]).toBe('… and 1 more records');
});
