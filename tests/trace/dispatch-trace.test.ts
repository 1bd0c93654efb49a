import { registry } from '@hotrod/telemetry/attributes';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { noDelays, startSuite, type Suite } from '../harness/suite.ts';

const poolSize = 3;
/** Spans of one dispatch where no read fails; by default two or three do. A change here is a change of what a ride costs. */
const spansPerDispatch = 44;
/** The SDK notes starts in whole milliseconds and durations in nanoseconds: order is known to the millisecond. */
const clockStepNs = 1_000_000n;

/** Each service is of another release, as it is after a push that changed one of them. */
const versions = { frontend: '1.2.3', customer: '1.2.4', driver: '1.2.5', route: '1.2.6' } as const;

let receiver: OtlpReceiver;
let suite: Suite;
let spans: ReceivedSpan[];
let traceId: string;

const named = (name: string, kind?: ReceivedSpan['kind']) =>
  spans.filter((span) => span.name === name && (!kind || span.kind === kind));
const childrenOf = (parent: ReceivedSpan) => spans.filter((span) => span.parentSpanId === parent.spanId);
function only(candidates: ReceivedSpan[]): ReceivedSpan {
  expect(candidates.map((span) => `${span.service} ${span.name}`)).toHaveLength(1);
  return candidates[0] as ReceivedSpan;
}

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  suite = await startSuite({
    otlpUrl: receiver.url,
    env: {
      ...noDelays,
      DRIVER_READ_FAILURE_EVERY: '0',
      ROUTE_WORKER_POOL_SIZE: String(poolSize),
      // Long enough that routes overlap wherever they may.
      ROUTE_CALCULATION_DELAY_MS: '30',
    },
    perService: Object.fromEntries(
      Object.entries(versions).map(([service, version]) => [
        service,
        { OTEL_RESOURCE_ATTRIBUTES: `service.version=${version},vcs.ref.head.revision=abc1234` },
      ]),
    ),
  });
  await suite.dispatch(123); // opens connections, which would be spans, too
  const answer = await suite.dispatch(123, { client: 'c1', baggage: 'session.id=s1,hotrod.request.id=c1-1' });
  expect(answer.status).toBe(200);
  ({ traceId } = answer);
  spans = await receiver.trace(
    traceId,
    (found) => found.length >= spansPerDispatch && found.some((span) => span.parentSpanId === ''),
  );
});
afterAll(async () => {
  await suite?.stop();
  await receiver?.close();
});

describe('the tree of one dispatch', () => {
  it('has one root and no orphan', () => {
    const ids = new Set(spans.map((span) => span.spanId));
    const root = only(spans.filter((span) => !ids.has(span.parentSpanId)));
    expect(root).toMatchObject({
      name: 'GET /dispatch',
      kind: 'server',
      service: 'frontend',
      parentSpanId: '',
      failed: false,
    });
    expect(root.attributes).toMatchObject({ 'http.route': '/dispatch', 'http.response.status_code': 200 });
  });

  it('has as many spans as the documentation says', () => {
    expect(spans).toHaveLength(spansPerDispatch);
  });

  it('goes from the frontend to the customer service to one SQL statement', () => {
    const client = only(named('GET /customer', 'client'));
    expect(client).toMatchObject({ service: 'frontend', parentSpanId: only(named('GET /dispatch')).spanId });
    const server = only(childrenOf(client));
    expect(server).toMatchObject({ name: 'GET /customer', kind: 'server', service: 'customer' });
    expect(server.attributes).toMatchObject({
      'http.route': '/customer',
      'hotrod.customer.id': 123,
      'hotrod.customer.name': "Rachel's Floral Designs",
    });
    const statement = only(childrenOf(server).filter((span) => 'db.query.text' in span.attributes));
    expect(statement.attributes['db.query.text']).toContain('WHERE c.id = $1');
    expect(statement.attributes).toMatchObject({
      'db.system.name': 'postgresql',
      'db.query.parameter.0': '123',
      'db.response.returned_rows': 1,
    });
    only(childrenOf(server).filter((span) => span.name === 'pg-pool.connect'));
  });

  it('goes to the driver service: one wait for the pool, one search, ten reads one after the other', () => {
    const server = only(named('GET /nearest-drivers', 'server'));
    expect(server).toMatchObject({
      service: 'driver',
      parentSpanId: only(named('GET /nearest-drivers', 'client')).spanId,
    });
    only(childrenOf(server).filter((span) => span.name === 'pg-pool.connect'));
    const statements = childrenOf(server)
      .filter((span) => 'db.query.text' in span.attributes)
      .toSorted((a, b) => Number(a.startNs - b.startNs));
    expect(statements).toHaveLength(11);
    expect(statements[0]?.attributes['db.query.text']).toContain('<->');
    for (const [index, statement] of statements.entries()) {
      const previous = statements[index - 1];
      if (previous) expect(statement.startNs).toBeGreaterThanOrEqual(previous.endNs - clockStepNs);
    }
  });

  it('computes ten routes, never more than the pool at once', () => {
    const batch = only(named('compute routes', 'internal'));
    const calls = named('GET /route', 'client');
    expect(calls).toHaveLength(10);
    expect(new Set(calls.map((call) => call.parentSpanId))).toEqual(new Set([batch.spanId]));
    for (const call of calls)
      expect(only(childrenOf(call))).toMatchObject({ name: 'GET /route', kind: 'server', service: 'route' });
    const atOnce = calls.map(
      (call) =>
        calls.filter((other) => other.startNs <= call.startNs && call.startNs < other.endNs - clockStepNs).length,
    );
    expect(Math.max(...atOnce)).toBe(poolSize);
  });

  it('claims the driver', () => {
    const server = only(named('POST /claim', 'server'));
    const statement = only(childrenOf(server).filter((span) => 'db.query.text' in span.attributes));
    expect(statement.attributes['db.query.text']).toContain('UPDATE driver.drivers');
  });

  it('carries the baggage into the route service, which gets none of it as an argument', () => {
    const servers = named('GET /route', 'server');
    expect(servers).toHaveLength(10);
    for (const server of servers) {
      expect(server.attributes).toMatchObject({
        'session.id': 's1',
        'hotrod.request.id': 'c1-1',
        'hotrod.customer.name': "Rachel's Floral Designs",
      });
      expect(String(server.attributes['url.query'])).not.toContain('Rachel');
    }
  });

  it('writes a query in one way, without its question mark, on both sides of a call', () => {
    for (const kind of ['client', 'server'] as const) {
      expect(named('GET /customer', kind).map((span) => span.attributes['url.query'])).toEqual(['customer=123']);
    }
  });

  it('makes the root one wide event', () => {
    const root = only(named('GET /dispatch'));
    expect(root.attributes).toMatchObject({
      'session.id': 's1',
      'hotrod.client.id': 'c1',
      'hotrod.request.id': 'c1-1',
      'hotrod.customer.id': 123,
      'hotrod.customer.name': "Rachel's Floral Designs",
      'hotrod.driver.candidates': 10,
      'hotrod.driver.read.failures': 0,
      'hotrod.driver.claim.attempts': 1,
      'hotrod.route.count': 10,
      'hotrod.route.pool.size': poolSize,
      'hotrod.release.customer': versions.customer,
      'hotrod.release.driver': versions.driver,
      'hotrod.release.route': versions.route,
    });
    const seconds = Number(root.endNs - root.startNs) / 1e9;
    const phases = ['customer', 'drivers', 'routes', 'claim'].map((phase) =>
      Number(root.attributes[`hotrod.phase.${phase}.duration`]),
    );
    const sum = phases.reduce((total, phase) => total + phase, 0);
    expect(sum).toBeGreaterThan(0.1); // 10 routes of 30 ms through 3 workers
    expect(sum).toBeLessThanOrEqual(seconds);
    expect(root.attributes['hotrod.route.pool.wait.max']).toBeGreaterThan(0.03);
    expect(root.attributes['hotrod.driver.id']).toMatch(/^T7\d{5}C$/);
  });
});

describe('what every span carries', () => {
  it('says which release of which service it is from', () => {
    for (const { resource, service } of spans) {
      expect(resource).toMatchObject({
        'service.name': service,
        'service.namespace': 'hotrod',
        'service.version': versions[service as keyof typeof versions],
        'deployment.environment.name': 'local',
        'vcs.ref.head.revision': 'abc1234',
      });
    }
    expect(new Set(spans.map((span) => span.service))).toEqual(new Set(['frontend', 'customer', 'driver', 'route']));
  });

  it('has no attribute that neither the semantic conventions nor the registry know', () => {
    const known = new Set([
      ...Object.entries(conventions)
        .filter(([name, value]) => name.startsWith('ATTR_') && typeof value === 'string')
        .map(([, value]) => String(value)),
      ...Object.keys(registry),
      // instrumentation-pg's own
      'db.postgresql.plan',
      'db.postgresql.idle.timeout.millis',
    ]);
    const strange = spans
      .flatMap((span) => Object.keys(span.attributes))
      .filter((key) => !known.has(key) && !key.startsWith('db.query.parameter.'));
    expect([...new Set(strange)]).toEqual([]);
  });

  it('has our own attributes in the type that the registry says', () => {
    const types: Record<string, (value: unknown) => boolean> = {
      string: (value) => typeof value === 'string',
      int: (value) => Number.isInteger(value),
      double: (value) => typeof value === 'number',
    };
    const own = spans.flatMap((span) => Object.entries(span.attributes)).filter(([key]) => key.startsWith('hotrod.'));
    expect(own.length).toBeGreaterThan(50);
    for (const [key, value] of own) {
      const { type } = registry[key as keyof typeof registry];
      expect(types[type]?.(value), `${key} = ${JSON.stringify(value)} is not ${type}`).toBe(true);
    }
  });
});

describe('logs and metrics', () => {
  it('joins every log line of the request by trace id', async () => {
    const log = await receiver.eventually('the log line of the dispatch', () =>
      receiver.logs.find((line) => line.traceId === traceId && line.service === 'frontend'),
    );
    expect(log.body).toBe('Ride dispatched');
    expect(spans.map((span) => span.spanId)).toContain(log.spanId);
    const printed = suite.services.frontend
      .output()
      .split('\n')
      .find((line) => line.includes(traceId));
    expect(JSON.parse(printed ?? '{}')).toMatchObject({ trace_id: traceId, customer: "Rachel's Floral Designs" });
  });

  it('counts seconds of route calculation by customer, which the route service knows from the baggage alone', async () => {
    const seconds = await receiver.eventually('hotrod.route.calculation.time', () =>
      receiver.metrics
        .filter((metric) => metric.name === 'hotrod.route.calculation.time' && metric.service === 'route')
        .flatMap((metric) => metric.points)
        .find((point) => point.attributes['hotrod.customer.name'] === "Rachel's Floral Designs" && point.value > 0.25),
    );
    expect(seconds.value).toBeLessThan(100); // not milliseconds
  });

  it('measures the runtime and the requests by route', async () => {
    await receiver.eventually('runtime and request metrics of all services', () =>
      ['frontend', 'customer', 'driver', 'route'].every((service) =>
        ['nodejs.eventloop.utilization', 'http.server.request.duration'].every((name) =>
          receiver.metrics.some((metric) => metric.name === name && metric.service === service),
        ),
      ),
    );
    const expected = new Set(['/dispatch', '/customer', '/nearest-drivers', '/route', '/claim']);
    const routes = (): Set<unknown> =>
      new Set(
        receiver.metrics
          .filter((metric) => metric.name === 'http.server.request.duration')
          .flatMap((metric) => metric.points.map((point) => point.attributes['http.route'])),
      );
    // An export may end in the middle of a dispatch: what it asked last is in the next.
    await receiver.eventually('requests of every route', () => routes().size >= expected.size);
    expect(routes()).toEqual(expected);
  });
});

describe('what leaves no trace', () => {
  it('takes health checks, and the page’s own telemetry, without a span', async () => {
    for (const path of ['/healthz', '/readyz']) {
      for (const { url } of Object.values(suite.services)) expect((await fetch(url + path)).status).toBe(200);
    }
    // A later dispatch is complete: what came before it is there, too.
    const later = await suite.dispatch(392);
    await receiver.trace(later.traceId, (found) => found.length >= spansPerDispatch);
    const names = new Set(receiver.spans.flatMap((span) => [span.name, String(span.attributes['url.path'] ?? '')]));
    expect([...names].filter((name) => /healthz|readyz|v1\/traces/.test(name))).toEqual([]);
  });
});
