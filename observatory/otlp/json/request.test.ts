import { describe, expect, it } from 'vitest';

import { createBuilders } from '../decoding.ts';
import { plain } from '../fixtures/requests.ts';
import { plainSpans } from '../fixtures/span-batches.ts';
import { createJsonDecoders } from './request.ts';
import { MalformedError } from '../malformed-error.ts';

const decoders = createJsonDecoders(createBuilders());
const bytes = (request: unknown): Buffer =>
  Buffer.from(typeof request === 'string' ? request : JSON.stringify(request));
const ids = { traceId: '01'.repeat(16), spanId: '02'.repeat(8) };

const malformed = (what: string) => ({
  name: MalformedError.name,
  message: expect.stringMatching(`^${what} is not an? `) as string,
});

async function spansOf(...spans: object[]) {
  const request = { resourceSpans: [{ scopeSpans: [{ spans: spans.map((span) => ({ ...ids, ...span })) }] }] };
  return plainSpans((await decoders.spans(bytes(request))).items);
}
async function attributesOf(...attributes: object[]) {
  const [span] = await spansOf({ attributes });
  return span?.attributes;
}
async function pointsOf(...metrics: object[]) {
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
  return (await decoders.metrics(bytes(request))).items.map(plain);
}

describe('halves of surrogate pairs', () => {
  const halves = [
    { key: '\ud800', value: { stringValue: 'first' } },
    { key: '\udfff', value: { stringValue: 'second' } },
    { key: 'nested', value: { kvlistValue: { values: [{ key: '\ud800', value: { stringValue: 'x\ud800' } }] } } },
    { key: 'whole', value: { stringValue: '🚕' } },
  ];

  it('become U+FFFD before keys are compared', async () => {
    expect(await attributesOf(...halves)).toEqual({
      '\ufffd': 'first',
      nested: { '\ufffd': 'x\ufffd' },
      whole: '🚕',
    });
  });

  it('become U+FFFD in spans, logs, metrics and resources', async () => {
    const [span] = await spansOf({
      name: 'n\ud800',
      status: { message: 'm\udc00' },
      events: [{ name: 'e\ud800', attributes: halves }],
      links: [{ ...ids, attributes: halves }],
    });
    expect(span).toMatchObject({ name: 'n\ufffd', statusMessage: 'm\ufffd' });
    expect(`${span?.events}${span?.links}`).not.toMatch(/\\ud/);
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 's\ud800' } }, ...halves] };
    const { items } = await decoders.logs(
      bytes({
        resourceLogs: [
          {
            resource,
            scopeLogs: [
              {
                scope: { name: 'a\ud800', version: '\ud801' },
                logRecords: [{ severityText: '\ud800', eventName: '\ud800', body: { stringValue: 'b\ud800' } }],
              },
            ],
          },
        ],
      }),
    );
    expect(items.map(plain)).toMatchObject([
      {
        service: 's\ufffd',
        resource: { '\ufffd': 'first' },
        scope: 'a\ufffd@\ufffd',
        severity: '\ufffd',
        eventName: '\ufffd',
        body: 'b\ufffd',
      },
    ]);
    expect(await pointsOf({ name: 'm\ud800', unit: '\ud800', gauge: { dataPoints: [{ asInt: 1 }] } })).toMatchObject([
      { name: 'm\ufffd', unit: '\ufffd' },
    ]);
  });
});

describe('an integer that its type cannot hold', () => {
  const point = (numbers: object): object => ({ name: 'm', histogram: { dataPoints: [numbers] } });
  it.each([
    ['intValue', { attributes: [{ key: 'k', value: { intValue: '9223372036854775808' } }] }],
    ['intValue', { attributes: [{ key: 'k', value: { intValue: '-9223372036854775809' } }] }],
    ['intValue', { attributes: [{ key: 'k', value: { intValue: 0.5 } }] }],
    [
      'intValue',
      { attributes: [{ key: 'k', value: { arrayValue: { values: [{ intValue: '9223372036854775808' }] } } }] },
    ],
    ['timeUnixNano', { events: [{ timeUnixNano: '-5' }] }],
    ['startTimeUnixNano', { startTimeUnixNano: '-1' }],
    ['endTimeUnixNano', { endTimeUnixNano: '18446744073709551616' }],
    ['endTimeUnixNano', { endTimeUnixNano: 1.5 }],
    ['kind', { kind: 2 ** 31 }],
  ])('is no request: %s %j', async (what, span) => {
    await expect(spansOf(span)).rejects.toMatchObject(malformed(what));
  });

  it.each([
    ['asInt', { name: 'm', sum: { dataPoints: [{ asInt: '9223372036854775808' }] } }],
    ['count', point({ count: '-1' })],
    ['count', point({ count: '18446744073709551616' })],
    ['bucketCounts', point({ bucketCounts: ['-1'] })],
    ['zeroCount', point({ zeroCount: '-1' })],
    ['bucketCounts', point({ positive: { bucketCounts: ['18446744073709551616'] } })],
    ['timeUnixNano', point({ timeUnixNano: '-1' })],
  ])('is no request: %s %j', async (what, metric) => {
    await expect(pointsOf(metric)).rejects.toMatchObject(malformed(what));
  });

  it('is none of the largest and the smallest that fit', async () => {
    const most = { intValue: '9223372036854775807' };
    const least = { intValue: '-9223372036854775808' };
    expect(await attributesOf({ key: 'most', value: most }, { key: 'least', value: least })).toEqual({
      most: most.intValue,
      least: least.intValue,
    });
    expect(await pointsOf(point({ count: '18446744073709551615' }))).toMatchObject([{ count: 2n ** 64n - 1n }]);
  });
});

describe('a member that is null', () => {
  it('counts as missing', async () => {
    expect(
      await attributesOf(
        { key: 'a', value: { stringValue: null, intValue: null, boolValue: true } },
        { key: 'b', value: { boolValue: null, doubleValue: 1.5 } },
        { key: 'c', value: { doubleValue: null } },
        { key: 'd', value: { kvlistValue: null } },
        { key: 'e', value: { arrayValue: null, bytesValue: null, stringValue: 'x' } },
        { key: 'f', value: { arrayValue: { values: [{ boolValue: null, intValue: 3 }, { kvlistValue: null }] } } },
        { key: 'g', value: null },
      ),
    ).toEqual({ a: true, b: 1.5, c: null, d: null, e: 'x', f: [3, null], g: null });
    expect(
      await pointsOf({ name: 'm', gauge: null, sum: { dataPoints: [{ asInt: '7', asDouble: null }] }, summary: null }),
    ).toMatchObject([{ kind: 'sum', value: 7, valueInteger: 7n }]);
  });
});

it.each([
  ['stringValue', { stringValue: 5 }],
  ['boolValue', { boolValue: 'true' }],
  ['boolValue', { arrayValue: { values: [{ boolValue: 1 }] } }],
])('a value of another type than it says is no request: %s %j', async (what, value) => {
  await expect(attributesOf({ key: 'k', value })).rejects.toMatchObject(malformed(what));
});
