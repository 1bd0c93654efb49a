import { noDelays, startSuite } from '../tests/harness/suite.ts';
import { loadAtSaturation } from './load.ts';
import { cpuMs } from './process-usage.ts';
import { startSink } from './sink.ts';

/** How many pages follow the rides in each measurement. */
const readerCounts = [0, 1, 32];
/** How often each number of readers is measured, in turn, so that a busy neighbour disturbs all of them alike. */
const rounds = 4;

/** CPU time of the frontend a dispatch while pages follow its rides, all delays 0, at saturation. */
export async function benchRideEvents(seconds: number, users = 16): Promise<void> {
  console.log(`\nCPU ms a dispatch of the frontend (no delays, ${users} users who never pause, ${seconds} s each)`);
  const sink = await startSink();
  const suite = await startSuite({
    otlpUrl: sink.url,
    env: { ...noDelays, DRIVER_READ_FAILURE_EVERY: '0', DRIVER_RIDE_DURATION_MS: '0', ROUTE_WORKER_POOL_SIZE: '100' },
  });
  const pid = suite.services.frontend.process.pid ?? 0;
  const spent = new Map(readerCounts.map((count) => [count, { cpuMs: 0, dispatches: 0, failed: 0, bytes: 0 }]));
  await loadAtSaturation(suite.frontend, users, 8); // compiles what is hot
  for (let round = 0; round < rounds; round += 1) {
    for (const [count, sum] of spent) {
      const leave = new AbortController();
      const readers = Array.from({ length: count }, () =>
        read(suite.frontend, leave.signal, (bytes) => (sum.bytes += bytes)),
      );
      const before = cpuMs(pid);
      const { sent, failed } = await loadAtSaturation(suite.frontend, users, seconds / rounds);
      sum.cpuMs += cpuMs(pid) - before;
      sum.dispatches += sent;
      sum.failed += failed;
      leave.abort();
      await Promise.all(readers);
    }
  }
  const alone = perDispatch(spent.get(0));
  for (const [count, sum] of spent) {
    const cpu = perDispatch(sum);
    const rate = (sum.dispatches / seconds).toFixed(0);
    const kilobytes = count === 0 ? 0 : sum.bytes / count / sum.dispatches / 1000;
    console.log(
      `  ${String(count).padStart(2)} pages  ${cpu.toFixed(2)} ms  × ${(cpu / alone).toFixed(3)}  ${rate} dispatches/s  ${kilobytes.toFixed(2)} kB a dispatch and page  ${sum.failed} failed`,
    );
  }
  await suite.stop();
  await sink.close();
}

function perDispatch(sum: { cpuMs: number; dispatches: number } | undefined): number {
  return sum === undefined ? Number.NaN : sum.cpuMs / sum.dispatches;
}

/** Follows the rides until `leave` aborts. */
async function read(frontend: string, leave: AbortSignal, onBytes: (count: number) => void): Promise<void> {
  try {
    const response = await fetch(`${frontend}/events`, { signal: leave });
    for await (const chunk of response.body ?? []) onBytes(chunk.length);
  } catch (error) {
    if (!leave.aborted) throw error;
  }
}
