import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { prepareFlagFile } from '@hotrod/faults/flag-file';

import { type ControlServer, startControl, type SuiteStatus } from './control.ts';
import { claimDataDirectory, type DataDirectory } from './data-directory.ts';
import { type Guard, startGuard } from './guard.ts';
import { findK6, type Load, startBuiltInLoad, startK6Load } from './load.ts';
import { type LogFiles, openLogFiles } from './log-files.ts';
import type { StartOptions } from './options.ts';
import { ensureFree } from './ports.ts';
import { preparePostgres } from './postgres/server.ts';
import { processIdentity } from './process-identity.ts';
import { Refusal } from './refusal.ts';
import { type SupervisedProcess, superviseProcess } from './supervised-process.ts';
import { databaseRoles, flagFile, maxDatabaseConnections, portsOf, type Surroundings, topology } from './topology.ts';

/** The whole suite on this machine. */
export interface Suite {
  /** Resolves when every process is ready and load has begun. @throws {Refusal} with what to do. */
  start(): Promise<void>;
  status(): SuiteStatus;
  /** Stops everything in good order, within five seconds, whether or not it has started. Never rejects. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}

/** What stopping within five seconds leaves to each, in milliseconds; who needs to be forced costs up to 0.6 s more. */
const stopTimes = {
  /** So long a wave may keep the next one waiting, which then stops beside it. */
  headStart: 1_000,
  /** The services: open requests, and their last telemetry, which takes 2 s where nobody receives it. */
  services: 2_900,
  /** The last wave, which all others need: Postgres and the Observatory. */
  last: 1_000,
};
/** After this long without news a start says whom it is waiting for, in milliseconds. */
const sayWaitingEveryMs = 5_000;
/** How often log files are looked at, in milliseconds. */
const trimLogsEveryMs = 5_000;

/** @param report is told what a person wants to know of: who, and what happened. */
export function createSuite(
  options: StartOptions,
  surroundings: Surroundings,
  report: (name: string, news: string) => void,
): Suite {
  const frontendUrl = `http://127.0.0.1:${options.portBase}`;
  let processes: SupervisedProcess[] = [];
  let dataDirectory: DataDirectory | undefined;
  let guard: Guard | undefined;
  let control: ControlServer | undefined;
  let load: Load | undefined;
  let trimming: NodeJS.Timeout | undefined;
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
    if (dataDirectory.leftovers.length > 0)
      report('stack', `stopped what an earlier start had left: ${dataDirectory.leftovers.join(', ')}`);
    prepareFlagFile(flagFile(options.dataDir));
    goOn();
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
    const specs = topology(options, postgres, surroundings);
    const logs = openLogFiles(join(options.dataDir, 'logs'), [...specs.map((spec) => spec.name), 'k6']);
    trimming = setInterval(() => logs.trim(), trimLogsEveryMs).unref();
    const watching = (guard = startGuard());
    processes = specs.map((spec) => superviseProcess({ spec, logs, guard: watching, report, onPid: recordChildren }));
    const waiting = setInterval(() => sayWaiting(logs), sayWaitingEveryMs);
    try {
      await startInOrder(processes);
    } finally {
      clearInterval(waiting);
    }
    goOn();
    load = startLoad(k6, logs, watching);
    control = await startControl({
      status,
      setRate(ratePerSecond) {
        if (!load) throw new Refusal('HotROD is stopping.');
        load.setRate(ratePerSecond);
        report('load', `is now ${ratePerSecond} dispatches/s`);
      },
    });
    dataDirectory.record({ control: { port: control.port, token: control.token } });
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

  /** So that a start after a `kill -9` of this process and of its guard finds them. */
  function recordChildren(): void {
    dataDirectory?.record({
      children: processes.flatMap(({ spec, pid }) =>
        pid === undefined
          ? []
          : [{ name: spec.name, pid, identity: processIdentity(pid), stopSignal: spec.stopSignal }],
      ),
    });
  }

  async function stop(): Promise<void> {
    clearInterval(trimming);
    control?.close();
    await Promise.all([load?.stop().catch(() => {}), stopInOrder(processes)]);
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
        ...(pid === undefined ? {} : { pid }),
      })),
      load: load?.status() ?? null,
    };
  }

  return {
    start: () => (starting ??= start()),
    status,
    stop: () => (stopping ??= stop()),
    kill() {
      for (const each of processes) each.kill();
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
  // What the others left of their time is theirs, too: a database that is forced to stop has to repair itself.
  const patienceMs = Math.max(0, endMs - performance.now()) + stopTimes.last;
  await Promise.all(last.map((each) => each.stop(patienceMs)));
}

/** Who can be stopped at once, in order: nobody in a wave is still needed by a later one. */
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
