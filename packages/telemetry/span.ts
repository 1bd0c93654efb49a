import {
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

import type { baggageKeys, HotrodAttribute } from './attributes.ts';
import { isAutomaticAlone } from './mode.ts';

/** Attributes of ours with the stable names of the semantic conventions beside them. */
export type SpanAttributes = Partial<
  Record<HotrodAttribute | 'session.id' | 'error.type', string | number | boolean | string[] | undefined>
>;

/** The span that is active now, so that a use case can enrich it later, when another span is active. */
export type { Span } from '@opentelemetry/api';

/** The active span; undefined if telemetry is off. */
export function activeSpan(): Span | undefined {
  return trace.getActiveSpan();
}

/** Adds attributes to a span; nothing happens without one. */
export function enrich(span: Span | undefined, attributes: SpanAttributes): void {
  if (!isAutomaticAlone()) span?.setAttributes(attributes);
}

/**
 * Runs `work` in a span of its own. What it throws is recorded here, once, and thrown on.
 *
 * @param scope the instrumentation scope, a service's package name.
 * @param name one of few: ids are attributes.
 */
export async function withSpan<T>(scope: string, name: string, work: (span: Span) => Promise<T>): Promise<T> {
  if (isAutomaticAlone()) return work(trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
  return trace.getTracer(scope).startActiveSpan(name, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Marks a span failed, with `error.type`: the error's code if it has one, else its name. */
export function markFailed(span: Span | undefined, error: unknown): void {
  if (!span || isAutomaticAlone()) return;
  const type =
    error instanceof Error
      ? 'code' in error && typeof error.code === 'string'
        ? error.code
        : error.name
      : typeof error;
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}

/** One value of the baggage that came with the request. */
export function baggageValue(key: (typeof baggageKeys)[number]): string | undefined {
  return propagation.getActiveBaggage()?.getEntry(key)?.value;
}

/** Runs `work` with one more entry in the baggage, which then travels to every service that `work` asks. */
export function withBaggage<T>(key: (typeof baggageKeys)[number], value: string, work: () => T): T {
  const baggage = propagation.getActiveBaggage() ?? propagation.createBaggage();
  return context.with(propagation.setBaggage(context.active(), baggage.setEntry(key, { value })), work);
}

/** Runs `work` outside every trace: the calls it makes carry neither trace context nor baggage. A fault for practice. */
export function withoutContext<T>(work: () => T): T {
  return context.with(ROOT_CONTEXT, work);
}

/** The active span as a W3C `traceparent`; null if telemetry is off. */
export function currentTraceparent(): string | null {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? traceparent(span) : null;
}

/** W3C Trace Context, version 00: https://www.w3.org/TR/trace-context/#traceparent-header */
export function traceparent(span: { traceId: string; spanId: string; traceFlags: number }): string {
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}
