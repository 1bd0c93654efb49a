import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { noDelays, startSuite, type Suite } from '../harness/suite.ts';

let receiver: OtlpReceiver;
let suite: Suite;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  suite = await startSuite({
    otlpUrl: receiver.url,
    env: { ...noDelays, CUSTOMER_TIMEOUT_MS: '10000', ROUTE_TIMEOUT_MS: '10000' },
  });
});
afterAll(async () => {
  await suite?.stop();
  await receiver?.close();
});

describe('a wrong order', () => {
  it('answers 404 with a problem document for a customer who is not there', async () => {
    const answer = await suite.dispatch(999);
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({
      type: 'urn:hotrod:problem:not_found',
      title: 'There is no such thing',
      status: 404,
      detail: 'There is no customer 999.',
      code: 'not_found',
    });
  });

  it.each(['abc', '1.5', '-1', '', '99999999999'])('answers 400 for %j, which is no customer id', async (id) => {
    const answer = await suite.dispatch(id);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_argument', status: 400 });
  });

  it('answers 404 as a problem document for an unknown path', async () => {
    const response = await fetch(`${suite.frontend}/nothing`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });

  it('names the trace of a failed request, too', async () => {
    const { traceId } = await suite.dispatch(999);
    const spans = await receiver.trace(traceId, (found) => found.some((span) => span.name === 'GET /dispatch'));
    const root = spans.find((span) => span.name === 'GET /dispatch');
    expect(root?.failed).toBe(false); // the caller's mistake
    expect(root?.attributes).toMatchObject({
      'hotrod.customer.id': 999,
      'http.response.status_code': 404,
      'error.type': 'not_found',
    });
  });
});

describe('errors that are no failures', () => {
  it('retries a driver read that times out: the read is red, the ride is fine', async () => {
    const answer = await suite.dispatch(123);
    expect(answer.status).toBe(200);
    const spans = await receiver.trace(answer.traceId, (found) =>
      ['GET /dispatch', 'GET /nearest-drivers', 'POST /claim'].every((name) =>
        found.some((span) => span.name === name && span.kind === 'server'),
      ),
    );
    const root = spans.find((span) => span.name === 'GET /dispatch');
    const failed = spans.filter((span) => span.failed);
    // Every fifth read fails, so ten successful ones meet two or three.
    expect(failed.length).toBeGreaterThanOrEqual(2);
    expect(failed.length).toBeLessThanOrEqual(3);
    for (const span of failed) {
      expect(span.service).toBe('driver');
      expect(span.attributes).toMatchObject({ 'error.type': '57014', 'db.response.status_code': '57014' });
    }
    expect(root?.attributes['hotrod.driver.read.failures']).toBe(failed.length);
    expect(root?.failed).toBe(false);
  });
});

describe('one driver, one ride', () => {
  it('gives each driver to one ride, also when many ask for the same place at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => suite.dispatch(392)));
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    const drivers = answers.map((answer) => (answer.body['driver'] as { id: string }).id);
    expect(new Set(drivers).size).toBe(drivers.length);
  });
});

// Last: these take services away.
describe('a service that is gone', () => {
  it('never answers 200 when a route failed', async () => {
    await suite.services.route.stop('SIGKILL');
    const answer = await suite.dispatch(123);
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'dependency_unavailable' });
    const spans = await receiver.trace(answer.traceId, (found) => found.some((span) => span.name === 'GET /dispatch'));
    expect(spans.filter((span) => span.failed).map((span) => span.name)).toEqual(
      expect.arrayContaining(['GET /route', 'compute routes', 'GET /dispatch']),
    );
  });

  it('answers 503 within the timeout where the customer service is dead, and marks the call that failed', async () => {
    await suite.services.customer.stop('SIGKILL');
    const answer = await suite.dispatch(123);
    expect(answer.status).toBe(503);
    expect(answer.ms).toBeLessThan(30_000);
    const spans = await receiver.trace(answer.traceId, (found) => found.some((span) => span.name === 'GET /dispatch'));
    const call = spans.find((span) => span.name === 'GET /customer' && span.kind === 'client');
    expect(call?.failed).toBe(true);
    expect(call?.attributes['error.type']).toBeTruthy();
    expect(spans.some((span) => span.name === 'GET /nearest-drivers')).toBe(false);
  });

  it('leaves the frontend ready, which says in /readyz who is missing', async () => {
    const ready = await fetch(`${suite.frontend}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({
      status: 'ok',
      failures: [],
      behind: {
        customer: expect.stringContaining('cannot be reached'),
        driver: 'ok',
        route: expect.stringContaining('cannot be reached'),
      },
    });
    expect((await fetch(`${suite.frontend}/healthz`)).status).toBe(200);
    expect((await fetch(suite.frontend)).status).toBe(200);
  });

  it('takes a service out of traffic when its own database is gone', async () => {
    await suite.stopPostgres();
    const ready = await fetch(`${suite.services.driver.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'not ready', failures: [expect.stringMatching(/^postgres: /)] });
    expect((await fetch(`${suite.services.driver.url}/healthz`)).status).toBe(200);
  });
});
