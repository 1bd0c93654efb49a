import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';

import {
  type Context,
  context,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** The spans of a test, in this process. */
export interface SpanRecorder {
  /** The spans that have ended, in that order. */
  spans(): ReadableSpan[];
  /** Runs work in a server span of its own, with the baggage that came with it, and returns that span. */
  inRequest(work: () => Promise<unknown>, baggage?: Readonly<Record<string, string>>): Promise<ReadableSpan>;
  stop(): void;
}

/** Makes the real SDK the global one, until it is stopped, so that a test sees what would be exported. */
export function startSpanRecorder(): SpanRecorder {
  const { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } = createRequire(import.meta.url)(
    '@opentelemetry/sdk-trace',
  ) as typeof import('@opentelemetry/sdk-trace');
  const exporter = new InMemorySpanExporter();
  context.setGlobalContextManager(createContextManager());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  return {
    spans: () => exporter.getFinishedSpans(),
    async inRequest(work, baggage = {}) {
      const entries = Object.fromEntries(Object.entries(baggage).map(([key, value]) => [key, { value }]));
      const came = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage(entries));
      const tracer = trace.getTracer('test');
      const { spanId } = await tracer.startActiveSpan('request', { kind: SpanKind.SERVER }, came, async (span) => {
        await work();
        span.end();
        return span.spanContext();
      });
      const ended = exporter.getFinishedSpans().find((span) => span.spanContext().spanId === spanId);
      if (!ended) throw new Error('The span of the request was not exported');
      return ended;
    },
    stop() {
      trace.disable();
      context.disable();
    },
  };
}

/** A context follows the work that was started in it, also over awaits. */
function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...args) => storage.run(active, () => work.call(self as never, ...args)),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
