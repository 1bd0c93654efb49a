import { describe, expect, it } from 'vitest';

import { createTestClock } from '../../fixtures/test-clock.ts';
import type { Session } from '../session.ts';
import { rowGroupSize } from '../row-group.ts';
import { createCheckpoints } from './checkpoints.ts';
import { ingestDefaults } from './ingest-options.ts';
import type { Recovery } from './recovery.ts';

const { checkpointIntervalMs, quietCheckpointIntervalMs } = ingestDefaults;

function start() {
  const clock = createTestClock();
  let made = 0;
  const checkpoints = createCheckpoints(
    {
      database: { exclusively: (work) => work({ run: () => Promise.resolve([]) } as unknown as Session) },
      recovery: {} as Recovery,
      telemetry: { checkpointed: () => (made += 1) },
      log: { error: (data) => expect.fail(JSON.stringify(data)) },
      clock,
    },
    ingestDefaults,
  );
  /** How many were made by the time that `ms` more have passed. */
  async function after(ms: number): Promise<number> {
    clock.advance(ms);
    await checkpoints.makeIfDue();
    return made;
  }
  return { checkpoints, after };
}

describe('a checkpoint', () => {
  it.each([
    ['few items', rowGroupSize - 1, quietCheckpointIntervalMs],
    ['a group of rows', rowGroupSize, checkpointIntervalMs],
  ])('after %s comes when the last one is long enough ago', async (_what, items, intervalMs) => {
    const { checkpoints, after } = start();
    checkpoints.written(1);
    checkpoints.written(items - 1);
    expect(await after(intervalMs - 1)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(await after(quietCheckpointIntervalMs)).toBe(1);
  });

  it('counts the items of the next one anew', async () => {
    const { checkpoints, after } = start();
    checkpoints.written(rowGroupSize);
    expect(await after(checkpointIntervalMs)).toBe(1);
    checkpoints.written(1);
    expect(await after(checkpointIntervalMs)).toBe(1);
    expect(await after(quietCheckpointIntervalMs - checkpointIntervalMs)).toBe(2);
  });

  it('comes also when only entry spans changed', async () => {
    const { checkpoints, after } = start();
    checkpoints.written(0);
    expect(await after(quietCheckpointIntervalMs)).toBe(1);
  });
});
