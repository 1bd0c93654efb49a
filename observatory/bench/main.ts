/**
 * Measures the Observatory: `node observatory/bench/main.ts [--spans 10000000] [--runs 15]`. Sends synthetic rides
 * through the receiver, as exporters would, until that many spans are stored, and asks its questions at each power of
 * ten on the way. Writes Markdown tables; the README holds those of one run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { readCommandLine } from '@hotrod/kit/command-line';

import { type ObservatoryProcess, startObservatoryProcess } from './observatory-process.ts';
import { createRides, spansPerRide } from './rides.ts';

const { values: args } = readCommandLine('bench:observatory', {
  help: `How fast the Observatory takes in spans, and how fast it answers.

  npm run bench:observatory [-- OPTIONS]

  --spans N           how many are stored in the end (default 10000000)
  --runs N            how often each question is asked (default 15)
  --ingest-spans N    how many are sent to measure the intake (default 500000)
  --help              this text`,
  options: {
    spans: { type: 'string', default: '10000000' },
    runs: { type: 'string', default: '15' },
    'ingest-spans': { type: 'string', default: '500000' },
  },
});
const total = Number(args.spans);
const runs = Number(args.runs);

/** Rides of the stored data a second: 10 million spans are then two hours. */
const ridesPerSecond = 70;
const ridesPerRequest = 400;
const rssEveryMs = 500;

interface Question {
  name: string;
  path(context: { fromMs: number; toMs: number; traceId: string }): string;
  targetMs: number | null;
}
const range = (from: number, to: number): string => `from=${Math.floor(from)}&to=${Math.ceil(to)}`;
const questions: Question[] = [
  {
    name: 'heatmap of 30 min, roots',
    path: ({ toMs }) => `/api/heatmap?${range(toMs - 1_800_000, toMs)}`,
    targetMs: 60,
  },
  {
    name: 'compare, all roots',
    path: ({ fromMs, toMs }) => `/api/compare?${range(fromMs, toMs)}&minMs=1500`,
    targetMs: 250,
  },
  {
    name: 'breakdown, all roots',
    path: ({ fromMs, toMs }) => `/api/breakdown?${range(fromMs, toMs)}&by=hotrod.customer.name`,
    targetMs: 60,
  },
  { name: 'trace by id', path: ({ traceId }) => `/api/traces/${traceId}`, targetMs: 20 },
  {
    name: 'compare, all spans',
    path: ({ fromMs, toMs }) => `/api/compare?${range(fromMs, toMs)}&scope=spans&minMs=1500`,
    targetMs: 3_000,
  },
];

type Rides = ReturnType<typeof createRides>;

const directory = await mkdtemp(join(tmpdir(), 'observatory-bench-'));
try {
  console.log(
    `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, ${total.toLocaleString('en')} spans\n`,
  );
  await measureIngest(Number(args['ingest-spans']));
  await measureQueries();
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** Sends rides until `spans` were acknowledged, as fast as they are taken, by several senders as services would. */
async function send(observatory: ObservatoryProcess, rides: Rides, spans: number): Promise<{ refusals: number }> {
  let left = spans;
  let refusals = 0;
  async function sender(): Promise<void> {
    while (left > 0) {
      left -= ridesPerRequest * spansPerRide;
      for (const { body } of rides.requests(ridesPerRequest)) refusals += await post(observatory, body);
    }
  }
  await Promise.all([sender(), sender()]);
  return { refusals };
}

/** Sends a request until it is taken; tells how often it was refused. */
async function post(observatory: ObservatoryProcess, body: Buffer): Promise<number> {
  for (let refusals = 0; ; refusals += 1) {
    const answer = await fetch(`${observatory.otlpUrl}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(body),
    });
    await answer.arrayBuffer();
    if (answer.status === 200) return refusals;
    if (answer.status !== 429) throw new Error(`the receiver answered ${answer.status}`);
    await setTimeout(100);
  }
}

async function stored(observatory: ObservatoryProcess, spans: number): Promise<void> {
  while ((await observatory.metric('stored_items_total')) < spans) await setTimeout(50);
}

/**
 * Spans a second through one core. The requests are made before the measurement, so that the sender costs as little as
 * possible.
 */
async function measureIngest(spans: number): Promise<void> {
  await using observatory = await startObservatoryProcess({
    dataDir: join(directory, 'ingest'),
    threads: 1,
    core: 0,
    env: process.env,
  });
  const rides = createRides({ seed: 1, startMs: Date.now() - 3_600_000, ridesPerSecond });
  const warmUp = 100_000;
  await send(observatory, rides, warmUp);
  const before = await observatory.metric('received_items_total');
  await stored(observatory, before);
  const bodies: Buffer[] = [];
  for (let made = 0; made < spans; made += ridesPerRequest * spansPerRide) {
    bodies.push(...rides.requests(ridesPerRequest).map(({ body }) => body));
  }
  await observatory.longestHoldMs();
  const cpu = await observatory.metric('cpu_seconds');
  const start = performance.now();
  let refusals = 0;
  const sender = async (): Promise<void> => {
    for (let body = bodies.shift(); body; body = bodies.shift()) refusals += await post(observatory, body);
  };
  await Promise.all([sender(), sender()]);
  const received = (await observatory.metric('received_items_total')) - before;
  await stored(observatory, before + received);
  const seconds = (performance.now() - start) / 1000;
  const cpuSeconds = (await observatory.metric('cpu_seconds')) - cpu;
  const hold = await observatory.longestHoldMs();
  const lost = await observatory.metric('lost_items_total');
  console.log('| ingest, protobuf, one core | |\n|---|---|');
  console.log(
    `| spans stored | ${received.toLocaleString('en')} of ${received.toLocaleString('en')} acknowledged, ${lost} lost |`,
  );
  console.log(`| spans/s by the clock | ${Math.round(received / seconds).toLocaleString('en')} |`);
  console.log(`| spans/s of processor time | ${Math.round(received / cpuSeconds).toLocaleString('en')} |`);
  console.log(`| requests refused and sent again | ${refusals} |`);
  console.log(`| longest hold of the event loop | ${Math.round(hold)} ms |\n`);
}

async function ask(observatory: ObservatoryProcess, path: string): Promise<number> {
  const start = performance.now();
  const answer = await fetch(observatory.url + path);
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  return performance.now() - start;
}

/** Medians of the questions, in milliseconds, in their order. */
async function askAll(observatory: ObservatoryProcess, fromMs: number, toMs: number, times: number): Promise<number[]> {
  const medians: number[] = [];
  const list = await fetch(`${observatory.url}/api/traces?${range(fromMs, toMs)}&sort=slowest&limit=500`);
  const traceIds = ((await list.json()) as { traceId: string }[]).map(({ traceId }) => traceId);
  for (const { path } of questions) {
    const durations: number[] = [];
    for (let run = 0; run < times; run += 1) {
      const traceId = traceIds[(run * 37) % traceIds.length] ?? '';
      durations.push(await ask(observatory, path({ fromMs, toMs, traceId })));
    }
    medians.push(durations.toSorted((a, b) => a - b)[Math.floor(durations.length / 2)] ?? Number.NaN);
  }
  return medians;
}

async function measureQueries(): Promise<void> {
  await using observatory = await startObservatoryProcess({
    dataDir: join(directory, 'queries'),
    threads: 2,
    core: null,
    env: process.env,
  });
  const spanMs = (total / spansPerRide / ridesPerSecond) * 1000;
  const fromMs = Date.now() - spanMs;
  const rides = createRides({ seed: 2, startMs: fromMs, ridesPerSecond });
  let peak = 0;
  const watch = setInterval(() => {
    void observatory
      .metric('resident_memory_bytes')
      .then((bytes) => (peak = Math.max(peak, bytes)))
      .catch(() => undefined);
  }, rssEveryMs);
  const sizes: number[] = [];
  for (let size = Math.min(100_000, total); size < total; size *= 10) sizes.push(size);
  sizes.push(total);
  const rows: { label: string; cells: string[] }[] = [
    ...questions.map(({ name, targetMs }) => ({ label: `${name} (target ${targetMs} ms)`, cells: [] })),
    { label: 'resident memory, peak so far', cells: [] },
    { label: 'bytes a span on disk', cells: [] },
  ];
  let quiet: number[] = [];
  for (const size of sizes) {
    const begin = performance.now();
    const before = await observatory.metric('received_items_total');
    await send(observatory, rides, size - before);
    await stored(observatory, await observatory.metric('received_items_total'));
    const seconds = (performance.now() - begin) / 1000;
    console.error(
      `${size.toLocaleString('en')} spans stored, ${Math.round((size - before) / seconds)} a second, senders on the same machine`,
    );
    await setTimeout(12_000); // until traces are settled and a checkpoint is done
    const toMs = fromMs + (size / spansPerRide / ridesPerSecond) * 1000;
    quiet = await askAll(observatory, fromMs, toMs, runs);
    const status = (await (await fetch(`${observatory.url}/api/status`)).json()) as { databaseBytes: number };
    for (const [index, median] of quiet.entries()) rows[index]?.cells.push(`${median.toFixed(median < 10 ? 1 : 0)} ms`);
    rows.at(-2)?.cells.push(`${Math.round(peak / 2 ** 20)} MiB`);
    rows.at(-1)?.cells.push(String(Math.round(status.databaseBytes / size)));
  }
  console.log(`| spans stored | ${sizes.map((size) => size.toLocaleString('en')).join(' | ')} |`);
  console.log(`|---|${sizes.map(() => '---').join('|')}|`);
  for (const { label, cells } of rows) console.log(`| ${label} | ${cells.join(' | ')} |`);
  try {
    await measureWhileIngesting(observatory, rides, fromMs, fromMs + spanMs, quiet);
  } finally {
    clearInterval(watch);
  }
  console.log(`\nResident memory, peak of all: ${Math.round(peak / 2 ** 20)} MiB`);
}

/** The same questions while 10,000 spans come each second, whatever the answers take. */
async function measureWhileIngesting(
  observatory: ObservatoryProcess,
  rides: Rides,
  fromMs: number,
  toMs: number,
  quiet: number[],
): Promise<void> {
  const perTick = 1_000 / spansPerRide;
  let sent = 0;
  const open = new Set<Promise<unknown>>();
  const begin = performance.now();
  const ticks = setInterval(() => {
    for (const { body, spans } of rides.requests(perTick)) {
      sent += spans;
      const request: Promise<unknown> = post(observatory, body).finally(() => open.delete(request));
      open.add(request);
    }
  }, 100);
  let busy: number[];
  let hold: number;
  try {
    await setTimeout(5_000);
    await observatory.longestHoldMs();
    busy = await askAll(observatory, fromMs, toMs, runs);
    hold = await observatory.longestHoldMs();
  } finally {
    // Also when a question fails: nothing is sent to an Observatory that is gone.
    clearInterval(ticks);
    await Promise.allSettled(open);
  }
  const rate = sent / ((performance.now() - begin) / 1000);
  await Promise.all(open);
  console.log(
    `\n| while ${Math.round(rate).toLocaleString('en')} spans come each second | alone | then | ratio |\n|---|---|---|---|`,
  );
  for (const [index, { name }] of questions.entries()) {
    const alone = quiet[index] ?? Number.NaN;
    const then = busy[index] ?? Number.NaN;
    console.log(`| ${name} | ${alone.toFixed(1)} ms | ${then.toFixed(1)} ms | ${(then / alone).toFixed(1)} |`);
  }
  console.log(`| longest hold of the event loop | | ${Math.round(hold)} ms | |`);
}
