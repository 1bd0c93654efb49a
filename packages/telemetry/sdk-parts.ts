/**
 * NodeSDK and auto-instrumentations-node load every exporter, propagator, detector and instrumentation that there is:
 * 760 modules, two thirds of the time that a service takes to start, and 25 MB in each. What the suite uses of them is put
 * together here from the same packages; the two are loaded if the environment asks for something that they alone know.
 */
import { createRequire } from 'node:module';

import type { InstrumentationConfigMap } from '@opentelemetry/auto-instrumentations-node';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { ResourceDetector } from '@opentelemetry/resources';
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';

const require = createRequire(import.meta.url);

type Environment = Readonly<Record<string, string | undefined>>;

/** What an SDK is made of. A signal without a processor or reader is off. */
export interface SdkParts {
  spanProcessors: SpanProcessor[];
  metricReaders: IMetricReader[];
  logRecordProcessors: LogRecordProcessor[];
  instrumentations: Instrumentation[];
  /** Where the resource comes from; all that NodeSDK asks unless it is told otherwise. */
  detectors?: ResourceDetector[];
}

/** An SDK that runs. */
export interface RunningSdk {
  /** Sends what is queued, and stops. */
  shutdown(): Promise<void>;
}

/** Settings that the parts themselves read, or their exporters. Every other setting of OpenTelemetry is for NodeSDK. */
const readByParts =
  /^OTEL_(SDK_DISABLED|SERVICE_NAME|RESOURCE_ATTRIBUTES|(TRACES|METRICS|LOGS)_EXPORTER|EXPORTER_OTLP_\w+|BL?[RS]P_\w+|METRIC_EXPORT_\w+|NODE_(EN|DIS)ABLED_INSTRUMENTATIONS|SEMCONV_STABILITY_OPT_IN)$/;

/** Makes the SDK of these parts the global one. Its resource comes from the environment. */
export function startSdk(env: Environment, parts: SdkParts): RunningSdk {
  const isForNodeSdk = Object.entries(env).some(
    ([name, value]) => name.startsWith('OTEL_') && value && !readByParts.test(name),
  );
  return isForNodeSdk ? startNodeSdk(parts) : startParts(parts);
}

function startNodeSdk(parts: SdkParts): RunningSdk {
  const { NodeSDK } = require('@opentelemetry/sdk-node') as typeof import('@opentelemetry/sdk-node');
  const { detectors, ...others } = parts;
  const sdk = new NodeSDK({ ...others, ...(detectors ? { resourceDetectors: detectors } : {}) });
  sdk.start();
  return sdk;
}

/** As NodeSDK starts them, in its order, with its defaults. */
function startParts(parts: SdkParts): RunningSdk {
  const { context, logs, metrics, propagation, trace } =
    require('@opentelemetry/api') as typeof import('@opentelemetry/api');
  const { AsyncLocalStorageContextManager } =
    require('@opentelemetry/context-async-hooks') as typeof import('@opentelemetry/context-async-hooks');
  const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } =
    require('@opentelemetry/core') as typeof import('@opentelemetry/core');
  const { registerInstrumentations } =
    require('@opentelemetry/instrumentation') as typeof import('@opentelemetry/instrumentation');
  const resources = require('@opentelemetry/resources') as typeof import('@opentelemetry/resources');

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  const detectors = parts.detectors ?? [
    resources.serviceInstanceIdDetector,
    resources.processDetector,
    resources.hostDetector,
    resources.osDetector,
    resources.envDetector,
  ];
  const resource = resources.defaultResource().merge(resources.detectResources({ detectors }));
  const providers: RunningSdk[] = [];
  const { metricReaders, spanProcessors, logRecordProcessors, instrumentations } = parts;
  if (metricReaders.length > 0) {
    const { MeterProvider } = require('@opentelemetry/sdk-metrics') as typeof import('@opentelemetry/sdk-metrics');
    const provider = new MeterProvider({ resource, readers: metricReaders });
    metrics.setGlobalMeterProvider(provider);
    providers.push(provider);
  }
  if (spanProcessors.length > 0) {
    const { TracerProvider } = require('@opentelemetry/sdk-trace') as typeof import('@opentelemetry/sdk-trace');
    const provider = new TracerProvider({ resource, spanProcessors });
    trace.setGlobalTracerProvider(provider);
    providers.push(provider);
  }
  if (logRecordProcessors.length > 0) {
    const { LoggerProvider } = require('@opentelemetry/sdk-logs') as typeof import('@opentelemetry/sdk-logs');
    const provider = new LoggerProvider({ resource, processors: logRecordProcessors });
    logs.setGlobalLoggerProvider(provider);
    providers.push(provider);
  }
  registerInstrumentations({ instrumentations });
  return {
    shutdown: async () => {
      await Promise.all(providers.map((provider) => provider.shutdown()));
    },
  };
}

/**
 * The instrumentations that earn their place, each from the package that auto-instrumentations-node takes it from. If
 * `OTEL_NODE_ENABLED_INSTRUMENTATIONS` or `OTEL_NODE_DISABLED_INSTRUMENTATIONS` says which there are, that package
 * decides, with the same settings.
 */
export function createInstrumentations(env: Environment, settings: InstrumentationConfigMap): Instrumentation[] {
  if (env['OTEL_NODE_ENABLED_INSTRUMENTATIONS'] || env['OTEL_NODE_DISABLED_INSTRUMENTATIONS']) {
    process.env['OTEL_NODE_ENABLED_INSTRUMENTATIONS'] ||= 'http,express,pg,undici,pino,runtime-node';
    const { getNodeAutoInstrumentations } =
      require('@opentelemetry/auto-instrumentations-node') as typeof import('@opentelemetry/auto-instrumentations-node');
    return getNodeAutoInstrumentations(settings);
  }
  const { HttpInstrumentation } =
    require('@opentelemetry/instrumentation-http') as typeof import('@opentelemetry/instrumentation-http');
  const { ExpressInstrumentation } =
    require('@opentelemetry/instrumentation-express') as typeof import('@opentelemetry/instrumentation-express');
  const { PgInstrumentation } =
    require('@opentelemetry/instrumentation-pg') as typeof import('@opentelemetry/instrumentation-pg');
  const { UndiciInstrumentation } =
    require('@opentelemetry/instrumentation-undici') as typeof import('@opentelemetry/instrumentation-undici');
  const { PinoInstrumentation } =
    require('@opentelemetry/instrumentation-pino') as typeof import('@opentelemetry/instrumentation-pino');
  const { RuntimeNodeInstrumentation } =
    require('@opentelemetry/instrumentation-runtime-node') as typeof import('@opentelemetry/instrumentation-runtime-node');
  return [
    new HttpInstrumentation(settings['@opentelemetry/instrumentation-http']),
    new ExpressInstrumentation(settings['@opentelemetry/instrumentation-express']),
    new PgInstrumentation(settings['@opentelemetry/instrumentation-pg']),
    new UndiciInstrumentation(settings['@opentelemetry/instrumentation-undici']),
    new PinoInstrumentation(settings['@opentelemetry/instrumentation-pino']),
    new RuntimeNodeInstrumentation(settings['@opentelemetry/instrumentation-runtime-node']),
  ];
}
