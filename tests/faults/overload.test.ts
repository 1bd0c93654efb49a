import { setTimeout as sleep } from 'node:timers/promises';

import { type Answer, k6Answers, overloadOutcome } from '@hotrod/loadgen/k6-answers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { findTool } from '../deploy/tools.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { createTemporaryDirectory, noDelays, startSuite, type Suite } from '../harness/suite.ts';

const k6 = findTool('k6');

/**
 * Four workers of 100 ms bear four rides of ten routes a second, on a slow machine, too: what the pool bears is then far
 * below what the processor does.
 */
const capacityPerSecond = 4;
const env = {
  ...noDelays,
  ROUTE_WORKER_POOL_SIZE: '4',
  ROUTE_CALCULATION_DELAY_MS: '100',
  REQUEST_TIMEOUT_MS: '10000',
};
const seconds = 20;

describe.skipIf(!k6)('three times as many rides as the route workers bear', () => {
  let receiver: OtlpReceiver;
  let suite: Suite;
  let answers: Answer[];
  let alone: number;
  let afterwards: number;
  let last: Response;

  beforeAll(async () => {
    const directory = createTemporaryDirectory('overload');
    receiver = await startOtlpReceiver();
    suite = await startSuite({ otlpUrl: receiver.url, env });
    for (let ride = 0; ride < 5; ride += 1) await suite.dispatch(123);
    alone = (await suite.dispatch(123)).ms;
    const overloading = k6Answers({
      program: k6 ?? '',
      frontend: suite.frontend,
      ratePerSecond: 3 * capacityPerSecond,
      seconds,
      directory: directory.path,
    });
    overloading.catch(() => undefined); // awaited below, and no failure of the whole run until then
    await sleep((seconds * 1000) / 2);
    do last = await fetch(`${suite.frontend}/dispatch?customer=123`);
    while (last.status === 200);
    answers = await overloading;
    await sleep(2_000);
    afterwards = (await suite.dispatch(123)).ms;
    directory.remove();
  });
  afterAll(async () => {
    await suite?.stop();
    await receiver?.close();
  });

  test('serves four fifths of what the workers bear, and refuses the others', () => {
    const outcome = overloadOutcome(answers, seconds);
    expect(outcome.goodputPerSecond).toBeGreaterThanOrEqual(0.8 * capacityPerSecond);
    expect(outcome.refused).toBeGreaterThan(capacityPerSecond * seconds);
    expect(outcome.failed).toBe(0);
  });

  test('answers everyone within the deadline, and refuses at once', () => {
    const outcome = overloadOutcome(answers, seconds);
    expect(outcome.slowestMs).toBeLessThan(12_000);
    expect(outcome.refusalMs.median).toBeLessThan(100);
  });

  test('says when to come again', async () => {
    expect(last.status).toBe(503);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await last.json()).toMatchObject({ code: 'overloaded', detail: expect.stringContaining('route worker') });
  });

  test('is over two seconds after the load has fallen', () => {
    expect(afterwards).toBeLessThan(10 * alone);
  });

  test('computes no route for a ride that was refused', async () => {
    const served = answers.filter(({ status }) => status === 200).length;
    const routes = () => receiver.spans.filter(({ service, kind }) => service === 'route' && kind === 'server').length;
    await receiver.eventually('routes of all rides that were served', () => routes() >= served * 10);
    // Ten more rides were ordered beside k6; some of those that were let in may have lost every driver and searched again.
    expect(routes()).toBeLessThan((served + 30) * 10);
  });
});
