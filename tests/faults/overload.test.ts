import { setTimeout as sleep } from 'node:timers/promises';

import { type Answer, k6Answers, overloadOutcome } from '@hotrod/loadgen/k6-answers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { findTool } from '../deploy/tools.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { createTemporaryDirectory, noDelays, startSuite, type Suite } from '../harness/suite.ts';

const k6 = findTool('k6');

/**
 * Twenty workers of a second bear two rides of ten routes a second, on a slow machine, too: what the pool bears is then
 * far below what the processor does, and nearly all of a route's time is its delay.
 */
const workers = 20;
const routeMs = 1_000;
const routesPerRide = 10;
const capacityPerSecond = (workers * 1_000) / routeMs / routesPerRide;
/** A ride that is let in waits for two seconds at most, and takes one more: a tenth of this. */
const deadlineMs = 30_000;
const env = {
  ...noDelays,
  ROUTE_WORKER_POOL_SIZE: String(workers),
  ROUTE_WORKER_POOL_MAX_WAIT_MS: String(2 * routeMs),
  ROUTE_CALCULATION_DELAY_MS: String(routeMs),
  REQUEST_TIMEOUT_MS: String(deadlineMs),
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
    // More at once than can be let in.
    const burst = await Promise.all(Array.from({ length: 10 }, () => fetch(`${suite.frontend}/dispatch?customer=123`)));
    last = burst.find(({ status }) => status !== 200) ?? expect.fail('none of ten rides at once is refused');
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
    // How long a worker is taken by a route, its delay and what a busy machine adds.
    const calls = receiver.spans.filter(({ service, kind, name }) => {
      return service === 'frontend' && kind === 'client' && name === 'GET /route';
    });
    expect(calls.length).toBeGreaterThan(0);
    const meanMs = calls.reduce((sum, { startNs, endNs }) => sum + Number(endNs - startNs) / 1e6, 0) / calls.length;
    expect(meanMs).toBeGreaterThan(0.9 * routeMs);
    expect(outcome.served).toBeGreaterThanOrEqual((0.8 * workers * seconds * 1_000) / meanMs / routesPerRide);
    expect(outcome.refused).toBeGreaterThan(capacityPerSecond * seconds);
    expect(outcome.failed).toBe(0);
  });

  test('answers everyone within the deadline, and refuses at once', () => {
    const outcome = overloadOutcome(answers, seconds);
    expect(outcome.slowestMs).toBeLessThan(deadlineMs);
    // Whatever waited for a worker would take longer; a refusal takes a hundredth of it.
    expect(outcome.refusalMs.median).toBeLessThan(routeMs);
  });

  test('says when to come again', async () => {
    expect(last.status).toBe(503);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await last.json()).toMatchObject({
      code: 'overloaded',
      detail: expect.stringContaining('ROUTE_WORKER_POOL_SIZE'),
    });
  });

  test('is over two seconds after the load has fallen', () => {
    expect(afterwards).toBeLessThan(10 * alone);
  });

  test('computes no route for a ride that was refused', async () => {
    const served = answers.filter(({ status }) => status === 200).length;
    const routes = () => receiver.spans.filter(({ service, kind }) => service === 'route' && kind === 'server').length;
    await receiver.eventually('routes of all rides that were served', () => routes() >= served * routesPerRide);
    // At most seventeen more rides were ordered beside k6; some of those that were let in may have lost every driver and
    // searched again.
    expect(routes()).toBeLessThan((served + 30) * routesPerRide);
  });
});
