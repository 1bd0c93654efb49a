import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { sendTraces } from '../harness/otlp-sender.ts';
import { noDelays, root, startSuite, type Suite } from '../harness/suite.ts';
import { type Gate, type RunningCollector, startCollector, startGate } from './collector.ts';
import { findTool, mustRun, run } from './tools.ts';

const contrib = findTool('otelcol-contrib');
const withOpenSearch = findTool('otelcol-opensearch');

/** Which files run together. A file that is in no set fails the first test. */
const sets = [
  { configs: ['config.yaml', 'sampling-all.yaml'], program: contrib },
  { configs: ['config.yaml', 'sampling-tail.yaml'], program: contrib },
  { configs: ['agent.yaml'], program: contrib },
  { configs: ['logs.yaml'], program: withOpenSearch },
];

test('every configuration is one that is tested', () => {
  const files = readdirSync(join(root, 'otel-collector')).filter((name) => name.endsWith('.yaml'));
  expect(files.toSorted()).toEqual([...new Set(sets.flatMap(({ configs }) => configs))].toSorted());
});

for (const { configs, program } of sets) {
  test.skipIf(!program)(`${configs.join(' with ')} is valid for the real binary`, async () => {
    const files = configs.map((name) => `--config=${join(root, 'otel-collector', name)}`);
    await mustRun(program ?? '', ['validate', ...files]);
  });
}

function byTrace(spans: readonly ReceivedSpan[]): Map<string, ReceivedSpan[]> {
  const traces = new Map<string, ReceivedSpan[]>();
  for (const span of spans) traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), span]);
  return traces;
}

/** How long a trace took, first start to last end, in milliseconds. */
function durationMs(spans: readonly ReceivedSpan[]): number {
  const starts = spans.map((span) => span.startNs);
  const ends = spans.map((span) => span.endNs);
  const least = starts.reduce((a, b) => (a < b ? a : b));
  const most = ends.reduce((a, b) => (a > b ? a : b));
  return Number(most - least) / 1e6;
}

/** Waits until so many dispatches are there, and none of their spans misses its parent. */
async function whole(receiver: OtlpReceiver, dispatches: number): Promise<void> {
  await receiver.eventually(`${dispatches} whole traces`, () => {
    const ids = new Set(receiver.spans.map((span) => span.spanId));
    const roots = receiver.spans.filter(
      (span) => span.parentSpanId === '' && span.attributes['url.path'] === '/dispatch',
    );
    return (
      roots.length >= dispatches && receiver.spans.every((span) => !span.parentSpanId || ids.has(span.parentSpanId))
    );
  });
}

describe.skipIf(!contrib)('the real Collector between the real services and their backends', () => {
  let observatory: OtlpReceiver;
  let backend: OtlpReceiver;
  let observatoryGate: Gate;
  let backendGate: Gate;
  let honeycombGate: Gate;
  let collector: RunningCollector;
  let suite: Suite;

  const customers = [123, 392, 567, 731, 57319, 88654];
  const rounds = 4;

  beforeAll(async () => {
    observatory = await startOtlpReceiver();
    backend = await startOtlpReceiver();
    const nowhere = await startOtlpReceiver();
    observatoryGate = await startGate(observatory.url);
    backendGate = await startGate(backend.url);
    honeycombGate = await startGate(nowhere.url);
    collector = await startCollector({
      program: contrib ?? '',
      configs: ['config.yaml', 'sampling-all.yaml'],
      env: {
        OBSERVATORY_ENDPOINT: observatoryGate.url,
        BACKEND_EXPORTERS: '[otlp_http/backend, otlp_http/honeycomb]',
        OTLP_ENDPOINT: backendGate.url,
        OTLP_HEADERS: '{x-api-key: abc=, x-tenant: "7"}',
        HONEYCOMB_ENDPOINT: honeycombGate.url,
        HONEYCOMB_API_KEY: 'a-key',
        REDACTION_SALT: 'of this test',
      },
    });
    suite = await startSuite({ otlpUrl: collector.url, env: { ...noDelays } });
    observatoryGate.setAway(true); // for the first half of the load
    for (let round = 0; round < rounds; round += 1) {
      if (round === rounds / 2) observatoryGate.setAway(false);
      const answers = await Promise.all(customers.map((customer) => suite.dispatch(customer)));
      for (const { status, body } of answers) expect(status, JSON.stringify(body)).toBe(200);
    }
    await suite.dispatch(999_999); // nobody: a short trace
    await whole(observatory, rounds * customers.length + 1);
    await whole(backend, rounds * customers.length + 1);
    return async () => {
      await nowhere.close();
    };
  });
  afterAll(async () => {
    await suite?.stop();
    await collector?.stop();
    await Promise.all([observatoryGate, backendGate, honeycombGate, observatory, backend].map((each) => each?.close()));
  });

  test('loses nothing, also when the Observatory is away for a while', async () => {
    const ids = (receiver: OtlpReceiver) => receiver.spans.map((span) => span.spanId).toSorted();
    const dispatches = rounds * customers.length;
    const expected = {
      frontend: dispatches + 1,
      customer: dispatches + 1,
      driver: dispatches * 2, // the nearest ones, and the claim
      route: dispatches * 10,
    };
    const served = (service: string) =>
      observatory.spans.filter((span) => span.service === service && span.kind === 'server').length;
    // Each service exports when its own batch is due: that no span misses its parent does not say that all are here.
    await observatory.eventually(
      'every request of every service, and the same at both',
      () =>
        Object.entries(expected).every(([service, requests]) => served(service) >= requests) &&
        ids(observatory).join() === ids(backend).join(),
    );
    for (const [service, requests] of Object.entries(expected)) expect(served(service), service).toBe(requests);
    expect(new Set(ids(observatory)).size).toBe(observatory.spans.length); // and nothing twice
    expect(new Set(observatory.spans.map((span) => span.service))).toEqual(
      new Set(['frontend', 'customer', 'driver', 'route']),
    );

    const own = await (await fetch(collector.ownMetricsUrl)).text();
    const sum = (name: string, label = '') =>
      own
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
        .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
    expect(sum('otelcol_receiver_accepted_spans_total')).toBeGreaterThanOrEqual(observatory.spans.length);
    expect(sum('otelcol_receiver_refused_spans_total')).toBe(0);
    expect(sum('otelcol_exporter_send_failed_spans_total')).toBe(0);
    expect(sum('otelcol_exporter_enqueue_failed_spans_total')).toBe(0);
  });

  test('gives logs and metrics to both as well', async () => {
    for (const receiver of [observatory, backend]) {
      await receiver.eventually('logs of a trace', () => receiver.logs.some((log) => log.traceId !== ''));
      await receiver.eventually('counted dispatches', () =>
        receiver.metrics.some((metric) => metric.name === 'hotrod.dispatch.count'),
      );
    }
  });

  test('keeps everything for the Observatory, and lets no personal data out', () => {
    const names = new Set(observatory.spans.map((span) => span.attributes['hotrod.customer.name']).filter(Boolean));
    expect(names).toContain("Rachel's Floral Designs");
    const pieces = (receiver: OtlpReceiver) =>
      JSON.stringify([receiver.spans, receiver.logs, receiver.metrics], (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
    expect(pieces(observatory)).toContain('Trom Chocolatier');
    const sent = pieces(backend);
    for (const name of names) expect(sent).not.toContain(JSON.stringify(name).slice(1, -1));
    expect(sent).not.toMatch(/"(client|network\.peer)\.address":"127/); // the rest: redaction.test.ts
  });

  test('gives a hash instead, which still tells customers apart', () => {
    const real = new Map(observatory.spans.map((span) => [span.spanId, span.attributes['hotrod.customer.name']]));
    const pairs = new Set<string>();
    for (const { spanId, attributes } of backend.spans) {
      const hash = attributes['hotrod.customer.name'];
      if (hash === undefined) continue;
      expect(hash).toMatch(/^hash-[0-9a-f]{16}$/);
      pairs.add(`${String(real.get(spanId))} ${String(hash)}`);
    }
    // One hash for each of the customers, whatever service, whatever ride.
    expect(pairs.size).toBe(customers.length);
    expect(new Set([...pairs].map((pair) => pair.split(' ').at(-1))).size).toBe(customers.length);
  });

  test('says who it is to each backend', async () => {
    await expect.poll(() => honeycombGate.headers.length).toBeGreaterThan(0); // its exporter has a queue of its own
    expect(backendGate.headers.length).toBeGreaterThan(0);
    for (const headers of backendGate.headers) expect(headers).toMatchObject({ 'x-api-key': 'abc=', 'x-tenant': '7' });
    for (const headers of honeycombGate.headers) expect(headers).toMatchObject({ 'x-honeycomb-team': 'a-key' });
    for (const headers of observatoryGate.headers) expect(headers).not.toHaveProperty('x-api-key');
  });

  test('makes span metrics with exemplars, and the graph of services', async () => {
    const expected = rounds * customers.length + 1;
    const read = async () => {
      const answer = await fetch(collector.metricsUrl, { headers: { accept: 'application/openmetrics-text' } });
      return (await answer.text()).split('\n');
    };
    const ofDispatches = (lines: string[]) =>
      lines
        .filter((line) => line.startsWith('traces_span_metrics_calls_total{'))
        .filter((line) => line.includes('span_name="GET /dispatch"') && line.includes('span_kind="SPAN_KIND_SERVER"'));
    const count = (lines: string[]) =>
      ofDispatches(lines).reduce((sum, line) => sum + Number(line.replace(/ # .*/, '').split(' ').at(-1)), 0);
    const called = (lines: string[]) =>
      ['customer', 'driver', 'route'].filter((server) =>
        lines.some(
          (line) =>
            /^traces_service_graph_request_total\{.*client="frontend"/.test(line) &&
            line.includes(`server="${server}"`),
        ),
      );
    let lines = await read();
    // Both are told every five seconds, but not in the same ones.
    const enough = () => count(lines) >= expected && called(lines).length === 3;
    for (const deadline = Date.now() + 60_000; Date.now() < deadline && !enough(); lines = await read()) {
      await sleep(250);
    }
    expect(count(lines)).toBe(expected);
    const graph = lines.filter((line) => line.startsWith('traces_service_graph')).join('\n');
    expect(called(lines), graph).toEqual(['customer', 'driver', 'route']);
  });

  test('leads from a metric to a trace by exemplars', async () => {
    // An exemplar is shown until the next ones, five seconds later: what Prometheus has seen by then it keeps.
    const { traceId } = await suite.dispatch(123);
    let text = '';
    for (const deadline = Date.now() + 60_000; Date.now() < deadline && !text.includes(traceId); await sleep(250)) {
      text = await (await fetch(collector.metricsUrl, { headers: { accept: 'application/openmetrics-text' } })).text();
    }
    const line = text.split('\n').find((each) => each.includes(`trace_id="${traceId}"`));
    expect(line).toMatch(/^traces_span_metrics_(duration_seconds_bucket|calls_total)\{.* # \{.*span_id="[0-9a-f]{16}"/);
  });

  test('takes spans of pages on this machine, and of no other', async () => {
    const ask = async (origin: string) => {
      const preflight = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      };
      const answer = await fetch(`${collector.url}/v1/traces`, { method: 'OPTIONS', headers: preflight });
      return answer.headers.get('access-control-allow-origin');
    };
    expect(await ask('http://localhost:8080')).toBe('http://localhost:8080');
    expect(await ask('https://example.com')).toBeNull();
  });

  test('answers a health check that needs no other program in the image', async () => {
    const healthy = await run(contrib ?? '', ['validate', `--config=${collector.healthUrl}`]);
    expect(healthy.code, healthy.output).toBe(0);
    const away = await run(contrib ?? '', ['validate', '--config=http://127.0.0.1:1/']);
    expect(away.code).not.toBe(0);
  });
});

describe.skipIf(!contrib)('metrics of dispatches', () => {
  test('tell customer, release, status and bucket of each dispatch, and nothing of other spans', async () => {
    const collector = await startCollector({ program: contrib ?? '', configs: ['config.yaml', 'sampling-all.yaml'] });
    try {
      const string = (key: string, value: string) => ({ key, value: { stringValue: value } });
      const startNs = BigInt(Date.now() - 1_000) * 1_000_000n;
      let number = 0;
      const span = (kind: number, route: string, customer: string, status: number) => ({
        traceId: '1'.padStart(32, '0'),
        spanId: (++number).toString(16).padStart(16, '0'),
        name: 'GET',
        kind,
        startTimeUnixNano: String(startNs),
        endTimeUnixNano: String(startNs + 700_000_000n),
        status: { code: status >= 500 ? 2 : 0 },
        attributes: [
          string('http.route', route),
          string('hotrod.customer.name', customer),
          string('hotrod.release.customer', '0.1.0+1a2b3c4'),
          { key: 'http.response.status_code', value: { intValue: String(status) } },
        ],
      });
      const of = (service: string, spans: unknown[]) => ({
        resource: { attributes: [string('service.name', service), string('service.version', '1.0.0')] },
        scopeSpans: [{ scope: { name: 'test' }, spans }],
      });
      const dispatches = [
        span(2, '/dispatch', 'Trom Chocolatier', 200),
        span(2, '/dispatch', 'Trom Chocolatier', 200),
        span(2, '/dispatch', 'Trom Chocolatier', 503),
      ];
      const others = [span(2, '/config', 'A', 200), span(3, '/dispatch', 'B', 200)];
      await sendTraces(collector.url, {
        resourceSpans: [of('frontend', [...dispatches, ...others]), of('customer', [span(2, '/dispatch', 'C', 200)])],
      });
      const read = async () => (await (await fetch(collector.metricsUrl)).text()).split('\n');
      const metric = (lines: string[]) => lines.filter((line) => line.startsWith('hotrod_dispatch_'));
      const value = (...parts: string[]) =>
        metric(lines)
          .filter((line) => parts.every((part) => line.includes(part)))
          .map((line) => line.split(' ').at(-1));
      let lines = await read();
      // A new series of calls is zero at first, and counts with the next flush.
      const counted = () => value('hotrod_dispatch_calls_total{').reduce((sum, calls) => sum + Number(calls), 0);
      for (const deadline = Date.now() + 60_000; Date.now() < deadline && counted() < number; await sleep(250)) {
        lines = await read();
      }
      const labels = [
        'http_route="/dispatch"',
        'service_name="frontend"',
        'service_version="1.0.0"',
        'hotrod_customer_name="Trom Chocolatier"',
        'hotrod_release_customer="0.1.0+1a2b3c4"',
      ];
      const failed = ['http_response_status_code="503"', 'status_code="STATUS_CODE_ERROR"'];
      expect(value('hotrod_dispatch_calls_total{', ...labels, 'http_response_status_code="200"')).toEqual(['2']);
      expect(value('hotrod_dispatch_calls_total{', ...labels, ...failed)).toEqual(['1']);
      const bucket = 'hotrod_dispatch_duration_seconds_bucket{';
      expect(value(bucket, ...labels, ...failed, 'le="0.6"')).toEqual(['0']);
      expect(value(bucket, ...labels, ...failed, 'le="0.8"')).toEqual(['1']);
      expect(value('hotrod_dispatch_calls_total{').length).toBe(4); // one more for each service
      expect(metric(lines).join('\n')).not.toMatch(/hotrod_customer_name="[ABC]"|http_route="\/config"/);
    } finally {
      await collector.stop();
    }
  });
});

describe.skipIf(!contrib)('tail sampling', () => {
  const slowMs = 600;
  let observatory: OtlpReceiver;
  let backend: OtlpReceiver;
  let collector: RunningCollector;
  let suite: Suite;

  beforeAll(async () => {
    observatory = await startOtlpReceiver();
    backend = await startOtlpReceiver();
    collector = await startCollector({
      program: contrib ?? '',
      configs: ['config.yaml', 'sampling-tail.yaml'],
      env: {
        OBSERVATORY_ENDPOINT: observatory.url,
        BACKEND_EXPORTERS: '[otlp_http/backend]',
        OTLP_ENDPOINT: backend.url,
        SLOW_TRACE_MS: String(slowMs),
        SAMPLING_PERCENTAGE: '0',
        SAMPLING_WAIT: '5s',
      },
    });
    suite = await startSuite({
      otlpUrl: collector.url,
      // The slow half of the slow customers' rides: a second; all others: hardly anything.
      env: { ...noDelays, CUSTOMER_QUERY_DELAY_MS: '20', CUSTOMER_SLOW_FACTOR: '50' },
    });
  });
  afterAll(async () => {
    await suite?.stop();
    await collector?.stop();
    await Promise.all([observatory, backend].map((each) => each?.close()));
  });

  test('keeps every request that failed and every slow trace, whole, and nothing else', async () => {
    const customers = [...Array.from({ length: 12 }, () => 57319), ...Array.from({ length: 8 }, () => 123)];
    for (let at = 0; at < customers.length; at += 4) {
      await Promise.all(customers.slice(at, at + 4).map((customer) => suite.dispatch(customer)));
    }
    await suite.services.route.stop();
    for (const customer of [392, 567]) expect((await suite.dispatch(customer)).status).toBeGreaterThanOrEqual(500);
    await whole(observatory, customers.length + 2);

    const kept = () => {
      const all = byTrace(observatory.spans);
      const failed = [...all].filter(([, spans]) => spans.some((span) => span.failed && span.kind === 'server'));
      const slow = [...all].filter(([, spans]) => durationMs(spans) >= slowMs);
      const others = [...all].filter((trace) => !failed.includes(trace) && !slow.includes(trace));
      return { failed, slow, others, spans: [...new Set([...failed, ...slow])].flatMap(([, spans]) => spans) };
    };
    await backend.eventually('all that is to be kept', () => backend.spans.length >= kept().spans.length);
    await sleep(6_000); // what is not wanted would come with the last decision

    const { failed, slow, others, spans: wanted } = kept();
    expect(failed.length).toBeGreaterThanOrEqual(2);
    expect(slow.length).toBeGreaterThan(0);
    expect(others.length).toBeGreaterThan(0);
    // Reads that failed and were tried again are no failed request.
    expect(others.some(([, spans]) => spans.some((span) => span.failed))).toBe(true);
    const describeTraces = (spans: readonly ReceivedSpan[]) =>
      [...byTrace(spans)].map(([id, each]) => `${id}: ${each.length} spans, ${durationMs(each)} ms`).toSorted();
    expect(describeTraces(backend.spans)).toEqual(describeTraces(wanted));
  });
});

describe.skipIf(!contrib)('an agent before two gateways', () => {
  test('sends all spans of a trace to the same one, and uses both', async () => {
    const receivers = [await startOtlpReceiver(), await startOtlpReceiver()];
    const gateways: RunningCollector[] = [];
    let agent: RunningCollector | undefined;
    try {
      for (const receiver of receivers) {
        gateways.push(
          await startCollector({
            program: contrib ?? '',
            configs: ['config.yaml', 'sampling-all.yaml'],
            env: { OBSERVATORY_ENDPOINT: receiver.url },
          }),
        );
      }
      agent = await startCollector({
        program: contrib ?? '',
        configs: ['agent.yaml'],
        extra: {
          exporters: {
            // Two addresses on one machine have to differ in their ports, which DNS does not tell.
            loadbalancing: {
              resolver: { dns: null, static: { hostnames: gateways.map(({ grpcPort }) => `127.0.0.1:${grpcPort}`) } },
            },
          },
        },
      });
      const traceIds = Array.from({ length: 40 }, () => randomBytes(16).toString('hex'));
      for (const part of ['a', 'b', 'c']) {
        // Three services report of the same traces, one after the other.
        const answer = await fetch(`${agent.url}/v1/traces`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: traceIds.map((id) => span(id, part)) }] }] }),
        });
        expect(answer.status).toBe(200);
      }
      const received = () => receivers.map((receiver) => byTrace(receiver.spans));
      await receivers[0]?.eventually('all spans', () => receivers.flatMap(({ spans }) => spans).length >= 120);
      const [first, second] = received();
      expect([...(first?.values() ?? []), ...(second?.values() ?? [])].map((spans) => spans.length)).toEqual(
        Array.from({ length: 40 }, () => 3),
      );
      expect(first?.size).toBeGreaterThan(5);
      expect(second?.size).toBeGreaterThan(5);
    } finally {
      await agent?.stop();
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await Promise.all(receivers.map((receiver) => receiver.close()));
    }
  });

  function span(traceId: string, name: string) {
    const now = BigInt(Date.now()) * 1_000_000n;
    return {
      traceId,
      spanId: randomBytes(8).toString('hex'),
      name,
      kind: 1,
      startTimeUnixNano: String(now),
      endTimeUnixNano: String(now + 1_000_000n),
    };
  }
});
