import { describe, expect, it } from 'vitest';

import type { LogRecord, ServiceMap, Trace, TraceRow } from '../contract/contract.ts';
import { keyValues, send, startTestObservatory, temporaryDirectory } from '../fixtures/test-observatory.ts';
import type { Observatory } from '../observatory.ts';
import { encodeProtobuf, type Request } from './fixtures/requests.ts';

const traceId = 'f0'.repeat(16);
const spanId = (number: number): string => number.toString(16).padStart(16, '0');
const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;

function span(number: number, parent: number | null, kind: number, more: Request = {}): Request {
  return {
    traceId,
    spanId: spanId(number),
    ...(parent !== null && { parentSpanId: spanId(parent) }),
    name: `span ${number}`,
    kind,
    startTimeUnixNano: String(startNs + BigInt(number)),
    endTimeUnixNano: String(startNs + 50_000_000n),
    attributes: [],
    ...more,
  };
}

function ofService(name: string, spans: Request[], scope: Request = { name: 's' }, resource: Request = {}): Request {
  return {
    resource: { attributes: keyValues({ 'service.name': name }), ...resource },
    scopeSpans: [{ scope, spans }],
  };
}

async function store(...resourceSpans: Request[]): Promise<Observatory> {
  const observatory = await startTestObservatory(await temporaryDirectory());
  expect(await (await send(observatory, 'traces', { resourceSpans })).json()).toEqual({});
  await observatory.flush();
  return observatory;
}

async function sendProtobuf(observatory: Observatory, request: Request): Promise<void> {
  const answer = await fetch(`${observatory.otlpUrl}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(encodeProtobuf('spans', request)),
  });
  expect(answer.status).toBe(200);
}

async function ask<T>(observatory: Observatory, path: string): Promise<T> {
  const range = `from=${Date.now() - 600_000}&to=${Date.now() + 60_000}`;
  const answer = await fetch(`${observatory.url}${path}${path.includes('?') ? '&' : '?'}${range}`);
  expect([path, answer.status]).toEqual([path, 200]);
  return (await answer.json()) as T;
}

const trace = async (observatory: Observatory): Promise<Trace> =>
  (await (await fetch(`${observatory.url}/api/traces/${traceId}`)).json()) as Trace;

describe('the service map', () => {
  it.each([
    ['client', 3],
    ['internal', 1],
  ])('has an edge from a server to the %s span of another service below it', async (_name, kind) => {
    const observatory = await store(
      ofService('accounts', [span(1, null, 2)]),
      ofService('mysql-accounts', [span(2, 1, kind)]),
    );
    const { edges } = await ask<ServiceMap>(observatory, '/api/service-map');
    expect(edges).toMatchObject([{ from: 'accounts', to: 'mysql-accounts', calls: 1 }]);
  });

  describe.each(['json', 'protobuf'])('of messages whose receiver links to their sender (%s)', (encoding) => {
    const linksTo = (...numbers: number[]): Request => ({
      traceId: 'f1'.repeat(16),
      links: numbers.map((number) => ({ traceId, spanId: spanId(number) })),
    });
    const edgesOf = async (...resourceSpans: Request[]) => {
      const observatory = await startTestObservatory(await temporaryDirectory());
      if (encoding === 'json') await send(observatory, 'traces', { resourceSpans });
      else await sendProtobuf(observatory, { resourceSpans });
      await observatory.flush();
      return (await ask<ServiceMap>(observatory, '/api/service-map')).edges;
    };
    const sent = ofService('orders', [span(1, null, 4), span(2, null, 4)]);

    it('has an edge of its own kind from sender to receiver', async () => {
      const edges = await edgesOf(sent, ofService('billing', [span(3, null, 5, linksTo(1, 2))]));
      expect(edges).toMatchObject([{ from: 'orders', to: 'billing', kind: 'link', calls: 2, errorRate: 0 }]);
    });

    it('has one of the batch that a client receives', async () => {
      const edges = await edgesOf(sent, ofService('billing', [span(3, null, 3, linksTo(1))]));
      expect(edges).toMatchObject([{ from: 'orders', to: 'billing', kind: 'link', calls: 1 }]);
    });

    it('has a call, and no second edge, where the receiver is a child of the sender, too', async () => {
      const child = span(3, 1, 5, { links: [{ traceId, spanId: spanId(1) }] });
      expect(await edgesOf(sent, ofService('billing', [child]))).toMatchObject([{ kind: 'call', calls: 1 }]);
    });

    it('has none of links that join no sender and receiver, and of those to nowhere', async () => {
      const server = ofService('gateway', [span(1, null, 2)]);
      expect(await edgesOf(server, ofService('billing', [span(3, null, 2, linksTo(1, 77))]))).toEqual([]);
    });
  });

  it('has none from a server to the page that it served', async () => {
    const browser = { attributes: keyValues({ 'service.name': 'page', 'telemetry.sdk.language': 'webjs' }) };
    const observatory = await store(
      ofService('web', [span(1, null, 2)]),
      ofService('page', [span(2, 1, 1)], { name: 's' }, browser),
    );
    expect((await ask<ServiceMap>(observatory, '/api/service-map')).edges).toEqual([]);
  });
});

describe('older names of attributes', () => {
  const sql = {
    'db.system': 'postgresql',
    'db.name': 'ledger',
    'db.statement': 'SELECT 1',
    'net.peer.name': 'pg-main',
    'net.peer.port': 5432,
  };
  const http = { 'http.method': 'GET', 'http.status_code': 200, 'http.target': '/ledger?id=1' };

  it.each(['json', 'protobuf'])(
    'mean the newer ones in filters, statements and the service map, and stay (%s)',
    async (encoding) => {
      const request = {
        resourceSpans: [
          ofService('ledger', [
            span(1, null, 2, { attributes: keyValues(http) }),
            span(2, 1, 3, { attributes: keyValues(sql) }),
          ]),
        ],
      };
      const observatory = await startTestObservatory(await temporaryDirectory());
      if (encoding === 'json') await send(observatory, 'traces', request);
      else await sendProtobuf(observatory, request);
      await observatory.flush();
      for (const filter of [
        'http.request.method = "GET"',
        'http.response.status_code = 200',
        'url.path = "/ledger"',
        'http.target = "/ledger?id=1"',
      ]) {
        const rows = await ask<TraceRow[]>(observatory, `/api/traces?filter=${encodeURIComponent(filter)}`);
        expect([filter, rows.length]).toEqual([filter, 1]);
      }
      const { edges } = await ask<ServiceMap>(observatory, '/api/service-map');
      expect(edges).toMatchObject([{ from: 'ledger', to: 'postgresql pg-main' }]);
      const { spans } = await trace(observatory);
      expect(spans.map(({ attributes }) => attributes)).toEqual([http, sql]);
      const slowest = encodeURIComponent('trace.slowest_statement = "SELECT 1"');
      expect(await ask<TraceRow[]>(observatory, `/api/traces?filter=${slowest}`)).toHaveLength(1);
    },
  );

  it('give way to the newer ones where both were sent, in any order', async () => {
    const both = { 'db.statement': 'old', 'db.query.text': 'new', 'http.route': '/' };
    const reversed = { 'db.query.text': 'new', 'db.statement': 'old' };
    const observatory = await store(
      ofService('dup', [
        span(1, null, 2, { attributes: keyValues(both) }),
        span(2, 1, 3, { attributes: keyValues(reversed) }),
      ]),
    );
    const filter = encodeURIComponent('db.query.text = "new"');
    expect(await ask<TraceRow[]>(observatory, `/api/traces?scope=spans&filter=${filter}`)).toHaveLength(2);
    expect((await trace(observatory)).spans.map(({ attributes }) => attributes)).toEqual([both, reversed]);
  });
});

describe('spans that share an id', () => {
  const ends = (): Request[] => [
    ofService('web', [span(1, null, 2), span(2, 1, 3)]),
    ofService('pay', [{ ...span(2, 1, 2), name: 'the server' }, span(3, 2, 1)]),
  ];

  it('of a client and a server, are two, and each is stored once', async () => {
    const observatory = await store(...ends());
    await send(observatory, 'traces', { resourceSpans: ends() });
    await observatory.flush();
    expect((await trace(observatory)).spans.map(({ name }) => name).toSorted()).toEqual([
      'span 1',
      'span 2',
      'span 3',
      'the server',
    ]);
    expect(observatory.telemetry.text()).toContain('observatory_duplicate_spans_total 4');
  });

  it('are one call on the service map: what the server does is its own', async () => {
    const { edges } = await ask<ServiceMap>(await store(...ends()), '/api/service-map');
    expect(edges).toMatchObject([{ from: 'web', to: 'pay', calls: 1 }]);
  });
});

describe('a log record without any time', () => {
  it.each(['json', 'protobuf'])('is of the time when it came (%s)', async (encoding) => {
    const observatory = await startTestObservatory(await temporaryDirectory());
    const request = {
      resourceLogs: [
        { scopeLogs: [{ logRecords: [{ traceId, spanId: spanId(1), body: { stringValue: 'no time at all' } }] }] },
      ],
    };
    const before = BigInt(Date.now()) * 1_000_000n;
    if (encoding === 'json') await send(observatory, 'logs', request);
    else {
      await fetch(`${observatory.otlpUrl}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(encodeProtobuf('logs', request)),
      });
    }
    await observatory.flush();
    const answer = await fetch(`${observatory.url}/api/traces/${traceId}/logs`);
    const [line] = (await answer.json()) as LogRecord[];
    expect(line?.body).toBe('no time at all');
    expect(BigInt(line?.timeNs ?? 0) >= before).toBe(true);
  });
});

describe('what OTLP says beside attributes', () => {
  it.each(['json', 'protobuf'])('is kept, and shown as attributes (%s)', async (encoding) => {
    const request = {
      resourceSpans: [
        ofService(
          'billing',
          [
            span(1, null, 2, {
              traceState: 'rojo=00f067aa0ba902b7',
              droppedAttributesCount: 23,
              droppedEventsCount: 4,
              droppedLinksCount: 2,
              events: [{ timeUnixNano: '1', name: 'e', droppedAttributesCount: 5, attributes: [] }],
              links: [{ traceId, spanId: spanId(9), traceState: 'a=b', droppedAttributesCount: 1, attributes: [] }],
            }),
          ],
          { name: 'lib', version: '2', attributes: keyValues({ policy: 'errors-first' }), droppedAttributesCount: 3 },
          { droppedAttributesCount: 9 },
        ),
      ],
    };
    const observatory = await startTestObservatory(await temporaryDirectory());
    if (encoding === 'json') await send(observatory, 'traces', request);
    else {
      await fetch(`${observatory.otlpUrl}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(encodeProtobuf('spans', request)),
      });
    }
    await observatory.flush();
    const { spans } = await trace(observatory);
    expect(spans[0]).toMatchObject({
      attributes: {
        'otel.scope.attributes.policy': 'errors-first',
        'otel.scope.dropped_attributes_count': 3,
        'w3c.tracestate': 'rojo=00f067aa0ba902b7',
        'otel.dropped_attributes_count': 23,
        'otel.dropped_events_count': 4,
        'otel.dropped_links_count': 2,
      },
      events: [{ name: 'e', attributes: { 'otel.dropped_attributes_count': 5 } }],
      links: [{ attributes: { 'w3c.tracestate': 'a=b', 'otel.dropped_attributes_count': 1 } }],
    });
    expect(spans[0]?.resource).toMatchObject({ 'otel.dropped_attributes_count': 9 });
  });
});

describe('a page of an allowed origin', () => {
  it('may send by sendBeacon, and with headers of its own', async () => {
    const origin = 'http://localhost:3000';
    const observatory = await startTestObservatory(await temporaryDirectory(), { corsOrigins: origin });
    const preflight = await fetch(`${observatory.otlpUrl}/v1/traces`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect([preflight.status, Object.fromEntries(preflight.headers)]).toEqual([
      204,
      expect.objectContaining({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'authorization,content-type',
      }),
    ]);
  });
});
