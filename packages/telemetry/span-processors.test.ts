import {
  type Attributes,
  type Baggage,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
} from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';

import { createAttributesFromBaggage, createErrorType } from './span-processors.ts';

/** The attributes of a span as they are exported, after the real SDK and our processors. */
function exported(options: { kind?: SpanKind; baggage?: Baggage; work?: (span: Span) => void }): Attributes {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    spanProcessors: [createAttributesFromBaggage(), createErrorType(), new SimpleSpanProcessor({ exporter })],
  });
  const { kind = SpanKind.SERVER, baggage, work } = options;
  const parent = baggage ? propagation.setBaggage(ROOT_CONTEXT, baggage) : ROOT_CONTEXT;
  const span = provider.getTracer('test').startSpan('GET /', { kind }, parent);
  work?.(span);
  span.end();
  const [finished, ...more] = exporter.getFinishedSpans();
  expect(more).toEqual([]);
  return { ...finished?.attributes };
}

const known = { 'session.id': 's1', 'hotrod.request.id': 's1-7', 'hotrod.customer.name': "Rachel's Floral Designs" };
const baggageOf = (entries: Record<string, string>) =>
  propagation.createBaggage(Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, { value }])));

describe('attributes from baggage', () => {
  it('are copied to a server span, for known keys', () => {
    expect(exported({ baggage: baggageOf(known) })).toEqual(known);
  });

  it('are not copied for unknown keys', () => {
    const baggage = baggageOf({ 'session.id': 's1', admin: 'true', 'http.route': '/x', 'hotrod.customer.id': '1' });
    expect(exported({ baggage })).toEqual({ 'session.id': 's1' });
  });

  it.each([SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.PRODUCER, SpanKind.CONSUMER])(
    'are not copied to other kinds of span (%i)',
    (kind) => {
      expect(exported({ kind, baggage: baggageOf(known) })).toEqual({});
    },
  );

  it('are empty without baggage', () => {
    expect(exported({})).toEqual({});
  });

  it('are cut to a bounded length', () => {
    const { 'session.id': id } = exported({ baggage: baggageOf({ 'session.id': 'x'.repeat(5_000) }) });
    expect(id).toBe('x'.repeat(200));
  });
});

describe('the error type of a statement', () => {
  const failure = (message: string | null, attributes: Attributes = { 'db.system.name': 'postgresql' }) =>
    exported({
      kind: SpanKind.CLIENT,
      work(span) {
        span.setAttributes(attributes);
        if (message !== null) span.recordException(new Error(message));
        span.setStatus({ code: SpanStatusCode.ERROR });
      },
    });

  it('is its SQLSTATE', () => {
    expect(failure('canceling statement due to statement timeout (code: 57014)')).toEqual({
      'db.system.name': 'postgresql',
      'db.response.status_code': '57014',
      'error.type': '57014',
    });
  });

  it.each(['Connection terminated', null])('is _OTHER when Postgres gives none: %j', (message) => {
    expect(failure(message)).toEqual({ 'db.system.name': 'postgresql', 'error.type': '_OTHER' });
  });

  it('is kept when it is set already', () => {
    const given = { 'db.system.name': 'postgresql', 'error.type': 'mine' };
    expect(failure('x (code: 57014)', given)).toEqual(given);
  });

  it('is not given to a failed span of something else', () => {
    expect(failure('x (code: 57014)', {})).toEqual({});
  });

  it('is not given to a statement that did not fail', () => {
    const attributes = exported({
      kind: SpanKind.CLIENT,
      work: (span) => void span.setAttribute('db.system.name', 'postgresql'),
    });
    expect(attributes).toEqual({ 'db.system.name': 'postgresql' });
  });
});
