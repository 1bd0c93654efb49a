import { expect, it } from 'vitest';

import { dispatchCapacity, overCapacity } from './capacity.ts';

it.each([
  [{}, 10],
  [{ ROUTE_WORKER_POOL_SIZE: '12' }, 24],
  [{ ROUTE_WORKER_POOL_SIZE: '12', ROUTE_CALCULATION_DELAY_MS: '100' }, 12],
  [{ ROUTE_CALCULATION_DELAY_MS: '0' }, Infinity],
  [{ ROUTE_WORKER_POOL_SIZE: 'many' }, 10], // the frontend will say what is wrong with it
])('calculates for %j that the workers serve %d rides a second', (env, expected) => {
  expect(dispatchCapacity(env)).toBe(expected);
});

it('suggests settings that serve a higher rate, and these do serve it', () => {
  expect(overCapacity(10, {})).toBeNull();
  const told = overCapacity(20, {});
  expect(told).toContain('about 10/s');
  const advice = /ROUTE_WORKER_POOL_SIZE=(\d+)/.exec(told ?? '')?.[1];
  expect(overCapacity(20, { ROUTE_WORKER_POOL_SIZE: advice })).toBeNull();
});
