import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { startOtlpReceiver } from '../tests/harness/otlp-receiver.ts';
import { createTemporaryDirectory, findFreePortBase, root } from '../tests/harness/suite.ts';
import { quantile } from './load.ts';
import { allocatedMib, cpuMs, proportionalMib, residentMb } from './process-usage.ts';
import { slopeOf } from './slope.ts';

const services = ['frontend', 'customer', 'driver', 'route'];

interface RunningStack {
  process: ChildProcess;
  stop(): Promise<void>;
}

/** The command that `npm start` runs. */
const { scripts } = createRequire(import.meta.url)('../package.json') as { scripts: { start: string } };

/** `npm start` without npm, on ports of its own. */
async function startStack(
  dataDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningStack> {
  const base = await findFreePortBase();
  const child = spawn(
    '/bin/sh',
    ['-c', `${scripts.start} "$@"`, 'sh', '--port-base', String(base), '--data-dir', dataDir, ...args],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, ...env },
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // A bench that fails leaves nothing running.
  const stopWithBench = () => child.kill('SIGINT');
  process.once('exit', stopWithBench);
  return {
    process: child,
    async stop() {
      process.off('exit', stopWithBench);
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** JSON, so that the receiver in this process can tell traces apart. */
const json = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };

/** The processes below another one, with their command lines. Linux. */
function descendants(pid: number): { pid: number; command: string }[] {
  const children = readOrEmpty(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [
    { pid: child, command: readOrEmpty(`/proc/${child}/cmdline`).replaceAll('\0', ' ') },
    ...descendants(child),
  ]);
}

/** A file of a process; nothing if that has ended since it was listed, as a backend of Postgres may. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function serviceMemory(stack: RunningStack): Record<string, number> {
  const processes = descendants(stack.process.pid ?? 0);
  return Object.fromEntries(
    services.map((name) => {
      const found = processes.find(({ command }) => command.includes(`services/${name}/main.ts`));
      return [name, found ? residentMb(found.pid) : Number.NaN];
    }),
  );
}

/** Resident memory of each service, idle and under the default load of 5 dispatches a second, telemetry delivered. */
export async function benchMemory(seconds: number): Promise<void> {
  console.log(`\nResident memory, MB (after ${seconds} s each)`);
  for (const [name, args] of [
    ['idle', ['--no-load']],
    ['5 dispatches/s', ['--rate', '5']],
  ] as const) {
    const receiver = await startOtlpReceiver();
    const directory = createTemporaryDirectory('bench');
    const stack = await startStack(directory.path, ['--otlp-endpoint', receiver.url, ...args], json);
    await receiver.eventually('metrics of all services', () =>
      services.every((service) => receiver.metrics.some((metric) => metric.service === service)),
    );
    await sleep(seconds * 1000);
    const row = Object.entries(serviceMemory(stack)).map(
      ([service, megabytes]) => `${service} ${megabytes.toFixed(0)}`,
    );
    console.log(`  ${name.padEnd(15)} ${row.join('  ')}`);
    await stack.stop();
    await receiver.close();
    directory.remove();
  }
}

/** What a command line belongs to. */
function partOf(command: string): string {
  const program = /(?:services\/)?(\w+)\/main\.ts/.exec(command)?.[1];
  if (program) return program;
  if (command.startsWith('/bin/sh')) return 'guard';
  return command.includes('postgres') ? 'Postgres' : command.trim();
}

/** Something of everything that `npm start` runs, added up by part. All of Postgres' processes are one part. */
function byPart(stack: RunningStack, ofProcess: (pid: number) => number): Map<string, number> {
  const parts = new Map<string, number>();
  const main = { pid: stack.process.pid ?? 0, command: 'supervisor' };
  for (const { pid, command } of [main, ...descendants(main.pid)]) {
    const part = partOf(command);
    try {
      parts.set(part, (parts.get(part) ?? 0) + ofProcess(pid));
    } catch {
      // It has ended since it was listed.
    }
  }
  return parts;
}

const median = (numbers: readonly number[]): number =>
  quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

/** How often memory is looked at, milliseconds: an Observatory's goes up and down from one checkpoint to the next. */
const everythingEveryMs = 2_000;

/**
 * Memory and CPU of everything, with the Observatory, at the default load of 5 dispatches a second, in the 20 seconds around
 * the 75th. Memory is a median.
 */
export async function benchEverything(): Promise<void> {
  const directory = createTemporaryDirectory('bench');
  const stack = await startStack(directory.path, ['--rate', '5']);
  await sleep(65_000);
  const looks = new Map<string, number[]>();
  const start = performance.now();
  const cpuBefore = new Map<number, number>();
  byPart(stack, (pid) => {
    cpuBefore.set(pid, cpuMs(pid));
    return 0;
  });
  for (let ms = 0; ms <= 20_000; ms += everythingEveryMs) {
    const parts = byPart(stack, proportionalMib);
    for (const [part, mib] of [...parts, ['in all', sum(parts.values())] as const]) {
      looks.set(part, [...(looks.get(part) ?? []), mib]);
    }
    await sleep(everythingEveryMs);
  }
  const tookMs = performance.now() - start;
  // By process: backends of Postgres end, and take what they used with them.
  const cpu = byPart(stack, (pid) => cpuMs(pid) - (cpuBefore.get(pid) ?? 0));
  await stack.stop();
  directory.remove();
  console.log('\nCPU of everything, % of a core (5 dispatches/s)');
  const shares = [...cpu, ['in all', sum(cpu.values())] as const];
  console.log(`  ${shares.map(([part, ms]) => `${part} ${((100 * ms) / tookMs).toFixed(1)}`).join('  ')}`);
  console.log('\nProportional memory of everything, MiB (medians around 75 s at 5 dispatches/s)');
  const row = [...looks].map(([part, mib]) => `${part} ${median(mib).toFixed(0)}`);
  console.log(`  ${row.join('  ')}`);
}

/**
 * Whether memory grows: what everything that `npm start` runs has allocated, at 20 dispatches a second. The first sixth of
 * the time fills caches and is left out.
 */
export async function benchSoak(minutes: number): Promise<void> {
  console.log(`\nSoak (20 dispatches/s for ${minutes} min; the first sixth is left out)`);
  const directory = createTemporaryDirectory('bench');
  const stack = await startStack(directory.path, ['--rate', '20'], { ROUTE_WORKER_POOL_SIZE: '30' });
  const samples = new Map<string, { x: number; y: number }[]>();
  const start = performance.now();
  const elapsedMinutes = () => (performance.now() - start) / 60_000;
  while (elapsedMinutes() < minutes) {
    await sleep(15_000);
    const at = elapsedMinutes();
    if (at < minutes / 6) continue;
    const parts = byPart(stack, allocatedMib);
    for (const [part, y] of [...parts, ['in all', sum(parts.values())] as const]) {
      const points = samples.get(part) ?? [];
      points.push({ x: at / 60, y });
      samples.set(part, points);
    }
  }
  await stack.stop();
  directory.remove();
  for (const [part, points] of samples) {
    const { slope, error } = slopeOf(points);
    console.log(
      `  ${part.padEnd(12)} ${points[0]?.y.toFixed(0).padStart(4)} MiB, then ${points.at(-1)?.y.toFixed(0).padStart(4)}; ${slope.toFixed(1)} ± ${error.toFixed(1)} MiB an hour`,
    );
  }
}

/** Seconds from the start of the stack to the first complete trace, on a warm install: with and without a database yet. */
export async function benchStart(): Promise<void> {
  console.log('\nFrom start to the first complete trace');
  const directory = createTemporaryDirectory('bench');
  for (const name of ['first start (makes the database)', 'second start']) {
    const receiver = await startOtlpReceiver();
    const start = performance.now();
    const stack = await startStack(directory.path, ['--otlp-endpoint', receiver.url], json);
    await receiver.eventually('a complete trace', () =>
      receiver.spans.some(
        (span) =>
          span.name === 'GET /dispatch' &&
          span.attributes['http.response.status_code'] === 200 &&
          receiver.spans.filter((other) => other.traceId === span.traceId).length >= 44,
      ),
    );
    console.log(`  ${name.padEnd(33)} ${((performance.now() - start) / 1000).toFixed(1)} s`);
    await stack.stop();
    await receiver.close();
  }
  directory.remove();
}
