import { afterEach, describe, expect, it } from 'vitest';

import { automaticAloneKey, isSdkDisabled, readTelemetryMode } from './mode.ts';
import { startSpanRecorder } from './span-recorder.ts';
import { activeSpan, enrich, markFailed, withBaggage, baggageValue, withSpan } from './span.ts';

describe('TELEMETRY', () => {
  it.each([
    [undefined, 'full'],
    ['', 'full'],
    ['off', 'off'],
    ['stock', 'stock'],
    ['full', 'full'],
  ])('%j means %s', (value, mode) => expect(readTelemetryMode(value)).toBe(mode));

  it('says which modes there are where it is none of them', () => {
    expect(() => readTelemetryMode('none')).toThrow('TELEMETRY is "none"; it is one of off, stock, full.');
  });
});

it.each([
  [undefined, false],
  ['', false],
  ['1', false],
  ['false', false],
  ['true', true],
  [' TRUE ', true],
])('OTEL_SDK_DISABLED=%j switches telemetry off: %s', (value, isOff) =>
  expect(isSdkDisabled({ OTEL_SDK_DISABLED: value })).toBe(isOff),
);

describe('with the automatic instrumentation alone', () => {
  const world = globalThis as { [automaticAloneKey]?: true };
  afterEach(() => delete world[automaticAloneKey]);

  it('nothing is told by hand, and the work is done all the same', async () => {
    const recorder = startSpanRecorder();
    world[automaticAloneKey] = true;
    try {
      const span = await recorder.inRequest(async () => {
        enrich(activeSpan(), { 'hotrod.customer.id': 123 });
        markFailed(activeSpan(), new Error('broken'));
        expect(await withSpan('test', 'by hand', () => Promise.resolve(7))).toBe(7);
        await expect(withSpan('test', 'by hand', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
        // Context and baggage travel: propagation is automatic.
        withBaggage('session.id', 's', () => expect(baggageValue('session.id')).toBe('s'));
      });
      expect(span.attributes).toEqual({});
      expect(span.status.code).toBe(0);
      expect(recorder.spans().map(({ name }) => name)).toEqual(['request']);
    } finally {
      recorder.stop();
    }
  });
});
