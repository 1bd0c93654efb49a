import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { findFreePort, startSuite } from '../tests/harness/suite.ts';
import { loadAtRate, oldCustomers } from './load.ts';
import { servicePids, totalCpuMs } from './process-usage.ts';
import { startSink } from './sink.ts';

/** Pools wide enough that both suites keep up: CPU is compared, not queues. */
export const wide: Readonly<Record<string, string>> = {
  ROUTE_WORKER_POOL_SIZE: '200',
  DATABASE_POOL_SIZE: '45',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  OTEL_BSP_SCHEDULE_DELAY: '1000',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  // The delays of the maintained original, which this suite is compared with.
  CUSTOMER_QUERY_DELAY_MS: '300',
  CUSTOMER_QUERY_DELAY_DEVIATION_MS: '30',
  CUSTOMER_SLOW_FACTOR: '1',
};

/**
 * The same work by the original, HotROD in Go, as four processes, and by ours: CPU of the services a dispatch, traces on.
 *
 * @param program the original's binary (`github.com/jaegertracing/jaeger/examples/hotrod`).
 */
export async function benchGoHotrod(
  program: string,
  ratesPerSecond: readonly number[],
  seconds: number,
): Promise<void> {
  console.log(`\nBeside HotROD in Go (four processes each, traces over OTLP, ${seconds} s each)`);
  for (const rate of ratesPerSecond) {
    const go = await measureGo(program, rate, seconds);
    const ours = await measureOurs(rate, seconds);
    for (const [name, { cpu, failed, sent, spans, bytes }] of [
      ['Go', go],
      ['ours', ours],
    ] as const) {
      console.log(
        `  ${String(rate).padStart(3)}/s ${name.padEnd(5)} ${cpu.toFixed(2)} ms a dispatch, ${((100 * failed) / sent).toFixed(1)} % failed, ${(spans / sent).toFixed(0)} spans, ${(bytes / sent / 1000).toFixed(1)} kB`,
      );
    }
    console.log(`        ours / Go = ${(ours.cpu / go.cpu).toFixed(2)}`);
  }
}

interface Measured {
  cpu: number;
  failed: number;
  sent: number;
  spans: number;
  /** Of OTLP, uncompressed. */
  bytes: number;
}

async function measure(
  frontend: string,
  pids: readonly number[],
  sink: { spans(): number; traceBytes(): number },
  rate: number,
  seconds: number,
  customers?: number[],
): Promise<Measured> {
  await loadAtRate(frontend, rate, 10, customers);
  await sleep(3_000);
  const spansBefore = sink.spans();
  const bytesBefore = sink.traceBytes();
  const before = totalCpuMs(pids);
  const { sent, failed } = await loadAtRate(frontend, rate, seconds, customers);
  await sleep(6_000); // the last batches cost, too
  const cpu = (totalCpuMs(pids) - before) / sent;
  return { cpu, failed, sent, spans: sink.spans() - spansBefore, bytes: sink.traceBytes() - bytesBefore };
}

async function measureOurs(rate: number, seconds: number): Promise<Measured> {
  const sink = await startSink();
  const suite = await startSuite({ otlpUrl: sink.url, env: wide });
  try {
    return await measure(suite.frontend, servicePids(suite), sink, rate, seconds);
  } finally {
    await suite.stop();
    await sink.close();
  }
}

async function measureGo(program: string, rate: number, seconds: number): Promise<Measured> {
  const sink = await startSink();
  const go = await startGo(program, sink.url);
  try {
    return await measure(go.frontend, go.pids, sink, rate, seconds, oldCustomers);
  } finally {
    await go.stop();
    await sink.close();
  }
}

/** The original's four services, as four processes. */
export async function startGo(
  program: string,
  otlpUrl: string,
): Promise<{ frontend: string; pids: number[]; stop(): Promise<void> }> {
  const names = ['frontend', 'customer', 'driver', 'route'] as const;
  const ports: number[] = [];
  for (const _ of names) ports.push(await findFreePort());
  const [frontend, customer, driver, route] = ports;
  const children: ChildProcess[] = names.map((name) =>
    spawn(
      program,
      [
        name,
        '--frontend-service-port',
        String(frontend),
        '--frontend-service-hostname',
        '127.0.0.1',
        '--customer-service-port',
        String(customer),
        '--customer-service-hostname',
        '127.0.0.1',
        '--driver-service-port',
        String(driver),
        '--driver-service-hostname',
        '127.0.0.1',
        '--route-service-port',
        String(route),
        '--route-service-hostname',
        '127.0.0.1',
        '--fix-disable-db-conn-mutex',
        '--fix-route-worker-pool-size',
        '200',
      ],
      { stdio: 'ignore', env: { PATH: process.env['PATH'], OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl } },
    ),
  );
  await sleep(2_000);
  return {
    frontend: `http://127.0.0.1:${frontend}`,
    pids: children.map((child) => child.pid ?? 0),
    async stop() {
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(
        children.map(
          (child) => new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(null))),
        ),
      );
    },
  };
}
