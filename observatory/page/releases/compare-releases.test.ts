import { expect, it } from 'vitest';

import type { Release } from '../../contract/contract.ts';
import { compareWithBefore } from './compare-releases.ts';

const figures = { requests: 10, errors: 0, errorRate: 0, p50Ms: 1, p95Ms: 2 };
const release: Release = {
  ...figures,
  service: 'customer',
  version: '0.1.0+bbbbbbb',
  firstMs: 2_000_000.4,
  lastMs: 2_060_000.7,
  ratePerSecond: 5,
  began: figures,
  before: { version: '0.1.0+aaaaaaa', ended: figures },
  verdict: null,
};

it('selects the new release among the dispatches that it and the one before served', () => {
  expect(compareWithBefore(release)).toEqual({
    from: 1_400_000,
    to: 2_061_001,
    filter: 'hotrod.release.customer in ("0.1.0+aaaaaaa", "0.1.0+bbbbbbb")',
    scope: 'roots',
    box: { fromMs: 2_000_000, toMs: 2_061_001, minMs: null, maxMs: null },
    view: 'compare',
  });
});

it('takes the own version of a service that is asked by users', () => {
  expect(compareWithBefore({ ...release, service: 'frontend' })?.filter).toBe(
    'service = "frontend" and service.version in ("0.1.0+aaaaaaa", "0.1.0+bbbbbbb")',
  );
});

it('looks at the beginning of a release that has served for long', () => {
  expect(compareWithBefore({ ...release, lastMs: 900_000_000 })?.to).toBe(2_000_000 + 3_600_000);
});

it('has nothing to compare the first release with', () => {
  expect(compareWithBefore({ ...release, before: null })).toBeNull();
});
