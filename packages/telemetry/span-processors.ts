import { propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';

import { baggageKeys } from './attributes.ts';

const nothing = {
  onEnd: () => {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/**
 * Copies the known baggage entries to every server span: in each service the span that receives the request says for
 * whom it works. Only these keys, because strangers may send any baggage they like.
 */
export function createAttributesFromBaggage(): SpanProcessor {
  return {
    ...nothing,
    onStart(span, parentContext) {
      if (span.kind !== SpanKind.SERVER) return;
      const baggage = propagation.getBaggage(parentContext);
      if (!baggage) return;
      for (const key of baggageKeys) {
        const value = baggage.getEntry(key)?.value;
        if (value !== undefined) span.setAttribute(key, value.slice(0, 200));
      }
    },
  };
}

/**
 * Gives a failed statement's span its `error.type`, which instrumentation-pg leaves out: the SQLSTATE, as the semantic
 * conventions for PostgreSQL ask (https://opentelemetry.io/docs/specs/semconv/db/postgresql/).
 */
export function createErrorType(): SpanProcessor {
  return {
    ...nothing,
    onStart: () => {},
    onEnding(span) {
      if (span.status.code !== SpanStatusCode.ERROR || span.attributes['error.type'] !== undefined) return;
      if (span.attributes['db.system.name'] === undefined) return;
      const message = span.events.find((event) => event.name === 'exception')?.attributes?.['exception.message'];
      const state = typeof message === 'string' ? /\(code: (\w+)\)/.exec(message)?.[1] : undefined;
      span.setAttribute('error.type', state ?? '_OTHER');
      if (state) span.setAttribute('db.response.status_code', state);
    },
  };
}
