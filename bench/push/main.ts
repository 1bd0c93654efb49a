/**
 * `npm run bench:push`: how long it takes from `git push` to a repaired dispatch and to the verdict, whether releases
 * under load lose requests, and what a release costs. On a suite of its own, in a temporary directory. Linux.
 */
import { spawn } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { readCommandLine } from '../../packages/kit/command-line.ts';
import { listRuns, readLog } from '../../pipeline/runner/record.ts';
import { askReleased, askStatus, release, setRate } from '../../stack/control.ts';
import { cloneProduction } from '../../stack/demo/scratch-clone.ts';
import { listReleases } from '../../stack/releases/release-directory.ts';
import { loadAtRate } from '../load.ts';
import { residentMb } from '../process-usage.ts';

const { values } = readCommandLine('bench:push', {
  help: `How fast a push reaches production, what releases under load lose, and what a release costs. Linux.

  npm run bench:push [-- OPTIONS]
  --port-base N    of the suite that it starts (default 11000)
  --releases N     how many releases under load (default 20)`,
  options: { 'port-base': { type: 'string', default: '11000' }, releases: { type: 'string', default: '20' } },
});

const root = fileURLToPath(new URL('../..', import.meta.url));
const services = ['customer', 'driver', 'route', 'frontend'];
const loadPerSecond = 20;
/** Before the push, so that there is something to compare with, in milliseconds. */
const warmUpMs = 75_000;

const dataDir = mkdtempSync(join(tmpdir(), 'hotrod-bench-'));
const suite = spawn(
  process.execPath,
  [join(root, 'stack', 'main.ts'), '--data-dir', dataDir, '--port-base', values['port-base']],
  // Wide enough for the load below: the waits for route workers are another lesson.
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ROUTE_WORKER_POOL_SIZE: '40' } },
);
const ended = new Promise((resolve) => suite.once('close', resolve));
try {
  await started();
  const frontend = `http://127.0.0.1:${values['port-base']}`;
  await sleep(warmUpMs);
  const pushed = await measurePush();
  const lost = await measureReleases(frontend);
  console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n`);
  console.log('| what | figure |\n| --- | --- |');
  for (const [what, figure] of [...pushed, ...lost]) console.log(`| ${what} | ${figure} |`);
} finally {
  suite.kill('SIGINT');
  await ended;
  rmSync(dataDir, { recursive: true, force: true });
}

async function started(): Promise<void> {
  for (;;) {
    if (suite.exitCode !== null) throw new Error('The suite did not start.');
    const status = await askStatus(dataDir).catch(() => null);
    if (status) return;
    await sleep(200);
  }
}

/** Pushes the repair, and watches production and the pusher's terminal. */
async function measurePush(): Promise<[string, string][]> {
  const { revision } = await askReleased(dataDir);
  if (revision === null) throw new Error('The suite takes no push: is git there, and is this a checkout of it?');
  const clone = await cloneProduction(dataDir, revision, process.env);
  try {
    const repaired = await clone.commitFactor(1, 'Repair the slow customers');
    const beganMs = performance.now();
    const since = () => (performance.now() - beganMs) / 1000;
    let fixedSeconds = Number.NaN;
    let verdict = 'none';
    let verdictSeconds = Number.NaN;
    const over = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted && Number.isNaN(verdictSeconds)) {
        await sleep(50);
        if (Number.isNaN(fixedSeconds)) {
          const runs = (await askReleased(dataDir)).services['customer']?.revision;
          if (runs === repaired.revision) fixedSeconds = since();
        }
        verdict = verdictOf(repaired.revision) ?? verdict;
        if (verdict !== 'none') verdictSeconds = since();
      }
    })();
    await clone.push(() => {});
    over.abort();
    await watching;
    return [
      ['from `git push` to the first repaired dispatch', `${fixedSeconds.toFixed(1)} s`],
      [`from \`git push\` to the verdict (${verdict})`, `${verdictSeconds.toFixed(1)} s`],
    ];
  } finally {
    clone.remove();
  }
}

/** What the step `verify` of the run of a commit has said; null as long as it has not. */
function verdictOf(revision: string): string | null {
  const directory = join(dataDir, 'runs');
  const id = listRuns(directory).find((each) => each.endsWith(revision.slice(0, 7)));
  const said = id === undefined ? '' : (readLog(directory, id, 'verify.log')?.toString() ?? '');
  return /^(better|same|worse|inconclusive): /m.exec(said)?.[1] ?? null;
}

/** Replaces one service after the other, while dispatches are ordered at a constant rate. */
async function measureReleases(frontend: string): Promise<[string, string][]> {
  const count = Number(values.releases);
  const releases = listReleases(dataDir).map(({ path, record: { version, revision } }) => ({
    root: path,
    version,
    revision,
  }));
  const [first] = releases;
  if (!first || releases.length < 2) throw new Error('There are no two releases to go back and forth between.');
  await setRate(dataDir, 0);
  const loads: ReturnType<typeof loadAtRate>[] = [];
  const over = new AbortController();
  const ordering = (async () => {
    while (!over.signal.aborted) {
      loads.push(loadAtRate(frontend, loadPerSecond, 1));
      await sleep(1000);
    }
  })();
  const tookMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = services[index % services.length] ?? 'customer';
    const running = (await askReleased(dataDir)).services[name]?.root;
    const next = releases.find(({ root: path }) => path !== running) ?? first;
    const beganMs = performance.now();
    await release(dataDir, {
      services: [{ name, release: next }],
      revision: next.revision,
      checkout: null,
      isRollback: false,
      mark: null,
    });
    tookMs.push(performance.now() - beganMs);
  }
  over.abort();
  await ordering;
  const results = await Promise.all(loads);
  const sent = results.reduce((sum, result) => sum + result.sent, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  const median = tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length / 2)] ?? 0;
  const pid = (await askStatus(dataDir)).processes.find(({ name }) => name === 'customer')?.pid;
  return [
    [`dispatches that failed during ${count} releases under ${loadPerSecond}/s`, `${failed} of ${sent}`],
    ['… a release, median', `${(median / 1000).toFixed(1)} s`],
    ['disk of a release, without the dependencies that all share', `${(ownBytes(first.root) / 1e6).toFixed(1)} MB`],
    ['memory of a second process, while one replaces the other', pid ? `${residentMb(pid).toFixed(0)} MB` : 'unknown'],
  ];
}

/** Bytes of the files below a directory that no other directory has, too. */
function ownBytes(path: string): number {
  const { size, nlink } = lstatSync(path);
  const entries = lstatSync(path).isDirectory() ? readdirSync(path) : null;
  if (entries === null) return nlink > 1 ? 0 : size;
  return entries.reduce((sum, name) => sum + ownBytes(join(path, name)), 0);
}
