/**
 * The SDK and the instrumentations, wired once. Only the preload imports this file.
 *
 * The OpenTelemetry packages are required as CommonJS: with import-in-the-middle's synchronous hooks this starts in a
 * third of the time of the asynchronous loader hook, and instruments ES modules all the same.
 */
import { createRequire, register } from 'node:module';

import type { Attributes } from '@opentelemetry/api';
import type { InstrumentationConfigMap } from '@opentelemetry/auto-instrumentations-node';
import type { LogRecordExporter, LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { IMetricReader, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';

import { createClockSkew } from './clock-skew.ts';
import { createReachability, type Reachability, type Signal } from './reachability.ts';
import { batchSettings, positiveSetting } from './batch-settings.ts';
import { automaticAloneKey } from './mode.ts';
import { createInstrumentations, startSdk } from './sdk-parts.ts';
import { createAttributesFromBaggage, createErrorType } from './span-processors.ts';
import { withoutCredentials } from './shown-url.ts';
import { traceparent } from './span.ts';

const require = createRequire(import.meta.url);

type Environment = Readonly<Record<string, string | undefined>>;

/** How long the last export may take when the process ends, in milliseconds. */
const flushDeadlineMs = 2_000;

/**
 * Starts traces, metrics and logs.
 *
 * @returns a function that sends what is queued and stops, within two seconds whatever the backend does.
 */
export function startTelemetry(env: Environment): () => Promise<void> {
  const watch = createExporterWatch(env);
  const sdk = startSdk(env, {
    spanProcessors: [
      createAttributesFromBaggage(),
      createErrorType(),
      createClockSkew(),
      ...spanProcessors(env, watch),
    ],
    metricReaders: metricReaders(env, watch),
    logRecordProcessors: logRecordProcessors(env, watch),
    instrumentations: createInstrumentations(env, instrumentationSettings()),
  });
  return stopWithin(sdk);
}

/**
 * Starts traces alone, without instrumentations, for a program that makes its few spans itself: a fifth of the time to
 * start. The command line is not recorded, because it may hold what nobody should see.
 *
 * @param env where to send them and how: `OTEL_EXPORTER_OTLP_…`, `OTEL_BSP_…`.
 * @param resource what all spans carry; `resourceAttributes` as in `OTEL_RESOURCE_ATTRIBUTES`.
 * @returns as {@link startTelemetry}.
 */
export function startTracingAlone(
  env: Environment,
  resource: { serviceName: string; resourceAttributes: string },
): () => Promise<void> {
  const { envDetector } = require('@opentelemetry/resources') as typeof import('@opentelemetry/resources');
  // The SDK reads the resource from the environment alone.
  process.env['OTEL_SERVICE_NAME'] = resource.serviceName;
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = resource.resourceAttributes;
  const watch = createExporterWatch(env);
  const sdk = startSdk(env, {
    spanProcessors: [createErrorType(), ...spanProcessors(env, watch)],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
    detectors: [envDetector],
  });
  return stopWithin(sdk);
}

/**
 * Starts OpenTelemetry's own preload as its README says to use it, for comparison: every instrumentation of
 * `@opentelemetry/auto-instrumentations-node` with its defaults, and the hook by which it sees ES modules. It adds
 * nothing of ours, and leaves out what the services tell by hand. It ends by itself, at SIGTERM alone.
 */
export function startStockTelemetry(): void {
  // By default it asks the metadata servers of five clouds where it runs. A laptop without network waits for them.
  process.env['OTEL_NODE_RESOURCE_DETECTORS'] ||= 'env,host,os,process';
  Object.assign(globalThis, { [automaticAloneKey]: true });
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
  void require('@opentelemetry/auto-instrumentations-node/register');
}

function stopWithin(sdk: { shutdown(): Promise<void> }): () => Promise<void> {
  return async () => {
    await Promise.race([sdk.shutdown(), new Promise((resolve) => setTimeout(resolve, flushDeadlineMs).unref())]).catch(
      () => {},
    );
  };
}

/** What the instrumentations record, and what they leave out. */
function instrumentationSettings(): InstrumentationConfigMap {
  const quietPath = /^\/(healthz|readyz|v1\/traces|assets\/|events(\?|$))/;
  return {
    '@opentelemetry/instrumentation-http': {
      // Health checks and the page's own telemetry would be most of the traces and say nothing; a stream of events would be
      // a span of many minutes.
      ignoreIncomingRequestHook: (request) => quietPath.test(request.url ?? ''),
      // The OTLP exporters are the only users of node:http as clients.
      disableOutgoingRequestInstrumentation: true,
      // https://www.w3.org/TR/trace-context-2/#traceresponse-header: every answer says which trace it belongs to.
      responseHook: (span, response) => {
        if ('setHeader' in response) response.setHeader('traceresponse', traceparent(span.spanContext()));
      },
    },
    // http.route comes from express; spans for its layers would double the trace and time nothing that we do.
    '@opentelemetry/instrumentation-express': {
      ignoreLayersType: ['router', 'middleware', 'request_handler'] as never,
    },
    '@opentelemetry/instrumentation-undici': {
      requireParentforSpans: true,
      // Our paths hold no ids, so they are as good as a template, and a waterfall of `GET /route` reads better than of `GET`.
      requestHook: (span, { method, path }) => {
        const [template = path, query] = path.split(/\?(.*)/s, 2);
        span.updateName(`${method} ${template}`).setAttribute('url.template', template);
        // The instrumentation keeps the "?", which the semantic conventions and server spans leave out.
        if (query !== undefined) span.setAttribute('url.query', query);
      },
    },
    '@opentelemetry/instrumentation-pg': {
      requireParentSpan: true,
      requestHook: (span, { query }) => span.setAttributes(queryParameters(query.values)),
      responseHook: (span, { data }) => {
        if (typeof data?.rowCount === 'number') span.setAttribute('db.response.returned_rows', data.rowCount);
      },
    },
    '@opentelemetry/instrumentation-runtime-node': { monitoringPrecision: 5_000 },
  };
}

/** `db.query.parameter.<position>`, as the semantic conventions for database spans name them. Bounded in length. */
function queryParameters(values: readonly unknown[] | undefined): Attributes {
  return Object.fromEntries(
    (values ?? []).map((value, index) => [`db.query.parameter.${index}`, String(value).slice(0, 200)]),
  );
}

/** Tells the person who reads the log about the exporters: once when they fail, once when they work again. */
interface ExporterWatch {
  <Items, Exporter extends { export(items: Items, done: (result: { code: number; error?: Error }) => void): void }>(
    signal: keyof typeof otlpPackages,
    exporter: Exporter,
  ): Exporter;
}

function createExporterWatch(env: Environment): ExporterWatch {
  const say = (line: string) =>
    process.stderr.write(
      `${JSON.stringify({ level: 40, time: new Date().toISOString(), service: env['OTEL_SERVICE_NAME'], msg: line })}\n`,
    );
  const backends = new Map<string, Reachability>();
  return (signal, exporter) => {
    const endpoint =
      env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] || env['OTEL_EXPORTER_OTLP_ENDPOINT'] || 'http://localhost:4318';
    const backend = backends.get(endpoint) ?? createReachability(withoutCredentials(endpoint), say);
    backends.set(endpoint, backend);
    const name = signalNames[signal];
    const inner = exporter.export.bind(exporter);
    exporter.export = (items, done) =>
      inner(items, (result) => {
        if (result.code === 0) backend.succeeded(name);
        else backend.failed(name, reasonOf(result.error), isRefusal(result.error));
        // It was told above, once. The SDK's own error handler would repeat it for every batch.
        done({ code: 0 });
      });
    return exporter;
  };
}

function reasonOf(error: (Error & { code?: unknown }) | undefined): string {
  return error?.message || (typeof error?.code === 'string' ? error.code : 'no answer');
}

/** Whether somebody answered and said no: an HTTP status that is not worth a retry, or gRPC's UNIMPLEMENTED. */
function isRefusal(error: (Error & { code?: unknown }) | undefined): boolean {
  const code = error?.code;
  return typeof code === 'number' && (code >= 300 || code === 12);
}

/** `OTEL_<SIGNAL>_EXPORTER`: a list of `otlp` (the default), `console`, `none`. */
function exporterNames(env: Environment, signal: 'TRACES' | 'METRICS' | 'LOGS'): string[] {
  const names = (env[`OTEL_${signal}_EXPORTER`] || 'otlp').split(',').map((name) => name.trim());
  return names.includes('none') ? [] : names;
}

const otlpPackages = {
  TRACES: { infix: 'trace', class: 'OTLPTraceExporter' },
  METRICS: { infix: 'metrics', class: 'OTLPMetricExporter' },
  LOGS: { infix: 'logs', class: 'OTLPLogExporter' },
} as const;

const signalNames: Record<keyof typeof otlpPackages, Signal> = { TRACES: 'traces', METRICS: 'metrics', LOGS: 'logs' };

/** The OTLP exporter of a signal for `OTEL_EXPORTER_OTLP_PROTOCOL`; endpoint, headers, timeout it reads itself. */
function otlpExporter<E>(env: Environment, signal: keyof typeof otlpPackages): E {
  const protocol =
    env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  const suffixes: Record<string, string> = { grpc: 'grpc', 'http/json': 'http', 'http/protobuf': 'proto' };
  const suffix = suffixes[protocol];
  if (!suffix)
    throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}"; it is one of ${Object.keys(suffixes).join(', ')}.`);
  const { infix, class: name } = otlpPackages[signal];
  const exports = require(`@opentelemetry/exporter-${infix}-otlp-${suffix}`) as Record<string, new () => E>;
  const Exporter = exports[name];
  if (!Exporter) throw new Error(`${name} is not in its package`);
  return new Exporter();
}

function spanProcessors(env: Environment, watch: ExporterWatch): SpanProcessor[] {
  const { BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor } =
    require('@opentelemetry/sdk-trace') as typeof import('@opentelemetry/sdk-trace');
  return exporterNames(env, 'TRACES').map((name) =>
    name === 'console'
      ? new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })
      : new BatchSpanProcessor({
          exporter: watch('TRACES', otlpExporter<SpanExporter>(env, 'TRACES')),
          ...batchSettings(env, 'BSP'),
        }),
  );
}

function metricReaders(env: Environment, watch: ExporterWatch): IMetricReader[] {
  const { ConsoleMetricExporter, PeriodicExportingMetricReader } =
    require('@opentelemetry/sdk-metrics') as typeof import('@opentelemetry/sdk-metrics');
  return exporterNames(env, 'METRICS').map(
    (name) =>
      new PeriodicExportingMetricReader({
        exporter:
          name === 'console'
            ? new ConsoleMetricExporter()
            : watch('METRICS', otlpExporter<PushMetricExporter>(env, 'METRICS')),
        exportIntervalMillis: positiveSetting(env, 'OTEL_METRIC_EXPORT_INTERVAL', 10_000),
        exportTimeoutMillis: Math.min(
          positiveSetting(env, 'OTEL_METRIC_EXPORT_INTERVAL', 10_000),
          positiveSetting(env, 'OTEL_METRIC_EXPORT_TIMEOUT', 5_000),
        ),
      }),
  );
}

function logRecordProcessors(env: Environment, watch: ExporterWatch): LogRecordProcessor[] {
  const { BatchLogRecordProcessor, ConsoleLogRecordExporter, SimpleLogRecordProcessor } =
    require('@opentelemetry/sdk-logs') as typeof import('@opentelemetry/sdk-logs');
  return exporterNames(env, 'LOGS').map((name) =>
    name === 'console'
      ? new SimpleLogRecordProcessor({ exporter: new ConsoleLogRecordExporter() })
      : new BatchLogRecordProcessor({
          exporter: watch('LOGS', otlpExporter<LogRecordExporter>(env, 'LOGS')),
          ...batchSettings(env, 'BLRP'),
        }),
  );
}
