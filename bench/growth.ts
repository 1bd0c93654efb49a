import { setTimeout as sleep } from 'node:timers/promises';

import { startSuite } from '../tests/harness/suite.ts';
import { startGo, wide } from './go-hotrod.ts';
import { type LoadResult, loadAtRate, loadAtSaturation, oldCustomers, quantile } from './load.ts';
import { residentMb, servicePids, totalCpuMs } from './process-usage.ts';
import { startSink } from './sink.ts';

/** How many users order at once. Both suites bear so many without refusing any because a queue is too long. */
const usersAtSaturation = 128;

interface Measured extends LoadResult {
  cpuMsPerDispatch: number;
  residentMb: number;
}

/**
 * How CPU, memory and latency grow with the rate, up to saturation, with traces on and pools so wide that CPU is the
 * limit. The original in Go is measured beside it if its program is given.
 */
export async function benchGrowth(
  goProgram: string | undefined,
  ratesPerSecond: readonly number[],
  seconds: number,
): Promise<void> {
  console.log(`\nGrowth (four services, their delays, traces on, ${seconds} s each)`);
  const sink = await startSink();
  const suite = await startSuite({ otlpUrl: sink.url, env: wide });
  try {
    const pids = servicePids(suite);
    await grow('ours', suite.frontend, pids, undefined);
  } finally {
    await suite.stop();
  }
  if (goProgram) {
    const go = await startGo(goProgram, sink.url);
    try {
      await grow('Go', go.frontend, go.pids, oldCustomers);
    } finally {
      await go.stop();
    }
  }
  await sink.close();

  async function grow(name: string, frontend: string, pids: readonly number[], customers?: number[]): Promise<void> {
    await loadAtRate(frontend, 20, 8, customers); // compiles what is hot
    for (const rate of ratesPerSecond) {
      print(name, `${rate}/s`, await measure(pids, () => loadAtRate(frontend, rate, seconds, customers)));
    }
    print(
      name,
      'saturation',
      await measure(pids, () => loadAtSaturation(frontend, usersAtSaturation, seconds, customers)),
    );
  }
}

async function measure(pids: readonly number[], load: () => Promise<LoadResult>): Promise<Measured> {
  await sleep(3_000); // what came before is exported
  const before = totalCpuMs(pids);
  const result = await load();
  await sleep(2_000); // the last batches cost, too
  return {
    ...result,
    cpuMsPerDispatch: (totalCpuMs(pids) - before) / result.sent,
    residentMb: pids.reduce((sum, pid) => sum + residentMb(pid), 0),
  };
}

function print(name: string, load: string, measured: Measured): void {
  const { sent, failed, seconds, latenciesMs, cpuMsPerDispatch, residentMb: memory } = measured;
  const cells = [
    `  ${name.padEnd(5)} ${load.padStart(10)}`,
    `${((sent - failed) / seconds).toFixed(0).padStart(4)} served a second`,
    `${cpuMsPerDispatch.toFixed(1).padStart(5)} ms CPU a dispatch`,
    `p50 ${quantile(latenciesMs, 0.5).toFixed(0)} ms, p95 ${quantile(latenciesMs, 0.95).toFixed(0)} ms`,
    `${memory.toFixed(0)} MB`,
    `${((100 * failed) / sent).toFixed(1)} % failed`,
  ];
  console.log(cells.join(', '));
}
