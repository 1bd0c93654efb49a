import { Agent, get } from 'node:http';
import { json } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { findFreePort, startService } from '../../tests/harness/suite.ts';

/** Telemetry goes nowhere here: what is tested is the process. */
const env = { OTEL_SDK_DISABLED: 'true', ROUTE_CALCULATION_DELAY_DEVIATION_MS: '0' };
const path = '/route?pickup=1,2&dropoff=3,4';

/** Asks for a route. It is `taken` when the service has it, which Node tells those who expect to be told. */
function ask(url: string, agent: Agent): { taken: Promise<void>; answer: Promise<unknown> } {
  const taken = Promise.withResolvers<void>();
  const answer = new Promise((resolve, reject) => {
    get(url + path, { agent, headers: { expect: '100-continue' } }, (response) => {
      json(response).then(resolve, reject);
    })
      .once('continue', taken.resolve)
      .once('error', (error) => {
        taken.reject(error);
        reject(error);
      });
  });
  answer.catch(() => {}); // told by whoever waits for it
  return { taken: taken.promise, answer };
}

describe('the process of a service', () => {
  it('answers the requests that it has when it is told to stop, takes no more, and ends with 0', async () => {
    const service = await startService('route', { ...env, ROUTE_CALCULATION_DELAY_MS: '1000' });
    // Keeps its connections open for the next request, as undici does, which is behind fetch.
    const agent = new Agent({ keepAlive: true });
    const asked = Array.from({ length: 10 }, () => ask(service.url, agent));
    await Promise.all(asked.map(({ taken }) => taken));
    const ended = service.stop();
    for (const { answer } of asked) expect(await answer).toMatchObject({ distanceMeters: 200 });
    expect(await ended).toBe(0);
    await expect(fetch(service.url + path)).rejects.toThrow();
    agent.destroy();
  });

  it('says in one line what is wrong with its settings, and ends with 2', async () => {
    const starting = startService('route', { ...env, ROUTE_SPEED_METERS_PER_SECOND: 'fast' });
    await expect(starting).rejects.toThrow(
      /route: ROUTE_SPEED_METERS_PER_SECOND is not valid: not a number\. [^\n]*\n$/,
    );
  });

  it('says in one line that its port is taken', async () => {
    const port = String(await findFreePort());
    const first = await startService('route', { ...env, PORT: port });
    try {
      await expect(startService('route', { ...env, PORT: port })).rejects.toThrow(
        `route: port ${port} is taken by another`,
      );
    } finally {
      expect(await first.stop()).toBe(0);
    }
  });
});
