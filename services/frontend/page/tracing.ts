import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context, Span } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { DocumentLoadInstrumentation } from '@opentelemetry/instrumentation-document-load';
import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, StackContextManager, TracerProvider } from '@opentelemetry/sdk-trace';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import {
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_ERROR_TYPE,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_NAMESPACE,
  ATTR_SERVICE_VERSION,
  ATTR_TELEMETRY_SDK_LANGUAGE,
  ATTR_URL_FULL,
  TELEMETRY_SDK_LANGUAGE_VALUE_WEBJS,
} from '@opentelemetry/semantic-conventions';
import type { HotrodAttribute } from '@hotrod/telemetry/attributes';
import type { PageTelemetry, Release, RideSpan } from './telemetry.ts';

/** Spans wait this long for company before they are sent. */
const exportDelayMs = 1_000;
const exportTimeoutMs = 10_000;

/** The names of our own are those of the registry, and of no other. */
type OwnAttributes = Partial<Record<HotrodAttribute, string | number>>;

/** Where the page's spans go: the service that served the page passes them on to the backend. */
const tracesUrl = new URL('v1/traces', document.baseURI).href;

/**
 * Sets up the page's own spans: document load, fetch, and one span a ride. This module is the only one of the page
 * that knows OpenTelemetry, and a chunk of its own, so that the page works even if it cannot be loaded.
 *
 * @param sessionId goes on every span as `session.id`.
 * @param release settles when the release is known (or undefined if it stays unknown); no span is sent before.
 */
export function startTracing(sessionId: string, release: Promise<Release | undefined>): PageTelemetry {
  const exporter = new OTLPTraceExporter({ url: tracesUrl, timeoutMillis: exportTimeoutMs });
  const tracerProvider = new TracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: 'hotrod-page',
      [ATTR_SERVICE_NAMESPACE]: 'hotrod',
      // Tells viewers that a browser speaks: a trace's entry is then the server's span below.
      [ATTR_TELEMETRY_SDK_LANGUAGE]: TELEMETRY_SDK_LANGUAGE_VALUE_WEBJS,
      [ATTR_SERVICE_VERSION]: release.then((known) => known?.release),
      [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: release.then((known) => known?.environment),
      'vcs.ref.head.revision': release.then((known) => known?.revision ?? undefined),
    }),
    spanProcessors: [
      attributeOnEverySpan('session.id', sessionId),
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: exportDelayMs,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  });
  context.setGlobalContextManager(new StackContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  registerInstrumentations({
    tracerProvider,
    instrumentations: [
      new DocumentLoadInstrumentation(),
      new FetchInstrumentation({
        ignoreUrls: [tracesUrl],
        ignoreNetworkEvents: true,
        requestHook: nameByPath,
        applyCustomAttributesOnSpan: (span, _request, result) => {
          // The instrumentation leaves a request that got no answer (aborted, refused) without a status.
          if (result instanceof Response) return;
          span.setAttribute(ATTR_ERROR_TYPE, errorName(result));
          span.setStatus({ code: SpanStatusCode.ERROR, message: result.message });
        },
      }),
    ],
  });
  // The batch processor itself flushes when the page is hidden; some browsers end a page without hiding it first.
  addEventListener('pagehide', () => void tracerProvider.forceFlush().catch(() => {}));

  const tracer = tracerProvider.getTracer('hotrod-page');
  return {
    inDocument: (start) => context.with(documentContext(), start),
    startRide(customer, requestId): RideSpan {
      const span = tracer.startSpan('ride', {
        attributes: {
          'hotrod.client.id': sessionId,
          'hotrod.request.id': requestId,
          'hotrod.customer.id': customer.id,
          'hotrod.customer.name': customer.name,
          'hotrod.customer.location': `${customer.location.x},${customer.location.y}`,
        } satisfies OwnAttributes,
      });
      return {
        traceId: span.spanContext().traceId,
        run: (start) => context.with(trace.setSpan(context.active(), span), start),
        end(end) {
          if ('ride' in end) {
            span.setAttributes({
              'hotrod.driver.id': end.ride.driver.id,
              'hotrod.ride.eta': end.ride.etaSeconds,
            } satisfies OwnAttributes);
          } else {
            span.setAttribute(ATTR_ERROR_TYPE, end.errorType);
            span.setStatus({ code: SpanStatusCode.ERROR, message: end.detail });
          }
          span.end();
        },
      };
    },
  };
}

/** The context of the server's span that served this document: its traceparent stands in a meta element. */
function documentContext(): Context {
  const traceparent = document.querySelector<HTMLMetaElement>('meta[name=traceparent]')?.content ?? '';
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

/** `GET /dispatch` says more than `GET`, and the page knows only a handful of paths. */
function nameByPath(span: Span): void {
  const { attributes } = span as Span & Partial<ReadableSpan>;
  const url = attributes?.[ATTR_URL_FULL];
  if (typeof url === 'string') span.updateName(`GET ${new URL(url).pathname}`);
}

function errorName(error: object): string {
  return 'name' in error && typeof error.name === 'string' ? error.name : '_OTHER';
}

function attributeOnEverySpan(key: string, value: string): SpanProcessor {
  return {
    onStart: (span) => void span.setAttribute(key, value),
    onEnd: () => {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}
