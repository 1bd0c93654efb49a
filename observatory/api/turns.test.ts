import { ServiceError } from '@hotrod/kit/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createTurns } from './turns.ts';

const here = new AbortController().signal;

/** Answers with a value after some of the test's own time. */
const after = <T>(ms: number, value: T): Promise<T> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(value), ms);
  });

async function outcome(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    return error instanceof ServiceError ? error.status : error;
  }
}

/** Lets time pass until everything is answered. */
async function settled<T>(answers: Promise<T>): Promise<T> {
  await vi.runAllTimersAsync();
  return answers;
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('turns', () => {
  it('come one after the other, each until its question is answered', async () => {
    const turns = createTurns(10_000);
    const log: string[] = [];
    const ask = (name: string) =>
      turns.take('a', here, async () => {
        log.push(`${name} begins`);
        await after(5, name);
        log.push(`${name} ends`);
        return name;
      });
    expect(await settled(Promise.all([ask('1'), ask('2')]))).toEqual(['1', '2']);
    expect(log).toEqual(['1 begins', '1 ends', '2 begins', '2 ends']);
  });

  it('are given to as many as can be answered in time; the others are refused at once', async () => {
    const turns = createTurns(1_000);
    const heavy = () => outcome(turns.take('heavy', here, () => after(300, 200)));
    expect(await settled(heavy())).toBe(200);
    const start = performance.now();
    const refusedMs: number[] = [];
    const asked = Array.from({ length: 50 }, async () => {
      const answer = await heavy();
      if (answer === 503) refusedMs.push(performance.now() - start);
      return answer;
    });
    const answers = await settled(Promise.all(asked));
    // The turns of the first four come after 0, 300, 600 and 900 ms.
    expect(answers.filter((answer) => answer === 200)).toHaveLength(4);
    expect(refusedMs).toEqual(Array.from({ length: 46 }, () => 0));
  });

  it('are refused to those behind, once it is known how long the first takes', async () => {
    const turns = createTurns(1_000);
    const asked = Array.from({ length: 20 }, () => outcome(turns.take('new', here, () => after(400, 200))));
    const answers = await settled(Promise.all(asked));
    expect(answers).toEqual([200, 200, 200, ...Array.from({ length: 17 }, () => 503)]);
  });

  it('are given to quick questions before heavy ones', async () => {
    const turns = createTurns(1_000);
    await settled(turns.take('heavy', here, () => after(900, 200)));
    const quick = Array.from({ length: 20 }, () => outcome(turns.take('quick', here, () => after(1, 200))));
    expect(new Set(await settled(Promise.all(quick)))).toEqual(new Set([200]));
  });

  it('skip those who have gone, and go on after a failure', async () => {
    const turns = createTurns(1_000);
    const gone = new AbortController();
    const first = outcome(turns.take('a', here, () => after(20, null).then(() => Promise.reject(new Error('broken')))));
    const second = outcome(turns.take('a', gone.signal, () => Promise.resolve('never')));
    const third = turns.take('a', here, () => Promise.resolve('third'));
    gone.abort(new Error('left'));
    expect(await settled(Promise.all([first, second, third]))).toEqual([
      new Error('broken'),
      new Error('left'),
      'third',
    ]);
  });
});
