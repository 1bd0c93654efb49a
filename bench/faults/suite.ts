import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { k6Answers, overloadOutcome } from '@hotrod/loadgen/k6-answers';
import { Pool } from 'undici';

import { findTool } from '../../tests/deploy/tools.ts';
import { createTemporaryDirectory, findFreePortBase, root } from '../../tests/harness/suite.ts';

/** One ride that was ordered. */
interface Ride {
  sentMs: number;
  endedMs: number;
  /** 0 if no answer came. */
  status: number;
  traceId: string | null;
}

/** What came of a fault. */
interface FaultResult {
  name: string;
  rides: Ride[];
  /** When it began, and when the part was free to work again. */
  beganMs: number;
  overMs: number;
}

const ridesPerSecond = 5;
/** A ride of a customer without the planted bug takes 0.8 s. One that takes longer than this is not well. */
const wellWithinMs = 2_500;
const stopSeconds = 20;
const services = ['frontend', 'customer', 'driver', 'route'];
const parts = [...services, 'postgres', 'observatory'];

/** Kills and stops every part of a running suite in turn under load, and prints what became of the rides. */
export async function benchSuiteFaults(only: readonly string[]): Promise<void> {
  const wanted = (name: string) => only.length === 0 || only.some((word) => name.includes(word));
  const names = parts.flatMap((part) => [`kill -9 of ${part}`, `SIGSTOP of ${part}`]);
  if (![...names, 'kill -9 of one backend of Postgres', 'overload'].some(wanted)) return;
  const directory = createTemporaryDirectory('faults');
  const base = await findFreePortBase();
  const stack = await startStack(base, directory.path);
  const frontend = `http://127.0.0.1:${base}`;
  const observatory = `http://127.0.0.1:${base + 8}`;
  const results: FaultResult[] = [];
  try {
    await observe(frontend, 'warm-up', async () => sleep(5_000));
    for (const part of parts) {
      const name = `kill -9 of ${part}`;
      if (wanted(name))
        results.push(await observe(frontend, name, async () => process.kill(pidOf(directory.path, part), 'SIGKILL')));
    }
    const backend = 'kill -9 of one backend of Postgres';
    if (wanted(backend)) {
      const kill = async () => process.kill(backendOf(pidOf(directory.path, 'postgres')), 'SIGKILL');
      results.push(await observe(frontend, backend, kill));
    }
    for (const part of parts) {
      const name = `SIGSTOP of ${part}, ${stopSeconds} s`;
      if (!wanted(name)) continue;
      results.push(
        await observe(frontend, name, async () => {
          const pid = pidOf(directory.path, part);
          process.kill(pid, 'SIGSTOP');
          await sleep(stopSeconds * 1000);
          process.kill(pid, 'SIGCONT');
        }),
      );
    }
    const k6 = findTool('k6');
    if (k6 && wanted('overload')) await benchOverload(k6, frontend, directory.path);
    await sleep(10_000); // the last spans
    await report(results, observatory);
  } finally {
    await stack.stop();
    directory.remove();
  }
}

async function startStack(base: number, dataDir: string): Promise<{ stop(): Promise<void> }> {
  const args = [join(root, 'stack', 'main.ts'), '--no-load', '--port-base', String(base), '--data-dir', dataDir];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.includes('HotROD runs')) resolve();
  });
  void ended.then(() => reject(new Error(`The suite ended: ${output.slice(-1_000)}`)));
  await ready;
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The process of a part now, from the list that the stack keeps in its data directory. */
function pidOf(dataDir: string, part: string): number {
  const { children } = JSON.parse(readFileSync(join(dataDir, 'stack.json'), 'utf8')) as {
    children: { name: string; pid: number }[];
  };
  const child = children.find(({ name }) => name === part);
  if (!child) throw new Error(`${part} does not run`);
  return child.pid;
}

/** A process of Postgres that serves a connection of the customer service. */
function backendOf(postmaster: number): number {
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  const backend = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('customer'));
  if (backend === undefined) throw new Error('No connection of the customer service is open');
  return Number(backend);
}

/** Orders rides at a steady rate before, during and after a fault, until they have been well for a while. */
async function observe(frontend: string, name: string, fault: () => Promise<unknown>): Promise<FaultResult> {
  const pool = new Pool(frontend, { connections: 256 });
  const rides: Ride[] = [];
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const ordering = order(pool).then((ride) => void rides.push(ride));
    open.add(ordering);
    void ordering.finally(() => open.delete(ordering));
  }, 1000 / ridesPerSecond);
  await sleep(2_000);
  const beganMs = performance.now();
  await fault();
  const overMs = performance.now();
  // Well again: for five seconds no ride that was ordered since has failed or was slow.
  for (const giveUpMs = overMs + 60_000; performance.now() < giveUpMs; await sleep(250)) {
    const recent = rides.filter(({ sentMs }) => sentMs > Math.max(overMs, performance.now() - 6_000));
    if (performance.now() > overMs + 6_000 && recent.length > 0 && recent.every(isWell)) break;
  }
  clearInterval(timer);
  await Promise.all(open);
  await pool.destroy();
  console.error(`${name}: ${rides.length} rides, ${rides.filter(({ status }) => status !== 200).length} failed`);
  return { name, rides, beganMs, overMs };
}

const isWell = ({ status, sentMs, endedMs }: Ride) => status === 200 && endedMs - sentMs < wellWithinMs;

async function order(pool: Pool): Promise<Ride> {
  const sentMs = performance.now();
  try {
    const { statusCode, headers, body } = await pool.request({
      method: 'GET',
      path: '/dispatch?customer=123',
      headers: { client: 'bench', baggage: 'session.id=bench' },
      headersTimeout: 30_000,
    });
    await body.dump();
    const trace = typeof headers['traceresponse'] === 'string' ? headers['traceresponse'].split('-')[1] : undefined;
    return { sentMs, endedMs: performance.now(), status: statusCode, traceId: trace ?? null };
  } catch {
    return { sentMs, endedMs: performance.now(), status: 0, traceId: null };
  }
}

async function report(results: readonly FaultResult[], observatory: string): Promise<void> {
  const rows: string[][] = [];
  for (const { name, rides, beganMs, overMs } of results) {
    const ill = rides.filter((ride) => ride.endedMs > beganMs && !isWell(ride));
    // A ride that was ordered before, or while the part stood still, waits for it. So what counts is the last that began.
    const wellMs = ill.reduce((last, { sentMs }) => Math.max(last, sentMs), 0);
    const served = rides.filter(({ status, traceId }) => status === 200 && traceId !== null);
    const slowest = rides.reduce((most, { sentMs, endedMs }) => Math.max(most, endedMs - sentMs), 0);
    const lost = await countLost(observatory, served);
    rows.push([
      name,
      String(rides.length),
      String(rides.filter(({ status }) => status !== 200).length),
      seconds(slowest),
      wellMs > overMs ? seconds(wellMs - overMs) : 'at once',
      `${lost} of ${served.length}`,
    ]);
  }
  console.log(
    table(
      ['fault', 'rides ordered', 'failed', 'slowest answer', 'well again after', 'served, but its trace is lost'],
      rows,
    ),
  );
}

/** How many of the rides that were answered left no root span behind. */
async function countLost(observatory: string, served: readonly Ride[]): Promise<number> {
  let lost = 0;
  for (const { traceId } of served) {
    const answer = await fetch(`${observatory}/api/traces/${traceId}`);
    const text = await answer.text();
    if (answer.status !== 200 || !text.includes('GET /dispatch')) lost += 1;
  }
  return lost;
}

/** Orders three times what the route workers bear, by k6. */
async function benchOverload(program: string, frontend: string, directory: string): Promise<void> {
  const run = (ratePerSecond: number, forSeconds: number) =>
    k6Answers({ program, frontend, ratePerSecond, seconds: forSeconds, directory });
  const capacity = 10; // stack/capacity.ts
  const answers = await run(3 * capacity, 30);
  await sleep(2_000);
  const afterwards = await run(3, 5);
  const outcome = overloadOutcome(answers, 30);
  console.log(
    table(
      ['overload, three times', ''],
      [
        ['rides ordered', String(answers.length)],
        ['served a second, of 10 that the route workers bear', outcome.goodputPerSecond.toFixed(1)],
        ['refused with 503; failed otherwise', `${outcome.refused}; ${outcome.failed}`],
        [
          'refusals: median, 99 %, slowest',
          Object.values(outcome.refusalMs)
            .map((ms) => `${Math.round(ms)} ms`)
            .join(', '),
        ],
        ['slowest answer', seconds(outcome.slowestMs)],
        [
          'two seconds later: slowest ride, failed',
          `${seconds(Math.max(...afterwards.map(({ tookMs }) => tookMs)))}, ${afterwards.filter(({ status }) => status !== 200).length} of ${afterwards.length}`,
        ],
      ],
    ),
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function table(head: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}
