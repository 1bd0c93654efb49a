import { isUtf8 } from 'node:buffer';

import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import type { AttributeValue } from '../records/attribute-value.ts';
import { createBuilders } from './decoding.ts';
import { encodeProtobuf, plain, type Request } from './fixtures/requests.ts';
import { plainSpans } from './fixtures/span-batches.ts';
import { createJsonDecoders } from './json/request.ts';
import { countItems, createProtobufDecoders } from './protobuf/request.ts';
import { MalformedError } from './malformed-error.ts';

const protobuf = createProtobufDecoders(createBuilders());
const json = createJsonDecoders(createBuilders());

/** A value as OTLP's JSON has it, and as the API tells it. */
interface Value {
  sent: Request;
  told: AttributeValue;
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    '',
    '\u001f',
    'a\u001fb\u001f0\u001e',
    '\u0000',
    '🚕🚕',
    'é',
    "'; DROP TABLE spans; --",
    'GET',
    'x'.repeat(300),
  ),
);
const key = fc.oneof(
  text,
  fc.constantFrom('http.route', 'db.query.text', 'session.id', 'toString', 'constructor', 'a', 'b', 'c'),
);
const toldInteger = (value: bigint): AttributeValue =>
  Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
const toldDouble = (value: number): AttributeValue => (Number.isFinite(value) ? value : String(value));
const scalar: fc.Arbitrary<Value> = fc.oneof(
  text.map((value) => ({ sent: { stringValue: value }, told: value })),
  fc.boolean().map((value) => ({ sent: { boolValue: value }, told: value })),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => ({ sent: { intValue: String(value) }, told: toldInteger(value) })),
  fc.integer().map((value) => ({ sent: { intValue: value }, told: value })),
  fc.double().map((value) => ({
    sent: { doubleValue: Number.isFinite(value) && !Object.is(value, -0) ? value : String(value) },
    told: toldDouble(value),
  })),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => {
    const base64 = Buffer.from(bytes).toString('base64');
    return { sent: { bytesValue: base64 }, told: base64 };
  }),
);
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }).map((values) => ({
      sent: { arrayValue: { values: values.map(({ sent }) => sent) } },
      told: values.map(({ told }) => told),
    })),
    fc.uniqueArray(fc.tuple(text, tie('value')), { maxLength: 3, selector: ([name]) => name }).map((entries) => ({
      sent: { kvlistValue: { values: entries.map(([name, item]) => ({ key: name, value: item.sent })) } },
      told: Object.fromEntries(entries.map(([name, item]) => [name, item.told])),
    })),
  ),
})).value;
const attributes = fc
  .uniqueArray(fc.tuple(key, value), { maxLength: 6, selector: ([name]) => name })
  .map((entries) => ({
    sent: entries.map(([name, item]) => ({ key: name, value: item.sent })),
    told: Object.fromEntries(entries.map(([name, item]) => [name, item.told])),
  }));

const hex = (digits: number) =>
  fc.uint8Array({ minLength: digits / 2, maxLength: digits / 2 }).map((bytes) => {
    bytes[0] = 1;
    return Buffer.from(bytes).toString('hex');
  });
const first2262 = BigInt(Date.UTC(2262, 0)) * 1_000_000n;
const ns = fc.bigInt({ min: 1n, max: first2262 - 1n });
const hundredDays = 100n * 86_400n * 10n ** 9n;

const span = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: fc.oneof(hex(16), fc.constant('')),
  name: text,
  kind: fc.integer({ min: 0, max: 5 }),
  start: fc.bigInt({ min: 1n, max: first2262 - 1n - hundredDays }),
  duration: fc.bigInt({ min: 0n, max: hundredDays }),
  isSetBack: fc.boolean(),
  attributes,
  events: fc.array(fc.record({ time: ns, name: text, attributes }), { maxLength: 2 }),
  links: fc.array(fc.record({ traceId: hex(32), spanId: hex(16), attributes }), { maxLength: 2 }),
  status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text }),
});

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const statuses = ['unset', 'ok', 'error'];

describe('spans', () => {
  it('are the same from protobuf, written by protobufjs, and from JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(span, { maxLength: 4 }),
        attributes,
        text,
        text,
        async (spans, resource, scope, version) => {
          const request = {
            resourceSpans: [
              {
                resource: { attributes: resource.sent },
                scopeSpans: [
                  {
                    scope: { name: scope, version },
                    spans: spans.map((item) => ({
                      traceId: item.traceId,
                      spanId: item.spanId,
                      parentSpanId: item.parentSpanId,
                      name: item.name,
                      kind: item.kind,
                      startTimeUnixNano: String(item.start),
                      endTimeUnixNano: String(item.isSetBack ? item.start / 2n : item.start + item.duration),
                      attributes: item.attributes.sent,
                      events: item.events.map((event) => ({
                        timeUnixNano: String(event.time),
                        name: event.name,
                        attributes: event.attributes.sent,
                      })),
                      links: item.links.map((link) => ({
                        traceId: link.traceId,
                        spanId: link.spanId,
                        attributes: link.attributes.sent,
                      })),
                      status: item.status,
                    })),
                  },
                ],
              },
            ],
          };
          const expected = spans.map((item) => ({
            traceId: item.traceId,
            spanId: item.spanId,
            parentSpanId: item.parentSpanId || null,
            startNs: item.start,
            durationNs: item.isSetBack ? 0n : item.duration,
            name: item.name,
            kind: kinds[item.kind],
            status: statuses[item.status.code],
            statusMessage: item.status.message || null,
            scope: scope === '' ? null : version === '' ? scope : `${scope}@${version}`,
            attributes: item.attributes.told,
            resource: resource.told,
            service:
              typeof resource.told['service.name'] === 'string' ? resource.told['service.name'] : 'unknown_service',
            events: item.events.map((event) => ({
              timeNs: String(event.time),
              name: event.name,
              attributes: event.attributes.told,
            })),
            links: item.links.map((link) => ({
              traceId: link.traceId,
              spanId: link.spanId,
              attributes: link.attributes.told,
            })),
          }));
          const bytes = encodeProtobuf('spans', request);
          for (const decoded of [await protobuf.spans(bytes), await json.spans(Buffer.from(JSON.stringify(request)))]) {
            expect(decoded.rejected).toBe(0);
            const told = plainSpans(decoded.items).map(({ events, links, ...rest }) => {
              return {
                ...rest,
                events: JSON.parse(events ?? '[]') as unknown,
                links: JSON.parse(links ?? '[]') as unknown,
              };
            });
            expect(told).toEqual(JSON.parse(JSON.stringify(expected, bigintText), bigintBack));
          }
          expect(await countItems(bytes)).toBe(spans.length);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('whose ids are not valid are left out and counted, the others kept', async () => {
    const good = { traceId: '01'.repeat(16), spanId: '02'.repeat(8), startTimeUnixNano: '1', endTimeUnixNano: '2' };
    const request = {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                { ...good, traceId: '00'.repeat(16) },
                good,
                { ...good, spanId: 'ab' },
                { ...good, startTimeUnixNano: '18446744073709551615' },
              ],
            },
          ],
        },
      ],
    };
    for (const decoded of [
      await protobuf.spans(encodeProtobuf('spans', request)),
      await json.spans(Buffer.from(JSON.stringify(request))),
    ]) {
      expect(plainSpans(decoded.items).map((item) => item.spanId)).toEqual([good.spanId]);
      expect(decoded).toMatchObject({ rejected: 3, reason: 'its trace id is not 16 bytes that are not all zero' });
    }
  });

  it('with impossible times are rejected', async () => {
    const start = 1_763_712_000_000_000_000n;
    const times: [bigint, bigint][] = [
      [0n, 2n ** 63n - 1n],
      [0n, start],
      [start, start + hundredDays + 1n],
      [first2262, first2262],
      [first2262 - 1n, first2262],
      [start, start + hundredDays],
      [first2262 - 1n, first2262 - 1n],
      [0n, 0n],
      [start, 0n],
    ];
    const spans = times.map(([from, to], index) => ({
      traceId: '01'.repeat(16),
      spanId: `0${index + 1}`.repeat(8),
      startTimeUnixNano: String(from),
      endTimeUnixNano: String(to),
    }));
    const request = { resourceSpans: [{ scopeSpans: [{ spans }] }] };
    for (const decoded of [
      await protobuf.spans(encodeProtobuf('spans', request)),
      await json.spans(Buffer.from(JSON.stringify(request))),
    ]) {
      expect(decoded).toMatchObject({ rejected: 5, reason: 'its end is not before the year 2262' });
      expect(plainSpans(decoded.items).map((item) => [item.startNs, item.durationNs])).toEqual([
        [start, hundredDays],
        [first2262 - 1n, 0n],
        [0n, 0n],
        [start, 0n],
      ]);
    }
  });

  it('keep the first value of a key that comes twice', async () => {
    const twice = [
      { key: 'a', value: { stringValue: 'first' } },
      { key: 'b', value: { intValue: '1' } },
      { key: 'a', value: { intValue: '2' } },
    ];
    const request = {
      resourceSpans: [
        { scopeSpans: [{ spans: [{ traceId: '01'.repeat(16), spanId: '02'.repeat(8), attributes: twice }] }] },
      ],
    };
    const { items } = await protobuf.spans(encodeProtobuf('spans', request));
    expect(plainSpans(items).map((item) => item.attributes)).toEqual([{ a: 'first', b: 1 }]);
  });

  it('keep 64-bit integers that JSON has as numbers', async () => {
    const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${'0A'.repeat(16)}","spanId":"${'0b'.repeat(8)}",
      "startTimeUnixNano":1763712000123456789,"endTimeUnixNano": 1763712000123456790,
      "attributes":[{"key":"n","value":{"intValue":9007199254740993}}]}]}]}]}`;
    const { items } = await json.spans(Buffer.from(body));
    expect(plainSpans(items)).toMatchObject([
      {
        traceId: '0a'.repeat(16),
        startNs: 1_763_712_000_123_456_789n,
        durationNs: 1n,
        attributes: { n: '9007199254740993' },
      },
    ]);
  });

  it('have U+FFFD in place of invalid UTF-8, and their neighbours stay whole', async () => {
    const sent = [
      { key: 'http.route', value: { stringValue: 'XY' } },
      { key: 'other', value: { stringValue: 'XYZ' } },
      { key: 'next', value: { stringValue: 'é' } },
    ];
    const spans = ['ab', 'cd'].map((id) => ({
      traceId: '01'.repeat(16),
      spanId: id.repeat(8),
      name: 'XY',
      attributes: sent,
    }));
    const bytes = encodeProtobuf('spans', { resourceSpans: [{ scopeSpans: [{ spans }] }] });
    // The first byte of a character of two, and one that never is in UTF-8; the second span stays as it is.
    for (let at = bytes.indexOf('XY'), left = 3; left > 0; at = bytes.indexOf('XY', at), left -= 1)
      bytes.set([0xc3, 0xff], at);
    const { items } = await protobuf.spans(bytes);
    expect(isUtf8(items.bytes)).toBe(true);
    expect(plainSpans(items)).toMatchObject([
      {
        name: '\ufffd\ufffd',
        attributes: { 'http.route': '\ufffd\ufffd', other: '\ufffd\ufffdZ', next: 'é' },
      },
      { name: 'XY', attributes: { 'http.route': 'XY', other: 'XYZ', next: 'é' } },
    ]);
  });

  it('are all decoded when they are many', async () => {
    const request = {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: Array.from({ length: 5_000 }, (_, index) => ({
                traceId: '01'.repeat(16),
                spanId: (index + 1).toString(16).padStart(16, '0'),
              })),
            },
          ],
        },
      ],
    };
    const { items } = await protobuf.spans(encodeProtobuf('spans', request));
    expect(plainSpans(items).map((item) => Number.parseInt(item.spanId, 16))).toEqual(
      Array.from({ length: 5_000 }, (_, index) => index + 1),
    );
  });
});

const bigintText = (_key: string, item: unknown): unknown => (typeof item === 'bigint' ? `${item}n` : item);
const bigintBack = (name: string, item: unknown): unknown =>
  /^(start|duration)Ns$/.test(name) ? BigInt(String(item).slice(0, -1)) : item;

describe('logs', () => {
  it('are the same from protobuf and JSON', async () => {
    const request = {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'driver' } }] },
          scopeLogs: [
            {
              scope: { name: 'pino' },
              logRecords: [
                {
                  timeUnixNano: '5',
                  observedTimeUnixNano: '6',
                  severityNumber: 17,
                  severityText: 'error',
                  body: { stringValue: 'no driver 🚕' },
                  attributes: [{ key: 'tries', value: { intValue: '3' } }],
                  traceId: '0a'.repeat(16),
                  spanId: '0b'.repeat(8),
                  eventName: 'driver.lost',
                },
                {
                  observedTimeUnixNano: '7',
                  severityNumber: 10,
                  body: { kvlistValue: { values: [{ key: 'a', value: { doubleValue: 0.5 } }] } },
                },
              ],
            },
          ],
        },
      ],
    };
    for (const decoded of [
      await protobuf.logs(encodeProtobuf('logs', request)),
      await json.logs(Buffer.from(JSON.stringify(request))),
    ]) {
      expect(decoded.items.map(plain)).toEqual([
        {
          timeNs: 5n,
          traceId: '0a'.repeat(16),
          spanId: '0b'.repeat(8),
          severity: 'error',
          severityNumber: 17,
          body: 'no driver 🚕',
          eventName: 'driver.lost',
          scope: 'pino',
          attributes: { tries: 3 },
          resource: { 'service.name': 'driver' },
          service: 'driver',
        },
        {
          timeNs: 7n,
          traceId: null,
          spanId: null,
          severity: 'INFO2',
          severityNumber: 10,
          body: '{"a":0.5}',
          eventName: '',
          scope: 'pino',
          attributes: {},
          resource: { 'service.name': 'driver' },
          service: 'driver',
        },
      ]);
    }
  });
});

describe('metrics', () => {
  const point = { startTimeUnixNano: '1', timeUnixNano: '2', attributes: [{ key: 'k', value: { stringValue: 'v' } }] };
  const request = {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              {
                name: 'g',
                unit: 's',
                gauge: {
                  dataPoints: [
                    { ...point, asDouble: 0.25 },
                    { ...point, asInt: '-9007199254740993' },
                  ],
                },
              },
              {
                name: 's',
                sum: { dataPoints: [{ ...point, asInt: '7' }], aggregationTemporality: 2, isMonotonic: true },
              },
              {
                name: 'h',
                histogram: {
                  dataPoints: [
                    {
                      ...point,
                      count: '3',
                      sum: 4.5,
                      bucketCounts: ['1', '2', '0'],
                      explicitBounds: [0.5, 1],
                      min: 0.1,
                      max: 0.9,
                    },
                  ],
                  aggregationTemporality: 1,
                },
              },
              {
                name: 'e',
                exponentialHistogram: {
                  dataPoints: [
                    {
                      ...point,
                      count: '6',
                      sum: 9,
                      scale: -2,
                      zeroCount: '1',
                      positive: { offset: -3, bucketCounts: ['2', '3'] },
                      negative: { offset: 4, bucketCounts: [] },
                    },
                  ],
                  aggregationTemporality: 2,
                },
              },
              {
                name: 'q',
                summary: {
                  dataPoints: [{ ...point, count: '2', sum: 3, quantileValues: [{ quantile: 0.5, value: 1.5 }] }],
                },
              },
            ],
          },
        ],
      },
    ],
  };

  it('are the same from protobuf and JSON, all five kinds', async () => {
    const fromProtobuf = await protobuf.metrics(encodeProtobuf('metrics', request));
    const fromJson = await json.metrics(Buffer.from(JSON.stringify(request)));
    expect(fromProtobuf.items.map(plain)).toEqual(fromJson.items.map(plain));
    expect(
      fromJson.items.map(
        ({ name, kind, temporality, monotonic, value: number, valueInteger, count, sum, min, max, distribution }) => [
          [name, kind, temporality, monotonic, number, valueInteger, count, sum, min, max],
          JSON.parse(distribution ?? 'null') as unknown,
        ],
      ),
    ).toEqual([
      [['g', 'gauge', null, null, 0.25, null, null, null, null, null], null],
      [['g', 'gauge', null, null, -9_007_199_254_740_992, -9_007_199_254_740_993n, null, null, null, null], null],
      [['s', 'sum', 'cumulative', true, 7, 7n, null, null, null, null], null],
      [['h', 'histogram', 'delta', null, null, null, 3n, 4.5, 0.1, 0.9], { bounds: [0.5, 1], counts: [1, 2, 0] }],
      [
        ['e', 'exponential_histogram', 'cumulative', null, null, null, 6n, 9, null, null],
        { scale: -2, zeroCount: 1, positive: { offset: -3, counts: [2, 3] }, negative: { offset: 4, counts: [] } },
      ],
      [['q', 'summary', null, null, null, null, 2n, 3, null, null], { quantiles: [[0.5, 1.5]] }],
    ]);
    expect(
      fromJson.items.every((item) => item.timeNs === 2n && item.startNs === 1n && plain(item).attributes.k === 'v'),
    ).toBe(true);
  });
});

describe('points', () => {
  it('that are not valid are left out, the others of their metric kept', async () => {
    const dataPoints = ['1', '18446744073709551615', '3'].map((timeUnixNano) => ({ timeUnixNano, asInt: '1' }));
    const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ gauge: { dataPoints } }, {}] }] }] };
    for (const decoded of [
      await protobuf.metrics(encodeProtobuf('metrics', request)),
      await json.metrics(Buffer.from(JSON.stringify(request))),
    ]) {
      expect(decoded).toMatchObject({ rejected: 1, items: [{ timeNs: 1n }, { timeNs: 3n }] });
    }
  });
});

describe('a request of very many', () => {
  /**
   * How often others get the event loop while a request is decoded by a machine that is so slow that each look at the clock
   * ends a slice. How many slices a real machine needs depends on its speed.
   */
  async function turns(decode: () => Promise<unknown>): Promise<number> {
    let nowMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 1_000));
    let count = 0;
    let isOver = false;
    const turn = (): void => {
      count += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    try {
      await decode();
    } finally {
      isOver = true;
      clock.mockRestore();
    }
    return count;
  }

  const nothing = (count: number, field: number): Buffer => Buffer.alloc(2 * count, Buffer.from([field * 8 + 2, 0]));
  const within = (bytes: Buffer, ...fields: number[]): Buffer =>
    fields.reduceRight((inner, field) => {
      const size = Buffer.from([
        (inner.length % 128) | 128,
        ((inner.length >> 7) % 128) | 128,
        ((inner.length >> 14) % 128) | 128,
        inner.length >> 21,
      ]);
      return Buffer.concat([Buffer.from([field * 8 + 2]), size, inner]);
    }, bytes);
  it.each([
    ['resources', () => protobuf.spans(nothing(100_000, 1))],
    ['scopes', () => protobuf.spans(within(nothing(100_000, 2), 1))],
    ['points', () => protobuf.metrics(within(nothing(100_000, 1), 1, 2, 2, 5))],
    ['metrics', () => protobuf.metrics(within(nothing(100_000, 2), 1, 2))],
    ['resources in JSON', () => json.spans(Buffer.from(`{"resourceSpans":[${'{},'.repeat(100_000)}{}]}`))],
    ['members that are not known', () => json.spans(Buffer.from(`{"x":[${'{},'.repeat(2_000_000)}{}]}`))],
  ])('%s lets others have the event loop', { timeout: 60_000 }, async (_name, decode) => {
    expect(await turns(decode)).toBeGreaterThan(5);
  });
});

describe('a long list of numbers', () => {
  const zeros = Array.from({ length: 20_000 }, () => 0);
  it.each([
    ['bounds and counts', { histogram: { dataPoints: [{ bucketCounts: zeros, explicitBounds: zeros }] } }],
    ['buckets', { exponentialHistogram: { dataPoints: [{ positive: { bucketCounts: zeros } }] } }],
  ])('is taken: %s', async (_name, metric) => {
    const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] };
    const { items } = await protobuf.metrics(encodeProtobuf('metrics', request));
    expect(items[0]?.distribution).toContain(`"counts":${JSON.stringify(zeros)}`);
  });
});

describe('bytes that are no request', () => {
  const good = encodeProtobuf('spans', {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: '01'.repeat(16),
                spanId: '02'.repeat(8),
                name: 'n',
                attributes: [{ key: 'k', value: { stringValue: 'v' } }],
              },
            ],
          },
        ],
      },
    ],
  });

  it('are refused or read, and never cause another error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        for (const decode of [protobuf.spans, protobuf.logs, protobuf.metrics, json.spans]) {
          await decode(Buffer.from(bytes)).catch((error: unknown) => expect(error).toBeInstanceOf(MalformedError));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are refused or read when one byte of a valid request is changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), async (position, byte) => {
        const bytes = Buffer.from(good);
        bytes[position] = byte;
        await protobuf.spans(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(MalformedError));
      }),
      { numRuns: 1_000 },
    );
  });

  it('are refused where they are cut off', async () => {
    for (let length = 1; length < good.length; length += 1) {
      await expect(protobuf.spans(good.subarray(0, length))).rejects.toBeInstanceOf(MalformedError);
    }
  });

  it('leave nothing behind for the next request', async () => {
    await expect(protobuf.spans(good.subarray(0, good.length - 1))).rejects.toBeInstanceOf(MalformedError);
    const { items } = await protobuf.spans(
      encodeProtobuf('spans', {
        resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: '01'.repeat(16), spanId: '02'.repeat(8) }] }] }],
      }),
    );
    expect(plainSpans(items).map((item) => item.attributes)).toEqual([{}]);
  });

  const many = <T>(item: T): T[] => Array.from({ length: 60_000 }, () => item);
  it.each([
    ['attributes', { attributes: many({ key: 'k' }) }],
    ['elements', { attributes: [{ key: 'k', value: { arrayValue: { values: many({}) } } }] }],
    ['entries', { attributes: [{ key: 'k', value: { kvlistValue: { values: many({}) } } }] }],
    ['events', { events: many({}) }],
    ['links', { links: many({}) }],
    ['attributes of an event', { events: [{ attributes: many({ key: 'k' }) }] }],
  ])('are refused where an item has tens of thousands of %s', async (_name, item) => {
    const request = { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: '01'.repeat(16), ...item }] }] }] };
    const tooMany = { name: MalformedError.name, message: 'an item holds more than 50000 values' };
    await expect(protobuf.spans(encodeProtobuf('spans', request))).rejects.toMatchObject(tooMany);
    await expect(json.spans(Buffer.from(JSON.stringify(request)))).rejects.toMatchObject(tooMany);
  });

  it('are refused where values are nested without end', async () => {
    let deep: Request = { stringValue: 'x' };
    for (let depth = 0; depth < 36; depth += 1) deep = { arrayValue: { values: [deep] } };
    const request = {
      resourceSpans: [
        {
          scopeSpans: [
            { spans: [{ traceId: '01'.repeat(16), spanId: '02'.repeat(8), attributes: [{ key: 'k', value: deep }] }] },
          ],
        },
      ],
    };
    await expect(protobuf.spans(encodeProtobuf('spans', request))).rejects.toBeInstanceOf(MalformedError);
    await expect(json.spans(Buffer.from(JSON.stringify(request)))).rejects.toBeInstanceOf(MalformedError);
  });

  it.each([
    '',
    'nothing',
    '[]',
    '{"resourceSpans":{}}',
    '{"resourceSpans":[1]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":5}]}]}]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"soon"}]}]}]}',
  ])('are refused as JSON: %s', async (body) => {
    await expect(json.spans(Buffer.from(body))).rejects.toBeInstanceOf(MalformedError);
  });
});
