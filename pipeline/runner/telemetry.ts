/**
 * The run as a trace, by the semantic conventions for CI/CD (https://opentelemetry.io/docs/specs/semconv/cicd/): one
 * span for the run and one for each of its steps.
 */
import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

import { traceparent } from '@hotrod/telemetry/span';

const scope = '@hotrod/pipeline';

/** `cicd.pipeline.result` and `cicd.pipeline.task.run.result`. */
export type TelemetryResult = 'success' | 'failure' | 'error' | 'timeout' | 'cancellation' | 'skip';

/** A span that goes on. */
export interface RunningSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** For the environment of what runs inside of it. */
  readonly traceparent: string;
  /** A step inside of it. */
  task(task: { name: string; id: string; type: string | null; url: string | null }): RunningSpan;
  end(result: TelemetryResult, reason: string | null): void;
}

/** What all spans of a run carry as their resource: `OTEL_RESOURCE_ATTRIBUTES`. */
export function resourceAttributes(run: {
  id: string;
  pipeline: string;
  url: string | null;
  repository: string;
  revision: string;
  branch: string | null;
}): string {
  const attributes = {
    'cicd.pipeline.name': run.pipeline,
    'cicd.pipeline.run.id': run.id,
    'cicd.pipeline.run.url.full': run.url,
    'vcs.repository.url.full': run.repository,
    'vcs.ref.head.revision': run.revision,
    'vcs.ref.head.name': run.branch,
  };
  return Object.entries(attributes)
    .flatMap(([name, value]) => (value === null ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join(',');
}

/**
 * Begins the span of a run; a span without effect if no SDK is loaded.
 *
 * @param parent a `traceparent` of whoever started the run.
 */
export function startRun(pipeline: string, parent: string | undefined): RunningSpan {
  const around = parent ? propagation.extract(ROOT_CONTEXT, { traceparent: parent }) : ROOT_CONTEXT;
  const span = trace
    .getTracer(scope)
    .startSpan(
      `RUN ${pipeline}`,
      { kind: SpanKind.SERVER, attributes: { 'cicd.pipeline.name': pipeline, 'cicd.pipeline.action.name': 'RUN' } },
      around,
    );
  return running(span, 'cicd.pipeline.result');
}

function running(span: Span, resultAttribute: string): RunningSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    traceparent: traceparent(span.spanContext()),
    task({ name, id, type, url }) {
      const task = trace.getTracer(scope).startSpan(
        name,
        {
          kind: SpanKind.INTERNAL,
          attributes: {
            'cicd.pipeline.task.name': name,
            'cicd.pipeline.task.run.id': id,
            ...(type === null ? {} : { 'cicd.pipeline.task.type': type }),
            ...(url === null ? {} : { 'cicd.pipeline.task.run.url.full': url }),
          },
        },
        trace.setSpan(context.active(), span),
      );
      return running(task, 'cicd.pipeline.task.run.result');
    },
    end(result, reason) {
      span.setAttribute(resultAttribute, result);
      if (result !== 'success' && result !== 'skip') {
        span.setAttribute('error.type', result);
        span.setStatus({ code: SpanStatusCode.ERROR, ...(reason === null ? {} : { message: reason }) });
      }
      span.end();
    },
  };
}
