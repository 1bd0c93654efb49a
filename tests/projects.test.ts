import { expect, it } from 'vitest';

import config from '../vitest.config.ts';

interface Project {
  test: { name: string; maxWorkers?: number; sequence?: { groupOrder?: number } };
}

it('every group of test projects has one number of workers, whatever the number of cores', () => {
  // Vitest refuses to run anything where two projects of a group differ. Without maxWorkers it is the number of cores.
  const workers = new Map<number, Set<number | undefined>>();
  for (const { test } of (config.test?.projects ?? []) as Project[]) {
    const group = test.sequence?.groupOrder ?? 0;
    workers.set(group, (workers.get(group) ?? new Set()).add(test.maxWorkers));
  }
  expect(workers.size).toBeGreaterThan(1);
  for (const [group, numbers] of workers) expect([...numbers], `group ${group}`).toHaveLength(1);
});
