import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '@hotrod/kit/errors';
import { createTurns } from './turns.ts';

const here = new AbortController().signal;

async function outcome(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    return error instanceof ServiceError ? error.status : error;
  }
}

describe('turns', () => {
  it('come one after the other, each until its question is answered', async () => {
    const turns = createTurns(10_000);
    const log: string[] = [];
    const ask = (name: string) =>
      turns.take('a', here, async () => {
        log.push(`${name} begins`);
        await setTimeout(5);
        log.push(`${name} ends`);
        return name;
      });
    expect(await Promise.all([ask('1'), ask('2')])).toEqual(['1', '2']);
    expect(log).toEqual(['1 begins', '1 ends', '2 begins', '2 ends']);
  });

  it('are given to as many as can be answered in time; the others are told at once', async () => {
    const turns = createTurns(1_000);
    const heavy = () => outcome(turns.take('heavy', here, () => setTimeout(300, 200)));
    expect(await heavy()).toBe(200);
    const start = performance.now();
    const refusedMs: number[] = [];
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const answer = await heavy();
        if (answer === 503) refusedMs.push(performance.now() - start);
        return answer;
      }),
    );
    const answered = answers.filter((answer) => answer === 200).length;
    expect(answered).toBeGreaterThanOrEqual(2);
    expect(answered).toBeLessThanOrEqual(4);
    expect(refusedMs).toHaveLength(50 - answered);
    expect(refusedMs[0]).toBeLessThan(200);
  });

  it('are refused to those behind, once it is seen how long the first takes', async () => {
    const turns = createTurns(1_000);
    const start = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => outcome(turns.take('new', here, () => setTimeout(400, 200)))),
    );
    expect(answers.slice(0, 2)).toEqual([200, 200]);
    expect(answers.slice(4).every((answer) => answer === 503)).toBe(true);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it('are not kept from quick questions by heavy ones of before', async () => {
    const turns = createTurns(1_000);
    await turns.take('heavy', here, () => setTimeout(900));
    const quick = Array.from({ length: 20 }, () => outcome(turns.take('quick', here, () => setTimeout(1, 200))));
    expect(new Set(await Promise.all(quick))).toEqual(new Set([200]));
  });

  it('pass those by that are gone, and go on after a failure', async () => {
    const turns = createTurns(1_000);
    const gone = new AbortController();
    const first = turns.take('a', here, () => setTimeout(20).then(() => Promise.reject(new Error('broken'))));
    const second = turns.take('a', gone.signal, () => Promise.resolve('never'));
    const third = turns.take('a', here, () => Promise.resolve('third'));
    gone.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    await expect(first).rejects.toThrow('broken');
    expect(await third).toBe('third');
  });
});
