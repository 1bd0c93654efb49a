import { randomBytes } from 'node:crypto';

import { type Customer, customerSchema } from '@hotrod/customer/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { noDelays, startSuite, type Suite } from '../harness/suite.ts';
import { type Gate, type RunningCollector, startCollector, startGate } from './collector.ts';
import { findTool } from './tools.ts';

const contrib = findTool('otelcol-contrib');

/** One text or number of the export, with where it stands. */
interface Leaf {
  path: string;
  value: string | number | boolean;
}

/** Every value of a document, keys of attributes included, with its path in it. */
function* leaves(value: unknown, path = ''): Generator<Leaf> {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) yield* leaves(each, `${path}[${index}]`);
  } else if (typeof value === 'object' && value !== null) {
    const key = 'key' in value && typeof value.key === 'string' ? `{${value.key}}` : '';
    for (const [name, each] of Object.entries(value)) yield* leaves(each, `${path}${key}.${name}`);
  } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    yield { path, value };
  }
}

const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Base64 of a text wherever it begins within three bytes, less the characters that its neighbours share. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + text)
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(shift === 0 ? 0 : shift + 1, -1);
  });
}

/** A text as it may be written: plain, in URLs (once, twice, with plus signs), in HTML, in hexadecimal, in base64. */
function forms(text: string): string[] {
  const html = text.replaceAll('&', '&amp;').replaceAll("'", '&#39;');
  return [
    text,
    encodeURIComponent(text),
    encodeURIComponent(text).replaceAll("'", '%27'),
    encodeURIComponent(encodeURIComponent(text)),
    encodeURIComponent(text).replaceAll('%20', '+'),
    html,
    html.replaceAll('&#39;', '&apos;'),
    JSON.stringify(text).slice(1, -1),
    text.replaceAll("'", "''"),
    Buffer.from(text).toString('hex'),
    ...base64Forms(text),
  ];
}

/** What tells of a customer: the name, the place, and the id, which is the parameter of a statement. */
function tracesOf({ id, name, location: { x, y } }: Customer): { what: string; pattern: RegExp }[] {
  const between = '(?:[^0-9a-zA-Z]|%2[cC]|%252[cC]|\\.0+|"?y"?)+';
  return [
    { what: 'name', pattern: new RegExp([...new Set(forms(name))].map(escape).join('|'), 'i') },
    { what: 'place', pattern: new RegExp(`(?<![0-9.])${x}${between}${y}(?![0-9])`) },
    { what: 'id', pattern: new RegExp(`(?<![0-9a-zA-Z.:-]|%)${id}(?![0-9a-zA-Z])`) },
  ];
}

/** Numbers that say how much, how long or which process, and may be anybody's id by chance. */
const measures =
  /\{[\w.]*(port|pid|size|duration|eta|distance|count|rows|failures|attempts|candidates|wait\.\w+|status_code|lineno|id\.thread)\}/;
const notAttributes =
  /(traceId|spanId|parentSpanId|UnixNano|dataPoints\[\d+\]\.\w+|bucketCounts\[\d+\]|explicitBounds.*)$/;

/** Where an export tells of a customer, a line each. */
function findings(customer: Customer, all: readonly Leaf[]): string[] {
  const wanted = tracesOf(customer);
  return all.flatMap(({ path, value }) => {
    const text = String(value);
    return wanted
      .filter(({ what, pattern }) => pattern.test(text) && !(what === 'id' && measures.test(path)))
      .map(({ what }) => `${customer.name}: ${what} in ${path.replaceAll(/\[\d+\]/g, '')}: ${text.slice(0, 200)}`);
  });
}

describe.skipIf(!contrib)('what leaves for a backend elsewhere', () => {
  let observatory: OtlpReceiver;
  let backend: OtlpReceiver;
  let observatoryGate: Gate;
  let backendGate: Gate;
  let collector: RunningCollector;
  let suite: Suite;
  let customers: Customer[];

  beforeAll(async () => {
    observatory = await startOtlpReceiver();
    backend = await startOtlpReceiver();
    observatoryGate = await startGate(observatory.url);
    backendGate = await startGate(backend.url);
    collector = await startCollector({
      program: contrib ?? '',
      configs: ['config.yaml', 'sampling-all.yaml'],
      env: {
        OBSERVATORY_ENDPOINT: observatoryGate.url,
        BACKEND_EXPORTERS: '[otlp_http/backend]',
        OTLP_ENDPOINT: backendGate.url,
        REDACTION_SALT: 'of this test',
      },
    });
    // No driver is taken for long: every customer is to have a ride.
    suite = await startSuite({ otlpUrl: collector.url, env: { ...noDelays, DRIVER_RIDE_DURATION_MS: '0' } });
    const config = (await (await fetch(`${suite.frontend}/config`)).json()) as { customers: unknown[] };
    customers = config.customers.map((each) => customerSchema.parse(each));
    const traces: string[] = [];
    for (const { id, name } of customers) {
      const { status, body, traceId } = await suite.dispatch(id, {
        // What a page or a gateway in front of ours may send along.
        baggage: `session.id=s-1,hotrod.customer.name=${encodeURIComponent(name)}`,
      });
      expect(status, JSON.stringify(body)).toBe(200);
      traces.push(traceId);
    }
    for (const customer of customers) await sendPageSpans(customer);
    await sendForeignTelemetry(customers);
    await suite.services.route.stop(); // rides that fail have more to say
    for (const { id } of customers) traces.push((await suite.dispatch(id)).traceId);
    // The Collector has a queue for each.
    for (const receiver of [backend, observatory]) {
      await receiver.eventually('the last rides, and what the page sent', () => {
        const roots = new Set(receiver.spans.filter(({ parentSpanId }) => !parentSpanId).map(({ traceId }) => traceId));
        const page = receiver.spans.filter(({ service }) => service === 'hotrod-page').length;
        return traces.every((id) => roots.has(id)) && page >= customers.length * 2;
      });
      const counted = (name: string) =>
        receiver.metrics.some((metric) => metric.name === name && metric.points.some((point) => point.value > 0));
      await receiver.eventually('metrics', () => counted('hotrod.route.calculation.time'));
      await receiver.eventually('logs', () => receiver.logs.some((log) => log.body === 'A log of a stranger'));
      await receiver.eventually('metrics of a stranger', () => receiver.metrics.some(({ name }) => name === 'rides'));
    }
  });
  afterAll(async () => {
    await suite?.stop();
    await collector?.stop();
    await Promise.all([observatoryGate, backendGate, observatory, backend].map((each) => each?.close()));
  });

  /** The spans that the rides page sends, in its way: through the frontend. */
  async function sendPageSpans({ id, name, location }: Customer): Promise<void> {
    const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
    const answer = await fetch(`${suite.frontend}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', origin: suite.frontend },
      body: JSON.stringify({
        resourceSpans: [
          {
            resource: { attributes: [text('service.name', 'hotrod-page')] },
            scopeSpans: [
              {
                scope: { name: 'hotrod-page' },
                spans: [
                  span('ride', [
                    { key: 'hotrod.customer.id', value: { intValue: id } },
                    text('hotrod.customer.name', name),
                    text('hotrod.customer.location', `${location.x},${location.y}`),
                  ]),
                  span('GET /dispatch', [text('url.full', `${suite.frontend}/dispatch?customer=${id}`)]),
                ],
              },
            ],
          },
        ],
      }),
    });
    expect(answer.status).toBe(200);
  }

  /** The same of other senders, where our own services do not put it today: events, names, bodies, headers. */
  async function sendForeignTelemetry(of: readonly Customer[]): Promise<void> {
    const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
    const personal = ({ id, name, location }: Customer) => [
      text('hotrod.customer.name', name),
      text('hotrod.customer.id', String(id)),
      text('hotrod.customer.location', `${location.x},${location.y}`),
      text('http.target', `/customer?customer=${id}`),
      text('http.url', `http://customer/route?dropoff=${location.x}%2C${location.y}`),
      text('url.query', `customer=${id}&name=${encodeURIComponent(name)}`),
      text('http.request.header.baggage', `hotrod.customer.name=${encodeURIComponent(name)}`),
      text('db.query.parameter.0', String(id)),
      text('db.query.parameter.name', name),
    ];
    const resource = { attributes: [text('service.name', 'stranger')] };
    const urlOf = ({ id }: Customer) => `/customer?customer=${id}`;
    const now = String(BigInt(Date.now()) * 1_000_000n);
    const bodies = {
      traces: {
        resourceSpans: [
          {
            resource,
            scopeSpans: [
              {
                spans: of.map((customer) => ({
                  ...span(`GET ${urlOf(customer)}`, personal(customer)),
                  status: { code: 2, message: `GET http://customer${urlOf(customer)} failed` },
                  events: [{ name: 'exception', timeUnixNano: now, attributes: personal(customer) }],
                })),
              },
            ],
          },
        ],
      },
      logs: {
        resourceLogs: [
          {
            resource,
            scopeLogs: [
              {
                logRecords: of.flatMap((customer) => [
                  {
                    timeUnixNano: now,
                    body: { stringValue: `GET ${urlOf(customer)} was slow` },
                    attributes: [...personal(customer), text('customer', customer.name)],
                  },
                  { timeUnixNano: now, body: { stringValue: 'A log of a stranger' } },
                ]),
              },
            ],
          },
        ],
      },
      metrics: {
        resourceMetrics: [
          {
            resource,
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: 'rides',
                    gauge: {
                      dataPoints: of.map((customer) => ({
                        timeUnixNano: now,
                        asDouble: 1,
                        attributes: personal(customer),
                      })),
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    };
    for (const [signal, body] of Object.entries(bodies)) {
      const answer = await fetch(`${collector.url}/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(answer.status, signal).toBe(200);
    }
  }

  const everything = (gate: Gate) =>
    gate.bodies.flatMap(({ path, json }) => [...leaves(json, path)]).filter(({ path }) => !notAttributes.test(path));

  test('tells of no customer: no name, no place, no parameter, in no encoding, in no signal', () => {
    expect(customers).toHaveLength(32);
    const sent = everything(backendGate);
    expect(new Set(backendGate.bodies.map(({ path }) => path))).toEqual(
      new Set(['/v1/traces', '/v1/metrics', '/v1/logs']),
    );
    const found = customers.flatMap((customer) => findings(customer, sent));
    expect(found.slice(0, 20), `${found.length} in all`).toEqual([]);
    expect(sent.filter(({ path }) => /db\.query\.parameter|header/.test(path))).toEqual([]);
  });

  test('and the search finds each of them in what stays, so it can fail', () => {
    const kept = everything(observatoryGate);
    for (const customer of customers) {
      const found = findings(customer, kept).map((line) => line.slice(customer.name.length + 2).split(' ')[0]);
      expect(new Set(found), customer.name).toEqual(new Set(['name', 'place', 'id']));
    }
  });

  test('keeps what an analysis needs: a hash for each customer, and the shape of each URL', () => {
    const hashes = (key: string) =>
      new Set(backend.spans.map(({ attributes }) => attributes[key]).filter((value) => value !== undefined));
    for (const key of ['hotrod.customer.name', 'hotrod.customer.id']) {
      expect(hashes(key).size, key).toBe(customers.length);
      for (const hash of hashes(key)) expect(hash).toMatch(/^hash-[0-9a-f]{16}$/);
    }
    const urls = new Set(backend.spans.map(({ attributes }) => attributes['url.full']).filter(Boolean));
    expect([...urls].map((url) => String(url).replace(/^http:\/\/[^/]+/, '')).toSorted()).toEqual(
      expect.arrayContaining([
        '/customer?customer=REDACTED',
        '/dispatch?customer=REDACTED',
        '/nearest-drivers?location=REDACTED',
        '/route?pickup=REDACTED&dropoff=REDACTED',
      ]),
    );
  });
});

function span(name: string, attributes: unknown[]) {
  const now = BigInt(Date.now()) * 1_000_000n;
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name,
    kind: 3,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
    attributes,
  };
}
