import { expect, it } from 'vitest';

import { createGate } from './gate.ts';

it('holds work back until the last one who closed it opens it', async () => {
  const gate = createGate();
  await gate.opened();
  const first = gate.close();
  const second = gate.close();
  let passed = 0;
  const waiting = [1, 2].map(async () => {
    await gate.opened();
    passed += 1;
  });
  first();
  first();
  await Promise.resolve();
  expect([passed, gate.closings()]).toEqual([0, 2]);
  second();
  await Promise.all(waiting);
  expect(passed).toBe(2);
});

it('stops waiting when its signal aborts', async () => {
  const gate = createGate();
  gate.close();
  const gone = new AbortController();
  const waiting = gate.opened(gone.signal);
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
});
