import { context, propagation, SpanStatusCode } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type SpanRecorder, startSpanRecorder } from './span-recorder.ts';
import {
  activeSpan,
  baggageValue,
  currentTraceparent,
  enrich,
  markFailed,
  traceparent,
  withBaggage,
  withSpan,
} from './span.ts';

let recorder: SpanRecorder;
beforeEach(() => {
  recorder = startSpanRecorder();
});
afterEach(() => recorder.stop());

const spans = () => recorder.spans();

describe('traceparent', () => {
  it.each([
    [0, '00'],
    [1, '01'],
    [3, '03'],
    [0xab, 'ab'],
  ])('is version 00 of the W3C format, with the flags %i as two hex digits', (traceFlags, flags) => {
    const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags };
    expect(traceparent(span)).toBe(`00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`);
  });

  it('is that of the active span, and null without one', async () => {
    expect(currentTraceparent()).toBeNull();
    await withSpan('test', 'work', async (span) => {
      const { traceId, spanId } = span.spanContext();
      expect(currentTraceparent()).toBe(`00-${traceId}-${spanId}-01`);
    });
  });
});

describe('withSpan', () => {
  it('runs work in a span that is active in it, and returns what it returns', async () => {
    const result = await withSpan('test', 'work', async (span) => {
      await Promise.resolve();
      expect(activeSpan()).toBe(span);
      return 7;
    });
    expect(result).toBe(7);
    expect(activeSpan()).toBeUndefined();
    expect(spans()).toMatchObject([{ name: 'work', status: { code: SpanStatusCode.UNSET } }]);
  });

  it('makes a span in another its child', async () => {
    await withSpan('test', 'outer', () => withSpan('test', 'inner', async () => {}));
    const [inner, outer] = spans();
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
  });

  it('marks it failed, ends it, and throws on what was thrown', async () => {
    const error = Object.assign(new Error('No.'), { code: 'conflict' });
    await expect(withSpan('test', 'work', () => Promise.reject(error))).rejects.toBe(error);
    expect(spans()).toMatchObject([
      { attributes: { 'error.type': 'conflict' }, status: { code: SpanStatusCode.ERROR, message: 'No.' } },
    ]);
  });

  it('marks it failed, too, when work throws before it returns a promise', async () => {
    const work = () => {
      throw new TypeError('x');
    };
    await expect(withSpan('test', 'work', work)).rejects.toThrow(TypeError);
    expect(spans()).toMatchObject([{ attributes: { 'error.type': 'TypeError' } }]);
  });
});

describe('markFailed', () => {
  it.each([
    [Object.assign(new Error('x'), { code: 'not_found' }), 'not_found', 'x'],
    [Object.assign(new Error('x'), { code: 404 }), 'Error', 'x'],
    [new RangeError('far'), 'RangeError', 'far'],
    ['text', 'string', 'text'],
    [undefined, 'undefined', 'undefined'],
  ])('names the type of %j: %s', async (error, type, message) => {
    await withSpan('test', 'work', async (span) => markFailed(span, error));
    expect(spans()).toMatchObject([{ attributes: { 'error.type': type }, status: { message } }]);
  });
});

describe('enrich', () => {
  it('adds attributes and leaves out what is undefined', async () => {
    await withSpan('test', 'work', async () =>
      enrich(activeSpan(), { 'hotrod.customer.id': 123, 'hotrod.driver.id': undefined, 'session.id': 's' }),
    );
    expect(spans()[0]?.attributes).toEqual({ 'hotrod.customer.id': 123, 'session.id': 's' });
  });

  it('does nothing when telemetry is off', () => {
    expect(() => {
      enrich(undefined, { 'hotrod.customer.id': 1 });
      markFailed(undefined, new Error('x'));
    }).not.toThrow();
  });
});

describe('baggage', () => {
  it('has the entry inside of the work, also later, and not outside', async () => {
    await withBaggage('session.id', 's1', () =>
      withBaggage('hotrod.customer.name', 'Zeal Wheels', async () => {
        await Promise.resolve();
        expect(baggageValue('session.id')).toBe('s1');
        expect(baggageValue('hotrod.customer.name')).toBe('Zeal Wheels');
      }),
    );
    expect(baggageValue('session.id')).toBeUndefined();
  });

  it('keeps what came with the request, and replaces only its own key', () => {
    const came = propagation.createBaggage({ 'session.id': { value: 'old' }, other: { value: 'kept' } });
    context.with(propagation.setBaggage(context.active(), came), () => {
      withBaggage('session.id', 'new', () => {
        expect(baggageValue('session.id')).toBe('new');
        expect(propagation.getActiveBaggage()?.getEntry('other')?.value).toBe('kept');
      });
      expect(baggageValue('session.id')).toBe('old');
    });
  });
});
