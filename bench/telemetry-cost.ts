import { setTimeout as sleep } from 'node:timers/promises';

import { noDelays, startSuite } from '../tests/harness/suite.ts';
import { loadAtSaturation } from './load.ts';
import { servicePids, totalCpuMs } from './process-usage.ts';
import { type Sink, startSink } from './sink.ts';

type Env = Readonly<Record<string, string>>;

/** As deployed: protobuf, and the queues that the preload sets. */
const exportEnv: Env = {
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  OTEL_BSP_SCHEDULE_DELAY: '1000',
  OTEL_BLRP_SCHEDULE_DELAY: '1000',
  OTEL_METRIC_EXPORT_INTERVAL: '10000',
  DRIVER_READ_FAILURE_EVERY: '0',
  DRIVER_RIDE_DURATION_MS: '0',
  ROUTE_WORKER_POOL_SIZE: '100',
};

const modes: readonly { name: string; preload: boolean; env: Env }[] = [
  { name: 'telemetry off', preload: false, env: {} },
  { name: "OpenTelemetry's preload", preload: true, env: { TELEMETRY: 'stock' } },
  { name: 'traces', preload: true, env: { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' } },
  { name: 'traces, metrics and logs', preload: true, env: {} },
];

/** CPU time of the four services and spans, a dispatch, all delays 0, at saturation. */
export async function benchTelemetryCost(seconds: number, users = 16): Promise<void> {
  console.log(`\nCPU ms a dispatch (four services, no delays, ${users} users who never pause, ${seconds} s)`);
  let off = 0;
  for (const { name, preload, env } of modes) {
    const sink = await startSink();
    const suite = await startSuite({ otlpUrl: sink.url, env: { ...noDelays, ...exportEnv, ...env }, preload });
    await loadAtSaturation(suite.frontend, users, 8); // compiles what is hot
    await sleep(1_500);
    const spansBefore = sink.spans();
    const before = totalCpuMs(servicePids(suite));
    const { sent, failed } = await loadAtSaturation(suite.frontend, users, seconds);
    const cpu = (totalCpuMs(servicePids(suite)) - before) / sent;
    await sleep(2_500);
    const spans = (sink.spans() - spansBefore) / sent;
    off ||= cpu;
    console.log(
      `  ${name.padEnd(26)} ${cpu.toFixed(2)} ms  × ${(cpu / off).toFixed(2)}  ${spans.toFixed(1)} spans  ${failed} failed`,
    );
    await suite.stop();
    await sink.close();
  }
}

/** Dispatches a second at saturation, and spans lost there: started and ended in the services, against arrived. */
export async function benchSaturation(seconds: number): Promise<void> {
  console.log(`\nSaturation (32 users who never pause, ${seconds} s)`);
  for (const delayMs of [0, 100]) {
    const sink = await startSink(delayMs);
    const suite = await startSuite({
      otlpUrl: sink.url,
      env: {
        ...noDelays,
        ...exportEnv,
        OTEL_NODE_EXPERIMENTAL_SDK_METRICS: 'true',
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json',
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
      },
    });
    const { sent, failed, seconds: took } = await loadAtSaturation(suite.frontend, 32, seconds);
    const { ended, received } = await settle(sink);
    console.log(
      `  receiver that takes ${String(delayMs).padStart(3)} ms: ${(sent / took).toFixed(0)} dispatches/s, ${failed} failed, ${ended} spans ended, ${received} received, ${ended - received} lost`,
    );
    await suite.stop();
    await sink.close();
  }
}

/** Waits until queues have run empty: no span has come for three seconds. */
async function settle(sink: Sink): Promise<{ ended: number; received: number }> {
  let last = -1;
  while (sink.spans() !== last) {
    last = sink.spans();
    await sleep(3_000);
  }
  return { ended: sink.sum('otel.sdk.span.started') - sink.sum('otel.sdk.span.live'), received: sink.spans() };
}
