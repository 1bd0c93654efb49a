import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';

import type { LoadStatus, SuiteStatus } from './control.ts';
import { coloured, describeCounts, describeLoad, plain, renderTable, suiteRows } from './table.ts';

const load: LoadStatus = {
  engine: 'builtin',
  profile: null,
  ratePerSecond: 5,
  sent: 0,
  ok: 0,
  failed: 0,
  dropped: 0,
  p50Ms: 0,
  p95Ms: 0,
  normalP95Ms: 0,
  lastFailure: null,
};
const status: SuiteStatus = {
  processes: [
    { name: 'observatory', url: 'http://127.0.0.1:8088', state: 'ready', restarts: 0 },
    { name: 'route', url: 'http://127.0.0.1:8083', state: 'restarting', restarts: 2 },
  ],
  load,
};

it('prints one table, the Observatory first', () => {
  expect(renderTable(suiteRows(status, null), plain).split('\n')).toEqual([
    '  observatory  http://127.0.0.1:8088  ready',
    '  route        http://127.0.0.1:8083  restarting, restarted 2 times',
    '  load         5 dispatches/s',
  ]);
});

it('is the same in colour', () => {
  const rows = suiteRows(status, 'http://backend:4318');
  const painted = renderTable(rows, coloured);
  expect(painted).not.toBe(renderTable(rows, plain));
  expect(
    stripVTControlCharacters(painted)
      .split('\n')
      .map((line) => line.trimEnd()),
  ).toEqual(renderTable(rows, plain).split('\n'));
});

describe('the load', () => {
  it('is described in a few words', () => {
    expect(describeLoad({ ...load, ratePerSecond: 0 })).toBe('none');
    expect(describeLoad({ ...load, profile: 'webinar', ratePerSecond: 2.5641 })).toBe(
      'profile webinar, now 2.56 dispatches/s',
    );
    expect(describeLoad({ ...load, engine: 'k6', profile: 'soak' })).toBe('k6, profile soak');
    expect(describeLoad({ ...load, engine: 'k6' })).toBe('k6, 5 dispatches/s');
  });
  it('is counted in one line', () => {
    const counts = { ...load, sent: 1234, ok: 1230, failed: 4, p50Ms: 812.4, p95Ms: 2410, normalP95Ms: 901 };
    expect(describeCounts(counts)).toBe(
      '1234 dispatches, 4 failed, half within 812 ms, 95 % within 2.41 s (normal customers 901 ms)',
    );
    expect(describeCounts({ ...load, sent: 3, dropped: 2 })).toBe(
      '3 dispatches, 0 failed, 2 not sent (too many under way)',
    );
  });
});
