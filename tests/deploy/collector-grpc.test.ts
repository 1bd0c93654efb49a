import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { describe, expect, test } from 'vitest';

import { startObservatory } from '../harness/observatory.ts';
import { startCollector } from './collector.ts';
import { findTool } from './tools.ts';

const contrib = findTool('otelcol-contrib');

interface Status {
  received: Record<'spans' | 'logs' | 'metrics', number>;
  stored: Record<'spans' | 'logs' | 'metrics', number>;
  refused: Record<'spans' | 'logs' | 'metrics', number>;
}

/** A Collector that hands on everything over gRPC, with its exporter's defaults but for the bounds that the test needs. */
function passOn(endpoint: string): Record<string, unknown> {
  const pipeline = { receivers: ['otlp'], exporters: ['otlp_grpc'] };
  return {
    exporters: {
      otlp_grpc: {
        endpoint,
        tls: { insecure: true },
        // The receiver asks for a second; what follows is the Collector's own patience.
        retry_on_failure: { enabled: true, initial_interval: '500ms', max_interval: '2s', max_elapsed_time: '2m' },
      },
    },
    service: {
      extensions: ['health_check'],
      pipelines: { traces: pipeline, metrics: pipeline, logs: pipeline },
      telemetry: { metrics: { level: 'none' } },
    },
  };
}

const attributes = [{ key: 'n', value: { intValue: 1 } }];

async function post(url: string, path: string, body: object): Promise<number> {
  const answer = await fetch(`${url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.status;
}

describe.skipIf(!contrib)("the Collector's exporter over gRPC", () => {
  test('brings everything to an Observatory whose queue is full again and again', async () => {
    // Two requests fill the queue until the next flush, 0.4 s later; the Collector sends ten at once.
    const spansInRequest = 100;
    const observatory = await startObservatory({ OBSERVATORY_QUEUE_ITEMS: String(2 * spansInRequest) });
    const collector = await startCollector({
      program: contrib ?? '',
      configs: [],
      extra: passOn(new URL(observatory.otlpGrpcUrl).host),
    });
    try {
      const nowNs = String(BigInt(Date.now()) * 1_000_000n);
      const span = () => ({
        traceId: randomBytes(16).toString('hex'),
        spanId: randomBytes(8).toString('hex'),
        name: 'work',
        kind: 2,
        startTimeUnixNano: nowNs,
        endTimeUnixNano: nowNs,
        attributes,
      });
      const requests = 30;
      const statuses = await Promise.all(
        Array.from({ length: requests }, () =>
          post(collector.url, 'traces', {
            resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: spansInRequest }, span) }] }],
          }),
        ),
      );
      const records = Array.from({ length: 20 }, () => ({ timeUnixNano: nowNs, body: { stringValue: 'a line' } }));
      const dataPoints = [{ timeUnixNano: nowNs, asInt: 1, attributes }];
      statuses.push(
        await post(collector.url, 'logs', { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] }),
        await post(collector.url, 'metrics', {
          resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'rides', gauge: { dataPoints } }] }] }],
        }),
      );
      expect(new Set(statuses)).toEqual(new Set([200]));

      const expected = { spans: requests * spansInRequest, logs: 20, metrics: 1 };
      const deadline = Date.now() + 100_000;
      let status: Status;
      do {
        await sleep(200);
        status = (await (await fetch(`${observatory.url}/api/status`)).json()) as Status;
        // Each signal is tried again on its own: which of them is the last to be stored depends on chance.
      } while (!isDeepStrictEqual(status.stored, expected) && Date.now() < deadline);
      expect(status.stored).toEqual(expected);
      expect(status.received).toEqual(expected);
      expect(status.refused.spans).toBeGreaterThan(0);
    } finally {
      await collector.stop();
      await observatory.stop();
    }
  });
});
