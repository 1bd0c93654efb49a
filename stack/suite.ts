import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { prepareFlagFile } from '@hotrod/faults/flag-file';
import { parseList } from '@hotrod/kit/config';
import { createFaultPageHandler, isFaultPage } from '@hotrod/faults/page/handler';
import { createRunPageHandler } from '@hotrod/pipeline/runner/page/handler';

import { pruneCompileCache } from './compile-cache.ts';
import { type Controlled, type ControlServer, startControl, type SuiteStatus } from './control.ts';
import { claimDataDirectory, type DataDirectory } from './data-directory.ts';
import { type Guard, startGuard } from './guard.ts';
import { ensureRoom } from './free-space.ts';
import { bindSocket, type ListeningSocket } from './listening-socket.ts';
import { findK6, type Load, startBuiltInLoad, startK6Load } from './load.ts';
import { type LogFiles, openLogFiles } from './log-files.ts';
import { createMarkers } from './markers.ts';
import { asksForSuite, createSuiteHandler } from './neighbour.ts';
import type { StartOptions } from './options.ts';
import { ensureFree } from './ports.ts';
import { watchCrashes } from './postgres/crash-watch.ts';
import { preparePostgres } from './postgres/server.ts';
import { type ChildRecord, signalGroup } from './process-group.ts';
import { processIdentity } from './process-identity.ts';
import { forgetProduction, openProduction, type Released, type ReleaseDirectory } from './production.ts';
import { createPipelineRunner, pipelineLog, type PipelineRunner } from './push/pipeline-runner.ts';
import { createPushQueue, type PushQueue } from './push/queue.ts';
import { openRepository, type ProductionRepository, resetBranch } from './push/repository.ts';
import { removeOldReleases } from './releases/release-directory.ts';
import { messageOf, Refusal } from './refusal.ts';
import { type SupervisedProcess, superviseProcess } from './supervised-process.ts';
import { type RunPages, startRunPages } from './run-pages.ts';
import { createRollout, type Rollout } from './rollout.ts';
import {
  databaseRoles,
  flagFile,
  maxDatabaseConnections,
  pipelineVariables,
  portsOf,
  type ProcessSpec,
  type Surroundings,
  topology,
} from './topology.ts';

/** The whole suite on this machine. */
export interface Suite {
  /** Resolves when every process is ready and load has begun. @throws {Refusal} with what to do. */
  start(): Promise<void>;
  status(): SuiteStatus;
  /** Where a push goes; null if there is no git. Known when it has started. */
  repository(): ProductionRepository | null;
  /** Which release each service runs. */
  released(): Released;
  /** Stops everything in good order, within five seconds, whether or not it has started. Never rejects. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}

/** How long each may take to stop, for five seconds in all, in milliseconds. Forcing one costs up to 0.6 s more. */
const stopTimes = {
  /** A pipeline that runs: its step is interrupted, its marker closed. */
  pipeline: 1_500,
  /** How long a wave may keep the next one waiting. After that, the next one stops beside it. */
  headStart: 1_000,
  /** The services: open requests, and their last telemetry, which takes 2 s if nobody receives it. */
  services: 2_900,
  /** The last wave, which all others need: Postgres and the Observatory. */
  last: 1_000,
};
/** After this long without news a start says whom it is waiting for, in milliseconds. */
const sayWaitingEveryMs = 5_000;
/** How often log files are looked at, in milliseconds. */
const trimLogsEveryMs = 5_000;

/**
 * @param report is called with what a person wants to know: who, and what happened.
 * @param requestStop is called when another process has asked for the end.
 */
export function createSuite(
  options: StartOptions,
  surroundings: Surroundings,
  report: (name: string, news: string) => void,
  requestStop: () => void = () => {},
): Suite {
  const frontendUrl = `http://127.0.0.1:${options.portBase}`;
  const observatoryUrl = options.observatory ? `http://127.0.0.1:${portsOf(options).observatory}` : null;
  const markers = createMarkers(observatoryUrl, (news) => report('observatory', news));
  const compileCache = join(surroundings.root, '.hotrod', 'cache');
  let running = false;
  let processes: SupervisedProcess[] = [];
  let dataDirectory: DataDirectory | undefined;
  let guard: Guard | undefined;
  let control: ControlServer | undefined;
  let load: Load | undefined;
  let rollout: Rollout | undefined;
  let repository: ProductionRepository | null = null;
  let pipeline: PipelineRunner | undefined;
  let runPages: RunPages | undefined;
  let sockets: ListeningSocket[] = [];
  let trimming: NodeJS.Timeout | undefined;
  let endCrashWatch: (() => void) | undefined;
  /** Aborted when the suite stops: a git that still reads the checkout ends. */
  const ending = new AbortController();
  let keepingCheckout: Promise<ProductionRepository | null> | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const goOn = () => {
    if (stopping) throw new Refusal('stopped while starting');
  };

  async function start(): Promise<void> {
    const k6 = options.load?.engine === 'k6' ? findK6(surroundings.root, surroundings.env) : null;
    if (!existsSync(join(surroundings.root, 'packages', 'telemetry', 'register.ts'))) {
      throw new Refusal(`${surroundings.root} is not a complete checkout: packages/telemetry/register.ts is missing.`);
    }
    dataDirectory = await claimDataDirectory(options.dataDir, frontendUrl);
    ensureRoom(options.dataDir);
    if (dataDirectory.leftovers.length > 0)
      report('stack', `stopped what an earlier start had left: ${dataDirectory.leftovers.join(', ')}`);
    prepareFlagFile(flagFile(options.dataDir));
    goOn();
    // Before production is read, and early: opening the repository takes longer than everything else.
    if (options.workingCopy) forgetProduction(options.dataDir);
    keepingCheckout = keepCheckout();
    const ports = portsOf(options);
    await ensureFree(
      Object.entries(ports)
        .filter(([name]) => name !== 'postgres')
        .map(([name, port]) => ({ name, port })),
    );
    const postgres = await preparePostgres({
      dataDir: options.dataDir,
      port: ports.postgres,
      roles: databaseRoles,
      maxConnections: maxDatabaseConnections,
      onCreate: (home) => report('postgres', `makes a new database in ${home}`),
    });
    await ensureFree([{ name: 'postgres', port: ports.postgres }]); // not before a leftover has given it back
    goOn();
    const production = openProduction(options.dataDir, (what) => report('stack', what));
    const checkout: ReleaseDirectory = {
      root: surroundings.root,
      version: surroundings.version,
      revision: surroundings.revision,
    };
    const specOf = (name: string, release: ReleaseDirectory): ProcessSpec => {
      const found = topology(options, postgres, { ...surroundings, compileCache, ...release }).find(
        (spec) => spec.name === name,
      );
      if (!found) throw new Refusal(`There is no service "${name}" here.`);
      return found;
    };
    const specs = topology(options, postgres, surroundings).map((spec) => {
      const release = production.record.services[spec.name];
      return release ? specOf(spec.name, release) : spec;
    });
    const logs = openLogFiles(join(options.dataDir, 'logs'), [...specs.map((spec) => spec.name), 'k6', pipelineLog]);
    trimming = setInterval(() => orWarn('trims no logs', () => logs.trim()), trimLogsEveryMs).unref();
    endCrashWatch = watchCrashes(logs.path('postgres'), (news) => report('postgres', news));
    const watching = (guard = startGuard());
    processes = specs.map((spec) => {
      const socket = spec.saysReady ? bindSocket('127.0.0.1', Number(new URL(spec.url).port)) : null;
      if (socket) sockets.push(socket);
      return superviseProcess({ spec, logs, guard: watching, socket, report: tellOf, onPid: recordChildren });
    });
    const hosts = parseList(surroundings.env['ALLOWED_HOSTS'] ?? '');
    const runsHandler = createRunPageHandler(join(options.dataDir, 'runs'), hosts);
    const suiteHandler = createSuiteHandler({ pid: process.pid, dataDir: options.dataDir });
    const faultsHandler = createFaultPageHandler({
      flagFile: surroundings.env['FLAGS_FILE'] ?? flagFile(options.dataDir),
      observatory: observatoryUrl,
      hosts,
    });
    runPages = await startRunPages(
      (request, response) => {
        if (asksForSuite(request.url)) suiteHandler(request, response);
        else (isFaultPage(request.url) ? faultsHandler : runsHandler)(request, response);
      },
      ports['run pages'],
      (error) => report('run pages', String(error)),
    );
    const waiting = setInterval(() => sayWaiting(logs), sayWaitingEveryMs);
    try {
      await startInOrder(processes);
    } finally {
      clearInterval(waiting);
    }
    goOn();
    repository = await keepingCheckout;
    const startRevision = repository?.startRevision ?? surroundings.revision;
    rollout = createRollout({ processes, production, checkout, startRevision, specOf, report });
    load = startLoad(k6, logs, watching);
    control = await startControl(options.dataDir, controlled(rollout, preparePushes(logs, watching, repository)));
    const { path } = control;
    orWarn('cannot tell commands such as "status" where it is', () => dataDirectory?.record({ control: path }));
    running = true;
    markers.leave({
      type: 'start',
      message: `npm start, ${production.record.revision ? 'production' : surroundings.version}`,
    });
    void sweepMarkers([]);
    void tidyUp();
  }

  /** What a person is told of a process; a restart of a service is marked, too. */
  function tellOf(name: string, what: string): void {
    report(name, what);
    if (running && what.startsWith('is ready again after'))
      markers.leave({ type: 'restart', message: `${name} ${what}` });
  }

  /** @returns null if there is no git: a push needs it, but nothing else does. */
  async function keepCheckout(): Promise<ProductionRepository | null> {
    const { root, node, env } = surroundings;
    try {
      const opened = await openRepository({ dataDir: options.dataDir, root, node, env, signal: ending.signal });
      if (options.workingCopy) await resetBranch(options.dataDir, env);
      return opened;
    } catch (error) {
      if (!ending.signal.aborted) report('stack', `takes no push: ${messageOf(error)}`);
      return null;
    }
  }

  function preparePushes(logs: LogFiles, watching: Guard, to: ProductionRepository | null): PushQueue | null {
    if (!to) return null;
    const { root, node, env } = surroundings;
    const runner = createPipelineRunner(
      {
        root,
        node,
        dataDir: options.dataDir,
        repository: to.path,
        runsUrl: `${runPages?.url}/runs`,
        env,
        variables: pipelineVariables(options, env),
        logs,
        guard: watching,
      },
      (id, inGoodOrder) => {
        recordChildren();
        if (!inGoodOrder) void sweepMarkers([id]);
        void tidyUp();
      },
    );
    pipeline = runner;
    return createPushQueue((push, tell) => {
      const run = runner.start(push, rollout?.released().revision ?? to.startRevision, tell);
      recordChildren();
      report('push', `${push.revision.slice(0, 7)} is released: ${run.url}`);
      return run;
    });
  }

  /** Ends markers that a killed pipeline left open: of these runs, or of all if none is named, because none is on then. */
  async function sweepMarkers(runs: readonly string[]): Promise<void> {
    if (observatoryUrl === null) return;
    const which = runs.length > 0 ? runs.flatMap((id) => ['--run', id]) : ['--older-than', '0s'];
    const program = join(surroundings.root, 'pipeline', 'release', 'main.ts');
    await promisify(execFile)(
      surroundings.node,
      [program, 'marker', 'sweep', ...which, '--to', `observatory=${observatoryUrl}`],
      { timeout: 30_000, windowsHide: true },
    ).catch((error: unknown) => report('stack', `could not end markers that were left open: ${messageOf(error)}`));
  }

  async function tidyUp(): Promise<void> {
    const roots = Object.values(rollout?.released().services ?? {}).map(({ root }) => root);
    await removeOldReleases(options.dataDir, roots).catch((error: unknown) =>
      report('stack', `could not remove old releases: ${messageOf(error)}`),
    );
    await pruneCompileCache(compileCache).catch((error: unknown) =>
      report('stack', `could not make ${compileCache} smaller: ${messageOf(error)}`),
    );
  }

  function controlled(rolling: Rollout, queue: PushQueue | null): Controlled {
    return {
      status,
      requestStop,
      setRate(ratePerSecond) {
        if (!load) throw new Refusal('HotROD is stopping.');
        load.setRate(ratePerSecond);
        report('load', `is now ${ratePerSecond} dispatches/s`);
      },
      released: rolling.released,
      settled: rolling.settled,
      async release(request) {
        const outcome = await rolling.release(request);
        if (request.mark !== null) markers.leave({ type: 'deploy', message: request.mark });
        return outcome;
      },
      restart: rolling.restart,
      async push(push, tell) {
        if (!queue) throw new Refusal('This HotROD takes no push.');
        await queue.push(push, tell);
      },
    };
  }

  function startLoad(k6: string | null, logs: LogFiles, watching: Guard): Load {
    const context = {
      root: surroundings.root,
      baseUrl: frontendUrl,
      env: surroundings.env,
      logs,
      guard: watching,
      report: (news: string) => report('load', news),
    };
    return k6 !== null && options.load
      ? startK6Load(k6, options.load, context)
      : startBuiltInLoad(options.load, context);
  }

  function sayWaiting(logs: LogFiles): void {
    for (const { spec, state } of processes) {
      if (state === 'starting')
        report(spec.name, `is still starting: ${logs.lastWords(spec.name)?.text ?? 'nothing in its log yet'}`);
    }
  }

  const warned = new Set<string>();
  /** Does what the suite can live without. If it fails (a full disk), that is told once, until it succeeds again. */
  function orWarn(what: string, work: () => void): void {
    try {
      work();
      warned.delete(what);
    } catch (error) {
      if (!warned.has(what)) report('stack', `${what}: ${messageOf(error)}`);
      warned.add(what);
    }
  }

  /** So that a start after a `kill -9` of this process and of its guard finds them. */
  const recordChildren = () => orWarn('cannot record its processes for a later start', writeChildren);
  function writeChildren(): void {
    dataDirectory?.record({
      children: [
        ...processes.flatMap(({ spec, pids }) => pids.map((pid) => childRecord(spec.name, pid, spec.stopSignal))),
        ...(pipeline?.pid === undefined ? [] : [childRecord('pipeline', pipeline.pid, 'SIGTERM')]),
      ],
    });
  }

  async function stop(): Promise<void> {
    running = false;
    ending.abort();
    clearInterval(trimming);
    endCrashWatch?.();
    control?.close();
    markers.close();
    // The pipeline stops before the processes that it releases and reports to: it takes back what it has begun.
    await pipeline?.stop(stopTimes.pipeline);
    await Promise.all([load?.stop().catch(() => {}), stopInOrder(processes)]);
    for (const socket of sockets.splice(0)) socket.close();
    await runPages?.close();
    await keepingCheckout; // before another start may claim the directory that git writes to
    await starting?.catch(() => {}); // the database may be being made; that takes half a second
    guard?.dismiss();
    dataDirectory?.release();
  }

  function status(): SuiteStatus {
    return {
      processes: processes.map(({ spec, state, pid, restarts }) => ({
        name: spec.name,
        url: spec.url,
        state,
        restarts,
        ...releaseOf(spec.name),
        ...(pid === undefined ? {} : { pid }),
      })),
      load: load?.status() ?? null,
    };
  }

  function releaseOf(name: string): { release?: string } {
    const release = rollout?.released().services[name];
    return release && release.root !== surroundings.root ? { release: release.version } : {};
  }

  return {
    start: () => (starting ??= start()),
    status,
    repository: () => repository,
    released: () => rollout?.released() ?? { revision: null, services: {}, previous: null },
    stop: () => (stopping ??= stop()),
    kill() {
      markers.close();
      for (const each of processes) each.kill();
      if (pipeline?.pid !== undefined) signalGroup(pipeline.pid, 'SIGKILL');
      dataDirectory?.release();
    },
  };
}

/** Starts each as soon as those it comes after are ready. @throws what the first that fails has thrown. */
async function startInOrder(processes: readonly SupervisedProcess[]): Promise<void> {
  const started = new Map<string, Promise<void>>();
  const begin = (each: SupervisedProcess): Promise<void> => {
    const { name, startAfter } = each.spec;
    const known = started.get(name);
    if (known) return known;
    const before = processes.filter((other) => startAfter.includes(other.spec.name)).map(begin);
    const promise = Promise.all(before).then(() => each.start());
    started.set(name, promise);
    return promise;
  };
  await Promise.all(processes.map(begin));
}

async function stopInOrder(processes: readonly SupervisedProcess[]): Promise<void> {
  const waves = stopWaves(processes);
  const last = waves.pop() ?? [];
  const endMs = performance.now() + stopTimes.services;
  const stopping: Promise<void>[] = [];
  for (const wave of waves) {
    stopping.push(...wave.map((each) => each.stop(endMs - performance.now())));
    await Promise.race([Promise.all(stopping), sleep(stopTimes.headStart)]);
  }
  await Promise.all(stopping);
  // These also get the time that the others have left: a database that is forced to stop has to repair itself.
  const patienceMs = Math.max(0, endMs - performance.now()) + stopTimes.last;
  await Promise.all(last.map((each) => each.stop(patienceMs)));
}

/** The processes in waves that can be stopped at once, in order: no process of a wave is needed by a later one. */
export function stopWaves<T extends { spec: { name: string; stopBefore: readonly string[] } }>(
  processes: readonly T[],
): T[][] {
  const waves: T[][] = [];
  for (let left = [...processes]; left.length > 0;) {
    const needed = new Set(left.flatMap((each) => each.spec.stopBefore));
    const wave = left.filter((each) => !needed.has(each.spec.name));
    if (wave.length === 0) return [...waves, left]; // a circle: all at once
    waves.push(wave);
    left = left.filter((each) => !wave.includes(each));
  }
  return waves;
}

function childRecord(name: string, pid: number, stopSignal: NodeJS.Signals): ChildRecord {
  return { name, pid, identity: processIdentity(pid), stopSignal };
}
