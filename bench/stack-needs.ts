import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { startOtlpReceiver } from '../tests/harness/otlp-receiver.ts';
import { createTemporaryDirectory, findFreePortBase, root } from '../tests/harness/suite.ts';
import { residentMb } from './process-usage.ts';

const services = ['frontend', 'customer', 'driver', 'route'];

interface RunningStack {
  process: ChildProcess;
  stop(): Promise<void>;
}

/** `npm start` without npm: the stack, on ports of its own. */
async function startStack(dataDir: string, args: readonly string[]): Promise<RunningStack> {
  const base = await findFreePortBase();
  const child = spawn(
    process.execPath,
    [join(root, 'stack/main.ts'), '--port-base', String(base), '--data-dir', dataDir, ...args],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      // JSON, so that the receiver in this process can tell traces apart.
      env: { ...process.env, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    process: child,
    async stop() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** The processes below another one, with their command lines. Linux. */
function descendants(pid: number): { pid: number; command: string }[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [
    { pid: child, command: readFileSync(`/proc/${child}/cmdline`, 'utf8').replaceAll('\0', ' ') },
    ...descendants(child),
  ]);
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
    const stack = await startStack(directory.path, ['--otlp-endpoint', receiver.url, ...args]);
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

/** Seconds from the start of the stack to the first complete trace, on a warm install: with and without a database yet. */
export async function benchStart(): Promise<void> {
  console.log('\nFrom start to the first complete trace');
  const directory = createTemporaryDirectory('bench');
  for (const name of ['first start (makes the database)', 'second start']) {
    const receiver = await startOtlpReceiver();
    const start = performance.now();
    const stack = await startStack(directory.path, ['--otlp-endpoint', receiver.url]);
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
