import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { createWorkerPool } from './worker-pool.ts';

/** A task that ends when it is told to. */
function createGate() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { promise, open: () => resolve(), fail: (error: Error) => reject(error) };
}

/** The clock that the pool measures by, which goes on only as told, until the end of the test. */
function startClock() {
  let nowMs = 0;
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => spy.mockRestore());
  return { advance: (ms: number) => (nowMs += ms) };
}

/** Lets everything that is ready run. */
const settle = () => sleep(0);

describe('a worker pool', () => {
  it.each([1, 3, 7])('never runs more than %i tasks at once, and uses all of its workers', async (size) => {
    const pool = createWorkerPool(size);
    let running = 0;
    let most = 0;
    const turns = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        pool.run(async (turn) => {
          running += 1;
          most = Math.max(most, running);
          await (index % 3 === 0 ? settle() : Promise.resolve());
          running -= 1;
          return turn;
        }),
      ),
    );
    expect(pool.size).toBe(size);
    expect(most).toBe(size);
    for (const turn of turns) expect(turn.running).toBeLessThanOrEqual(size);
    expect(turns[0]?.running).toBe(1);
  });

  it('serves callers in the order in which they come', async () => {
    const pool = createWorkerPool(1);
    const order: string[] = [];
    const task = (name: string) =>
      pool.run(async () => {
        order.push(name);
        await settle();
      });
    const first = ['a1', 'b1', 'a2', 'b2'].map(task);
    await first[0];
    // Comes while others wait: a free worker must go to them, not to the one who happens to ask now.
    await Promise.all([...first, task('late')]);
    expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'late']);
  });

  it('runs more at once after it has grown, and fewer after it has shrunk', async () => {
    const pool = createWorkerPool(1);
    const gates = Array.from({ length: 6 }, createGate);
    let running = 0;
    const tasks = gates.map((gate) =>
      pool.run(async () => {
        running += 1;
        await gate.promise;
        running -= 1;
      }),
    );
    await settle();
    expect(running).toBe(1);
    pool.resize(4);
    await settle();
    expect([pool.size, running]).toEqual([4, 4]);
    pool.resize(2);
    gates[0]?.open();
    gates[1]?.open();
    await settle();
    expect(running).toBe(2);
    for (const gate of gates) gate.open();
    await Promise.all(tasks);
    expect(pool.pending).toBe(0);
  });

  it('measures how long each task waited', async () => {
    const pool = createWorkerPool(1);
    const clock = startClock();
    const waits = await Promise.all(
      [1, 2, 3].map(() =>
        pool.run(async ({ waitMs }) => {
          await settle(); // all have come
          clock.advance(50);
          return waitMs;
        }),
      ),
    );
    expect(waits).toEqual([0, 50, 100]);
  });

  it('frees the worker when a task throws, and passes the error on', async () => {
    const pool = createWorkerPool(1);
    const outcomes = await Promise.allSettled([
      pool.run(() => Promise.reject(new Error('one'))),
      pool.run(() => {
        throw new Error('two');
      }),
      pool.run(() => Promise.resolve('three')),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { message: 'one' } },
      { status: 'rejected', reason: { message: 'two' } },
      { status: 'fulfilled', value: 'three' },
    ]);
    expect(await pool.run(({ running }) => Promise.resolve(running))).toBe(1);
  });

  it('refuses a task when the queue is full, without running it, and takes tasks again afterwards', async () => {
    const pool = createWorkerPool(1, 2);
    const gate = createGate();
    const busy = [1, 2, 3].map(() => pool.run(() => gate.promise));
    let ran = false;
    await expect(
      pool.run(async () => {
        ran = true;
      }),
    ).rejects.toMatchObject({ code: 'overloaded', status: 503 });
    gate.open();
    await Promise.all(busy);
    expect(ran).toBe(false);
    expect(await pool.run(() => Promise.resolve('again'))).toBe('again');
  });

  it('removes a task from the queue when its caller has gone', async () => {
    const pool = createWorkerPool(1);
    const gate = createGate();
    const first = pool.run(() => gate.promise);
    const caller = new AbortController();
    let ran = false;
    const gone = pool.run(async () => void (ran = true), caller.signal);
    const last = pool.run(() => Promise.resolve('last'));
    expect(pool.pending).toBe(3);
    caller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(pool.pending).toBe(2);
    gate.open();
    await first;
    expect(await last).toBe('last');
    expect(ran).toBe(false);
    expect(pool.pending).toBe(0);
  });

  it('measures how long a task takes, without its wait', async () => {
    const pool = createWorkerPool(1);
    const clock = startClock();
    const task = async () => {
      await settle();
      clock.advance(20);
    };
    const tasks = (count: number) => Promise.all(Array.from({ length: count }, () => pool.run(task)));
    await tasks(49);
    expect(pool.meanTaskMs).toBe(0); // the first ones say little
    await tasks(1);
    expect(pool.meanTaskMs).toBe(20);
  });

  it('runs each task in the context of its own caller, not of the caller that freed the worker', async () => {
    const context = new AsyncLocalStorage<string>();
    const pool = createWorkerPool(2);
    const names = Array.from({ length: 12 }, (_, index) => `request ${index}`);
    const seen = await Promise.all(
      names.map((name) =>
        context.run(name, () =>
          pool.run(async () => {
            const before = context.getStore();
            await settle();
            return [before, context.getStore()];
          }),
        ),
      ),
    );
    expect(seen).toEqual(names.map((name) => [name, name]));
  });
});
