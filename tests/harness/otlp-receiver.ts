import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

type AttributeValue = string | number | boolean | AttributeValue[];
export type Attributes = Record<string, AttributeValue>;

/** A span as a test looks at it. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'other';
  startNs: bigint;
  endNs: bigint;
  attributes: Attributes;
  failed: boolean;
  events: { name: string; attributes: Attributes }[];
  resource: Attributes;
  service: string;
}

export interface ReceivedLog {
  traceId: string;
  spanId: string;
  body: string;
  severity: string;
  attributes: Attributes;
  service: string;
}

export interface ReceivedMetric {
  name: string;
  unit: string;
  service: string;
  /** The attributes and the value (a sum) or count (a histogram) of each data point. */
  points: { attributes: Attributes; value: number }[];
}

/** An OTLP/HTTP JSON backend in this process, for tests that look at what was really exported. */
export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  logs: ReceivedLog[];
  metrics: ReceivedMetric[];
  /** Waits until `enough` holds for the spans of a trace, and returns them. Throws, with what came, after a minute. */
  trace(traceId: string, enough: (spans: ReceivedSpan[]) => boolean): Promise<ReceivedSpan[]>;
  /** Waits until `look` returns something. */
  eventually<T>(what: string, look: () => T | undefined | null | false): Promise<T>;
  close(): Promise<void>;
}

const patienceMs = 60_000;

/** @param port 0 for any free one. */
export async function startOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const logs: ReceivedLog[] = [];
  const metrics: ReceivedMetric[] = [];
  const server = createServer((request, response) => {
    readBody(request)
      .then((body) => {
        if (request.url === '/v1/traces') spans.push(...readSpans(body));
        if (request.url === '/v1/logs') logs.push(...readLogs(body));
        if (request.url === '/v1/metrics') metrics.push(...readMetrics(body));
        response.setHeader('content-type', 'application/json').end('{}');
      })
      // Its sender was killed, or this closes while it sends: unhandled, that would fail the whole run.
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  async function eventually<T>(what: string, look: () => T | undefined | null | false): Promise<T> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== null && found !== false) return found;
      if (Date.now() > deadline) throw new Error(`Nothing like this came within ${patienceMs} ms: ${what}`);
      await sleep(25);
    }
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    logs,
    metrics,
    eventually,
    async trace(traceId, enough) {
      const ofTrace = () => spans.filter((span) => span.traceId === traceId);
      try {
        return await eventually(`trace ${traceId}`, () => enough(ofTrace()) && ofTrace());
      } catch (error) {
        throw new Error(`Trace ${traceId} is not complete; it has:\n${describeTree(ofTrace())}`, { cause: error });
      }
    },
    close: () => closeServer(server),
  };
}

/** A trace as indented lines: for messages of failed tests. */
function describeTree(spans: readonly ReceivedSpan[], parent = '', depth = 0): string {
  const known = new Set(spans.map((span) => span.spanId));
  return spans
    .filter((span) => (depth === 0 ? !known.has(span.parentSpanId) : span.parentSpanId === parent))
    .map(
      (span) =>
        `${'  '.repeat(depth)}${span.service}: ${span.name} (${span.kind})\n${describeTree(spans, span.spanId, depth + 1)}`,
    )
    .join('');
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function readBody(request: IncomingMessage): Promise<OtlpRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return JSON.parse(
    (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString(),
  ) as OtlpRequest;
}

interface KeyValue {
  key: string;
  value: AnyValue;
}
interface AnyValue {
  stringValue?: string;
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
  arrayValue?: { values: AnyValue[] };
}
interface OtlpPoint {
  attributes?: KeyValue[];
  asDouble?: number;
  asInt?: number | string;
  count?: number | string;
}
interface OtlpRequest {
  resourceSpans?: { resource?: { attributes?: KeyValue[] }; scopeSpans?: { spans?: OtlpSpan[] }[] }[];
  resourceLogs?: { resource?: { attributes?: KeyValue[] }; scopeLogs?: { logRecords?: OtlpLog[] }[] }[];
  resourceMetrics?: {
    resource?: { attributes?: KeyValue[] };
    scopeMetrics?: {
      metrics?: {
        name: string;
        unit?: string;
        sum?: { dataPoints: OtlpPoint[] };
        gauge?: { dataPoints: OtlpPoint[] };
        histogram?: { dataPoints: OtlpPoint[] };
      }[];
    }[];
  }[];
}
interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: KeyValue[];
  status?: { code?: number };
  events?: { name: string; attributes?: KeyValue[] }[];
}
interface OtlpLog {
  traceId?: string;
  spanId?: string;
  body?: AnyValue;
  severityText?: string;
  attributes?: KeyValue[];
}

const kinds: Record<number, ReceivedSpan['kind']> = { 1: 'internal', 2: 'server', 3: 'client' };

function readSpans(body: OtlpRequest): ReceivedSpan[] {
  return (body.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const resourceAttributes = toAttributes(resource?.attributes);
    return (scopeSpans ?? []).flatMap((scope) =>
      (scope.spans ?? []).map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        name: span.name,
        kind: kinds[span.kind] ?? 'other',
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: toAttributes(span.attributes),
        failed: span.status?.code === 2,
        events: (span.events ?? []).map((event) => ({ name: event.name, attributes: toAttributes(event.attributes) })),
        resource: resourceAttributes,
        service: String(resourceAttributes['service.name']),
      })),
    );
  });
}

function readLogs(body: OtlpRequest): ReceivedLog[] {
  return (body.resourceLogs ?? []).flatMap(({ resource, scopeLogs }) =>
    (scopeLogs ?? []).flatMap((scope) =>
      (scope.logRecords ?? []).map((record) => ({
        traceId: record.traceId ?? '',
        spanId: record.spanId ?? '',
        body: String(record.body ? toValue(record.body) : ''),
        severity: record.severityText ?? '',
        attributes: toAttributes(record.attributes),
        service: String(toAttributes(resource?.attributes)['service.name']),
      })),
    ),
  );
}

function readMetrics(body: OtlpRequest): ReceivedMetric[] {
  return (body.resourceMetrics ?? []).flatMap(({ resource, scopeMetrics }) =>
    (scopeMetrics ?? []).flatMap((scope) =>
      (scope.metrics ?? []).map((metric) => ({
        name: metric.name,
        unit: metric.unit ?? '',
        service: String(toAttributes(resource?.attributes)['service.name']),
        points:
          (metric.sum ?? metric.gauge ?? metric.histogram)?.dataPoints.map((point) => ({
            attributes: toAttributes(point.attributes),
            value: Number(point.asDouble ?? point.asInt ?? point.count),
          })) ?? [],
      })),
    ),
  );
}

function toAttributes(list: KeyValue[] | undefined): Attributes {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: AnyValue): AttributeValue {
  if (value.arrayValue) return value.arrayValue.values.map(toValue);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue ?? '';
}
