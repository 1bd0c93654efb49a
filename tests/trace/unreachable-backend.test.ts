import { createServer, type Server } from 'node:http';
import { once } from 'node:events';

import { afterEach, describe, expect, it } from 'vitest';

import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { findFreePort, type RunningProcess, startService } from '../harness/suite.ts';

/**
 * The exporter retries with growing pauses until its timeout; a small one makes this test short. A backend that is there
 * must not miss it, though: the test would hear of one that is away.
 */
const env = {
  OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
  ROUTE_CALCULATION_DELAY_MS: '0',
  ROUTE_CALCULATION_DELAY_DEVIATION_MS: '0',
};
const patience = { timeout: 60_000, interval: 50 };
/** That it ends with 0 says that it kept its own deadline of 4 s; the rest is what a busy machine adds. */
const soonMs = 20_000;

const stopping: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stopping.splice(0).toReversed()) await stop();
});

async function startRoute(port: number, more: Record<string, string> = {}): Promise<RunningProcess> {
  const service = await startService('route', {
    ...env,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    ...more,
  });
  stopping.push(() => service.stop());
  return service;
}

const ask = (service: RunningProcess) => fetch(`${service.url}/route?pickup=1,2&dropoff=3,4`);
/** What the service says of the fate of its telemetry. */
const said = (service: RunningProcess) =>
  service
    .output()
    .split('\n')
    .filter((line) => line.includes('elemetry') || line.includes('does not take') || line.includes('ECONNREFUSED'))
    .map((line) => (line.startsWith('{') ? (JSON.parse(line) as { msg: string }).msg : line));

describe('a service without a backend', () => {
  it('answers at once, says once that telemetry is lost, and once that it is back', async () => {
    const port = await findFreePort();
    const service = await startRoute(port);
    const endpoint = `http://127.0.0.1:${port}`;

    const start = performance.now();
    const requests = 50;
    for (let request = 0; request < requests; request += 1) expect((await ask(service)).status).toBe(200);
    // Far below the timeout of an export.
    expect((performance.now() - start) / requests).toBeLessThan(200);

    await expect.poll(() => said(service).length, patience).toBeGreaterThan(0);
    // Time for many more batches of spans and metrics to fail.
    for (let second = 0; second < 4; second += 1) {
      await ask(service);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    expect(said(service)).toEqual([
      expect.stringMatching(
        new RegExp(`^Telemetry cannot be delivered to ${endpoint} \\(.*ECONNREFUSED.*\\)\\. The service runs on`),
      ),
    ]);

    const receiver: OtlpReceiver = await startOtlpReceiver(port);
    stopping.push(() => receiver.close());
    await expect
      .poll(async () => {
        await ask(service);
        return receiver.spans.length;
      }, patience)
      .toBeGreaterThan(0);
    await expect.poll(() => said(service).at(-1), patience).toBe(`Telemetry is delivered to ${endpoint} again.`);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(said(service)).toHaveLength(2);
  });

  it('stops as quickly and as cleanly as with one', async () => {
    const service = await startRoute(await findFreePort());
    await ask(service);
    const start = performance.now();
    expect(await service.stop()).toBe(0);
    expect(performance.now() - start).toBeLessThan(soonMs);
  });

  it('ends in time also where the backend takes everything and never answers', async () => {
    const { port } = await startBackend(() => {});
    const service = await startRoute(port, { OTEL_EXPORTER_OTLP_TIMEOUT: '30000' });
    await ask(service);
    const start = performance.now();
    expect(await service.stop()).toBe(0);
    expect(performance.now() - start).toBeLessThan(soonMs);
  });
});

describe('a backend that takes traces alone, as Jaeger does', () => {
  it('is reported once for each other signal, while traces arrive', async () => {
    const taken: string[] = [];
    const { port } = await startBackend((path, answer) => {
      taken.push(path);
      answer(path === '/v1/traces' ? 200 : 404);
    });
    const service = await startRoute(port);
    const count = (path: string) => taken.filter((each) => each === path).length;
    await expect
      .poll(async () => {
        await ask(service);
        return Math.min(count('/v1/traces'), count('/v1/metrics'));
      }, patience)
      .toBeGreaterThanOrEqual(4);
    expect(said(service).filter((line) => line.includes('does not take metrics (Not Found)'))).toHaveLength(1);
    expect(said(service).filter((line) => !line.includes('does not take'))).toEqual([]);
  });
});

/** A backend that answers as told, or never. */
async function startBackend(
  respond: (path: string, answer: (status: number) => void) => void,
): Promise<{ port: number; server: Server }> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      respond(request.url ?? '', (status) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}'),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stopping.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, server };
}
