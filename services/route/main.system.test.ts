import { describe, expect, it } from 'vitest';

import { findFreePort, startService } from '../../tests/harness/suite.ts';

/** Telemetry goes nowhere here: what is tested is the process. */
const env = { OTEL_SDK_DISABLED: 'true', ROUTE_CALCULATION_DELAY_DEVIATION_MS: '0' };
const path = '/route?pickup=1,2&dropoff=3,4';

describe('the process of a service', () => {
  it('answers the requests that it has when it is told to stop, takes no more, and ends with 0', async () => {
    const service = await startService('route', { ...env, ROUTE_CALCULATION_DELAY_MS: '1500' });
    // undici, which is behind fetch, keeps its connections open for the next request.
    const answers = Array.from({ length: 10 }, async () => (await fetch(service.url + path)).json());
    await new Promise((resolve) => setTimeout(resolve, 500));
    const ended = service.stop();
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ distanceMeters: 200 });
    expect(await ended).toBe(0);
    await expect(fetch(service.url + path)).rejects.toThrow();
  });

  it('says in one line what is wrong with its settings, and ends with 2', async () => {
    const starting = startService('route', { ...env, ROUTE_SPEED_METERS_PER_SECOND: 'fast' });
    await expect(starting).rejects.toThrow(
      /route: ROUTE_SPEED_METERS_PER_SECOND is not valid: not a number\. [^\n]*\n$/,
    );
  });

  it('says in one line that its port is taken', async () => {
    const PORT = String(await findFreePort());
    const first = await startService('route', { ...env, PORT });
    try {
      await expect(startService('route', { ...env, PORT })).rejects.toThrow(`route: port ${PORT} is taken by another`);
    } finally {
      expect(await first.stop()).toBe(0);
    }
  });
});
