import { setTimeout as sleep } from 'node:timers/promises';

import { startSuite } from '../tests/harness/suite.ts';
import { startGo, wide } from './go-hotrod.ts';
import { loadAtRate, oldCustomers } from './load.ts';
import { servicePids, totalCpuMs } from './process-usage.ts';
import { type Sink, startSink } from './sink.ts';

/** Of each of two suites. Both, their load and Postgres fit on two cores. */
const ratePerSecond = 20;
/** Before the first window: compiles what is hot. */
const warmUpSeconds = 15;
const windows = 4;

interface Runner {
  name: string;
  frontend: string;
  pids: readonly number[];
  customers?: number[];
  stop(): Promise<void>;
}

/**
 * CPU of the four services a dispatch, of two suites that run at the same time. A shared machine is up to a third faster
 * or slower from one minute to the next, which two measurements after each other take for a difference; here it meets both.
 *
 * @param goProgram the original's binary; without it only our own suites are compared.
 */
export async function benchPairs(goProgram: string | undefined, seconds: number): Promise<void> {
  console.log(`\nPairs at the same time (${ratePerSecond} dispatches/s each, ${windows} times ${seconds} s)`);
  const ours = (sink: Sink) => startOurs('ours', sink, true);
  const off = (sink: Sink) => startOurs('ours, telemetry off', sink, false);
  await comparePair(seconds, ours, off);
  if (!goProgram) return;
  const go = async (sink: Sink): Promise<Runner> => ({
    ...(await startGo(goProgram, sink.url)),
    name: 'Go',
    customers: oldCustomers,
  });
  await comparePair(seconds, ours, go);
  await comparePair(seconds, off, go);
}

async function startOurs(name: string, sink: Sink, preload: boolean): Promise<Runner> {
  const suite = await startSuite({ otlpUrl: sink.url, env: wide, preload });
  return {
    name,
    frontend: suite.frontend,
    pids: servicePids(suite),
    stop: suite.stop,
  };
}

async function comparePair(seconds: number, ...starts: ((sink: Sink) => Promise<Runner>)[]): Promise<void> {
  const sink = await startSink();
  const runners: Runner[] = [];
  try {
    for (const start of starts) runners.push(await start(sink));
    await Promise.all(runners.map((runner) => load(runner, warmUpSeconds)));
    const costs: number[][] = [];
    for (let window = 0; window < windows; window += 1) {
      await sleep(2_000); // what came before is exported
      const before = runners.map(({ pids }) => totalCpuMs(pids));
      const sent = await Promise.all(runners.map((runner) => load(runner, seconds)));
      await sleep(2_500); // the last batches cost, too
      costs.push(runners.map((runner, index) => (totalCpuMs(runner.pids) - (before[index] ?? 0)) / (sent[index] ?? 1)));
    }
    const [left, right] = runners.map((runner, index) => ({
      name: runner.name,
      ms: costs.reduce((total, row) => total + (row[index] ?? 0), 0) / windows,
    }));
    const ratios = costs.map(([one = 0, other = 1]) => one / other).toSorted((a, b) => a - b);
    console.log(
      `  ${left?.name} ${left?.ms.toFixed(1)} ms, ${right?.name} ${right?.ms.toFixed(1)} ms: × ${((left?.ms ?? 0) / (right?.ms ?? 1)).toFixed(2)} (${ratios[0]?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)})`,
    );
  } finally {
    for (const runner of runners) await runner.stop();
    await sink.close();
  }
}

/** @returns how many dispatches it sent. */
async function load({ frontend, customers }: Runner, seconds: number): Promise<number> {
  return (await loadAtRate(frontend, ratePerSecond, seconds, customers)).sent;
}
