import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What came of a fault. The numbers count spans, unless a field says otherwise. */
interface Outcome {
  fault: string;
  acknowledged: number;
  lost: number;
  /** Requests that were refused, and sent again later. */
  refused: number;
  /** From the end of the fault until all that was acknowledged is stored and questions are answered, seconds. */
  wellAfter: number;
  remark: string;
}

const main = fileURLToPath(new URL('../../observatory/main.ts', import.meta.url));
const spansPerTrace = 20;
const tracesPerRequest = 100;
const senders = 2;

/**
 * Floods an Observatory beside heavy questions, kills it, and fills its disk, and prints what became of the spans that it
 * acknowledged. Each begins with an empty store. Linux.
 */
export async function benchObservatoryFaults(only: readonly string[]): Promise<void> {
  const faults: Record<string, (directory: string, name: string) => Promise<Outcome>> = {
    'Observatory: flood beside heavy questions, 20 s': flood,
    'Observatory: kill -9 under full load, 6 times': kill,
    'Observatory: full disk for 5 s under full load': fillDisk,
  };
  const outcomes: Outcome[] = [];
  for (const [name, bring] of Object.entries(faults)) {
    if (only.length > 0 && !only.some((word) => name.includes(word))) continue;
    const directory = mkdtempSync(join(tmpdir(), 'observatory-faults-'));
    try {
      outcomes.push(await bring(directory, name));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  if (outcomes.length === 0) return;
  console.log('| fault | spans acknowledged | lost | requests refused | well again after | |');
  console.log('| --- | ---: | ---: | ---: | ---: | --- |');
  for (const { fault, acknowledged, lost, refused, wellAfter, remark } of outcomes) {
    const numbers = [acknowledged, lost, refused].map((number) => number.toLocaleString('en')).join(' | ');
    console.log(`| ${fault} | ${numbers} | ${wellAfter.toFixed(1)} s | ${remark} |`);
  }
  console.log();
}

async function flood(directory: string, fault: string): Promise<Outcome> {
  await using observatory = await startObservatory(directory);
  const load = startLoad(observatory);
  const counts = { answered: 0, late: 0 };
  let longest = 0;
  const asking = new AbortController();
  const ask = async (path: string): Promise<void> => {
    while (!asking.signal.aborted) {
      const answer = await fetch(`${observatory.url}${path}&from=${Date.now() - 3_600_000}&to=${Date.now()}`);
      await answer.arrayBuffer();
      if (answer.ok) counts.answered += 1;
      else counts.late += 1;
      longest = Math.max(longest, await metric(observatory, 'unstored_seconds'));
      if (!answer.ok) await sleep(200);
    }
  };
  const questions = Promise.all([
    ask('/api/compare?scope=spans&minMs=500'),
    ask('/api/breakdown?scope=spans&by=note&by=http.route'),
  ]);
  await sleep(20_000);
  await load.stop();
  asking.abort();
  await questions;
  const wellAfter = await untilStored(observatory, load.acknowledged());
  const lost = load.acknowledged() - (await storedSpans(observatory));
  const remark = `${counts.answered} questions answered, ${counts.late} told to ask again; the oldest span waited ${longest.toFixed(1)} s`;
  return { fault, acknowledged: load.acknowledged(), lost, refused: load.refused(), wellAfter, remark };
}

async function kill(directory: string, fault: string): Promise<Outcome> {
  const total = { acknowledged: 0, lost: 0, refused: 0, wellAfter: 0, seconds: 0 };
  let halfTold = 0;
  let before = 0;
  for (let round = 0; round < 6; round += 1) {
    const observatory = await startObservatory(directory);
    const load = startLoad(observatory);
    await sleep(1_000 + Math.random() * 5_000);
    observatory.child.kill('SIGKILL');
    await load.stop();
    const killedMs = performance.now();
    await using again = await startObservatory(directory);
    total.wellAfter = Math.max(total.wellAfter, (performance.now() - killedMs) / 1000);
    const kept = await countSpans(again, 'spans');
    halfTold += (await countSpans(again, 'roots')) * spansPerTrace === kept ? 0 : 1;
    const lost = Math.max(0, load.acknowledged() - (kept - before));
    total.acknowledged += load.acknowledged();
    total.lost += lost;
    total.refused += load.refused();
    total.seconds = Math.max(total.seconds, load.secondsOfTheLast(lost));
    before = kept;
  }
  const remark = `at most what was acknowledged in the last ${total.seconds.toFixed(1)} s; traces half told after ${halfTold} kills`;
  return { fault, ...total, remark };
}

async function fillDisk(directory: string, fault: string): Promise<Outcome> {
  await using observatory = await startObservatory(directory);
  const load = startLoad(observatory);
  await sleep(3_000);
  // A file that may not grow looks to the process like a full disk.
  const limitTo = (bytes: number | 'unlimited'): void => {
    execFileSync('prlimit', ['--pid', String(observatory.child.pid), `--fsize=${bytes}:unlimited`]);
  };
  limitTo(statSync(join(directory, 'observatory.duckdb')).size + 500_000);
  await sleep(5_000);
  const ready = await fetch(`${observatory.url}/readyz`);
  limitTo('unlimited');
  const freedMs = performance.now();
  while (!(await fetch(`${observatory.url}/readyz`)).ok) await sleep(50);
  const readyAfter = (performance.now() - freedMs) / 1000;
  await sleep(2_000);
  await load.stop();
  const stoppedAfter = await untilStored(observatory, load.acknowledged());
  const lost = load.acknowledged() - (await storedSpans(observatory));
  const remark = `/readyz answered ${ready.status} meanwhile`;
  const wellAfter = readyAfter + stoppedAfter;
  return { fault, acknowledged: load.acknowledged(), lost, refused: load.refused(), wellAfter, remark };
}

interface Observatory extends AsyncDisposable {
  url: string;
  otlp: string;
  child: ChildProcess;
}

async function startObservatory(dataDir: string): Promise<Observatory> {
  // oxlint-disable-next-line node/no-process-env -- a child gets what we have, but for its own settings
  const env = {
    ...process.env,
    OBSERVATORY_DATA_DIR: dataDir,
    OBSERVATORY_PORT: '0',
    OBSERVATORY_OTLP_PORT: '0',
    OBSERVATORY_OTLP_GRPC_PORT: '0',
  };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const { url, otlp } = await new Promise<{ url: string; otlp: string }>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output === 'listening') return;
      output += String(chunk);
      const line = /^.*"msg":"Listening".*$/m.exec(output)?.[0];
      if (line === undefined) return;
      output = 'listening';
      resolve(JSON.parse(line) as { url: string; otlp: string });
    });
    void ended.then(() => reject(new Error(`the Observatory did not start:\n${output}`)));
  });
  return {
    url,
    otlp,
    child,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Sends traces, each whole in one request, as fast as they are taken, until it is stopped or nobody answers. */
function startLoad({ otlp }: Observatory) {
  const acknowledgedMs: number[] = [];
  let refused = 0;
  const over = new AbortController();
  const send = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const body = request();
      for (let taken = false; !taken && !over.signal.aborted;) {
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(`${otlp}/v1/traces`, { method: 'POST', headers, body }).catch(() => null);
        if (!answer) return;
        await answer.arrayBuffer().catch(() => undefined);
        taken = answer.ok;
        if (taken) acknowledgedMs.push(performance.now());
        else {
          refused += 1;
          await sleep(100);
        }
      }
    }
  };
  const sending = Promise.all(Array.from({ length: senders }, send));
  return {
    acknowledged: () => acknowledgedMs.length * tracesPerRequest * spansPerTrace,
    refused: () => refused,
    /** How many seconds the last so many spans took to be acknowledged. */
    secondsOfTheLast(spans: number): number {
      const requests = Math.ceil(spans / (tracesPerRequest * spansPerTrace));
      if (requests === 0) return 0;
      return ((acknowledgedMs.at(-1) ?? 0) - (acknowledgedMs.at(-requests) ?? 0)) / 1000;
    },
    async stop() {
      over.abort();
      await sending;
    },
  };
}

let lastId = Math.floor(Math.random() * 2 ** 40);

function request(): string {
  const hex = (id: number, digits: number): string => id.toString(16).padStart(digits, '0');
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const spans = Array.from({ length: tracesPerRequest }, () => {
    const traceId = hex((lastId += 1), 32);
    const first = lastId + 1;
    return Array.from({ length: spansPerTrace }, (_, index) => {
      const id = (lastId += 1);
      const text = { 'http.route': `/route/${id % 9}`, note: `note ${id}`, 'db.query.text': `SELECT ${id % 40}` };
      return {
        traceId,
        spanId: hex(id, 16),
        ...(index > 0 && { parentSpanId: hex(first, 16) }),
        name: `work ${index}`,
        kind: index === 0 ? 2 : 1,
        startTimeUnixNano: String(nowNs),
        endTimeUnixNano: String(nowNs + BigInt(1 + (id % 1_000)) * 1_000_000n),
        attributes: Object.entries(text).map(([key, stringValue]) => ({ key, value: { stringValue } })),
      };
    });
  }).flat();
  const service = [{ key: 'service.name', value: { stringValue: 'flood' } }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: service }, scopeSpans: [{ spans }] }] });
}

async function metric({ url }: Observatory, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`observatory_${name} `));
  return Number(line?.split(' ')[1] ?? 0);
}

const storedSpans = (observatory: Observatory): Promise<number> =>
  metric(observatory, 'stored_items_total{signal="spans"}');

/** How long it takes until so many spans are stored and a question is answered at once, seconds; a minute at most. */
async function untilStored(observatory: Observatory, spans: number): Promise<number> {
  const beganMs = performance.now();
  const since = (): number => (performance.now() - beganMs) / 1000;
  while ((await storedSpans(observatory)) < spans && since() < 60) await sleep(50);
  while (since() < 60) {
    const askedMs = performance.now();
    if ((await fetch(`${observatory.url}/api/traces?limit=1`)).ok && performance.now() - askedMs < 500) break;
    await sleep(50);
  }
  return since();
}

async function countSpans({ url }: Observatory, scope: string): Promise<number> {
  const range = `from=${Date.now() - 3_600_000}&to=${Date.now() + 60_000}`;
  const answer = await fetch(`${url}/api/heatmap?scope=${scope}&${range}`);
  return ((await answer.json()) as { total: number }).total;
}
