import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

/** An OTLP/HTTP backend that counts and throws away. */
export interface Sink {
  url: string;
  /** Spans that arrived. */
  spans(): number;
  /** Bytes of the requests that brought them, uncompressed. */
  traceBytes(): number;
  /** The newest value of a sum metric (OTLP JSON), added up over all who report it. */
  sum(metric: string): number;
  close(): Promise<void>;
}

/** @param delayMs how long an answer takes: 0 at once, 100 as a distant backend would. */
export async function startSink(delayMs = 0): Promise<Sink> {
  let spans = 0;
  let traceBytes = 0;
  const sums = new Map<string, number>();

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body =
      request.headers['content-encoding'] === 'gzip' ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks);
    if (request.url === '/v1/traces') {
      spans += countSpans(body);
      traceBytes += body.length;
    }
    if (request.url === '/v1/metrics' && request.headers['content-type'] === 'application/json')
      noteSums(sums, JSON.parse(body.toString()));
    if (delayMs > 0) await sleep(delayMs);
    response
      .setHeader('content-type', request.headers['content-type'] ?? 'application/x-protobuf')
      .end(request.headers['content-type'] === 'application/json' ? '{}' : undefined);
  }

  const server = createServer((request, response) => void take(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    traceBytes: () => traceBytes,
    sum: (metric) =>
      [...sums].filter(([key]) => key.startsWith(`${metric} `)).reduce((total, [, value]) => total + value, 0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** ExportTraceServiceRequest → resource_spans (1) → scope_spans (2) → spans (2), by their field numbers alone. */
function countSpans(message: Buffer): number {
  let count = 0;
  for (const resourceSpans of fields(message, 1))
    for (const scopeSpans of fields(resourceSpans, 2)) for (const _ of fields(scopeSpans, 2)) count += 1;
  return count;
}

/** The length-delimited fields of a protobuf message with the given number. */
function* fields(message: Buffer, wanted: number): Generator<Buffer> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      const length = varint();
      if (tag >> 3 === wanted) yield message.subarray(at, at + length);
      at += length;
    }
  }
}

interface MetricsBody {
  resourceMetrics?: {
    resource?: { attributes?: { key: string; value: { stringValue?: string } }[] };
    scopeMetrics?: {
      metrics?: {
        name: string;
        sum?: { dataPoints: { attributes?: unknown; asInt?: number | string; asDouble?: number }[] };
      }[];
    }[];
  }[];
}

function noteSums(sums: Map<string, number>, body: MetricsBody): void {
  for (const { resource, scopeMetrics } of body.resourceMetrics ?? []) {
    const service = resource?.attributes?.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    for (const metric of (scopeMetrics ?? []).flatMap((scope) => scope.metrics ?? [])) {
      for (const point of metric.sum?.dataPoints ?? []) {
        sums.set(
          `${metric.name} ${service} ${JSON.stringify(point.attributes)}`,
          Number(point.asInt ?? point.asDouble),
        );
      }
    }
  }
}
