import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Guard } from './guard.ts';
import { type LogFiles, withLog } from './log-files.ts';
import { ownGroup, signalGroup } from './process-group.ts';
import { processIdentity } from './process-identity.ts';
import { messageOf, Refusal } from './refusal.ts';
import type { ProcessSpec } from './topology.ts';

/** `not ready`: it runs, but says that it cannot do its work now. */
export type ProcessState = 'waiting' | 'starting' | 'ready' | 'not ready' | 'restarting' | 'stopped';

/** A process that is kept running. */
export interface SupervisedProcess {
  readonly spec: ProcessSpec;
  readonly state: ProcessState;
  readonly pid: number | undefined;
  /** Times it was started again. */
  readonly restarts: number;
  /**
   * Starts it, and from then on again whenever it ends. Resolves when it is ready for the first time.
   *
   * @throws {Refusal} where it ends several times, or is not ready in time, before it ever was.
   */
  start(): Promise<void>;
  /** Asks it and all it started to stop, and makes it after `patienceMs`. Never rejects. */
  stop(patienceMs: number): Promise<void>;
  /** Ends it and all it started at once. */
  kill(): void;
}

export interface SupervisionTimes {
  /** The pause before the first restart; each further one doubles it. Milliseconds, as all here. */
  firstPause: number;
  longestPause: number;
  /** After being ready for this long, its earlier ends are forgotten. */
  forgiven: number;
  /** How often readiness is asked for, while it starts and afterwards. */
  pollStarting: number;
  pollReady: number;
  /** How long it may take to be ready. */
  patience: number;
}

export const usualTimes: SupervisionTimes = {
  firstPause: 250,
  longestPause: 15_000,
  forgiven: 30_000,
  pollStarting: 30,
  pollReady: 2_000,
  patience: 120_000,
};

/** So often it may end before it was ever ready: more is no accident. */
const startAttempts = 3;
/** With this exit code a service says that its settings are wrong (kit/main.ts): trying again will not help. */
const wrongSettings = 2;
/** So many polls in a row must fail before a process counts as not ready: one slow answer is none. */
const failuresUntilNotReady = 2;

/**
 * @param report is told each change that a person wants to know of, as a clause to follow the process's name.
 * @param onPid is told each new process id, and undefined when it has ended.
 */
export function superviseProcess(options: {
  spec: ProcessSpec;
  logs: LogFiles;
  guard: Guard;
  report: (name: string, news: string) => void;
  onPid?: () => void;
  times?: SupervisionTimes;
}): SupervisedProcess {
  const { spec, logs, guard, times = usualTimes } = options;
  let state: ProcessState = 'waiting';
  let child: ChildProcess | undefined;
  let exited: Promise<string> = Promise.resolve('');
  let restarts = 0;
  let everReady = false;
  let endsInARow = 0;
  let pauseUntilMs = 0;
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;

  /** Resolves, when the process has ended, to how. */
  function launch(): Promise<string> {
    const started = withLog(logs, spec.name, (log) =>
      spawn(spec.command, spec.args, {
        cwd: spec.cwd,
        env: spec.env,
        stdio: ['ignore', log, log],
        detached: ownGroup,
        windowsHide: true,
        ...(spec.account ? { uid: spec.account.uid, gid: spec.account.gid } : {}),
      }),
    );
    child = started;
    const { pid } = started;
    if (pid !== undefined) {
      guard.watch({ name: spec.name, pid, identity: processIdentity(pid), stopSignal: spec.stopSignal });
      options.onPid?.();
    }
    return new Promise((resolve) => {
      const ended = (how: string) => {
        child = undefined;
        if (pid !== undefined) {
          if (ownGroup) signalGroup(pid, 'SIGKILL'); // what it had started and left behind
          guard.forget(pid);
        }
        options.onPid?.();
        resolve(how);
      };
      started.once('error', (error) => ended(`cannot be started: ${error.message}`));
      started.once('exit', (code, signal) => ended(signal ? `was ended by ${signal}` : endedWith(code)));
    });
  }

  async function untilReady(signal: AbortSignal): Promise<void> {
    while (!(await isReady(spec, child?.pid))) await sleep(times.pollStarting, undefined, { signal });
  }

  async function watchReadiness(signal: AbortSignal): Promise<void> {
    for (let failures = 0; ;) {
      await sleep(times.pollReady, undefined, { signal });
      failures = (await isReady(spec, child?.pid)) ? 0 : failures + 1;
      if (stopped()) return;
      signal.throwIfAborted();
      if (failures === failuresUntilNotReady && state === 'ready') {
        state = 'not ready';
        options.report(spec.name, 'runs, but is not ready');
      } else if (failures === 0 && state === 'not ready') {
        state = 'ready';
        options.report(spec.name, 'is ready again');
      }
    }
  }

  /** One life of the process; resolves to how it ended. */
  async function live(onReady: () => void): Promise<string> {
    const bornMs = performance.now();
    const over = new AbortController();
    exited = launch();
    const end = exited.finally(() => over.abort());
    const ready = untilReady(over.signal).then(() => 'ready' as const);
    const late = sleep(times.patience, 'late' as const, { signal: over.signal });
    for (const promise of [ready, late]) promise.catch(() => {}); // aborted when it ends first
    const first = await Promise.race([ready, late, end]);
    if (first === 'late') {
      if (child?.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      await end;
      return `was not ready within ${times.patience / 1000} s`;
    }
    if (first !== 'ready') return first;
    if (stopped()) return end;
    state = 'ready';
    if (everReady) options.report(spec.name, `is ready again after ${seconds(performance.now() - bornMs)}`);
    everReady = true;
    onReady();
    const forgive = setTimeout(() => (endsInARow = 0), times.forgiven);
    watchReadiness(over.signal).catch(() => {}); // ends with the process
    const how = await end;
    clearTimeout(forgive);
    return `${how} after ${seconds(performance.now() - bornMs)}`;
  }

  async function keepRunning(onReady: () => void): Promise<void> {
    while (!stopped()) {
      await spec.beforeStart?.();
      if (stopped()) return;
      state = 'starting';
      const how = await live(onReady);
      if (stopped()) return;
      endsInARow += 1;
      if (!everReady && (endsInARow >= startAttempts || how === endedWith(wrongSettings))) throw refusal(how);
      const pauseMs = Math.min(times.longestPause, times.firstPause * 2 ** (endsInARow - 1));
      pauseUntilMs = performance.now() + pauseMs;
      state = 'restarting';
      restarts += 1;
      const words = logs.lastWords(spec.name);
      options.report(spec.name, `${how}${words?.isError ? ` (${words.text})` : ''}; again in ${seconds(pauseMs)}`);
      await sleep(Math.max(0, pauseUntilMs - performance.now()), undefined, { signal: stopping.signal }).catch(
        () => {},
      );
    }
  }

  function refusal(how: string): Refusal {
    const words = logs.lastWords(spec.name);
    return new Refusal(
      `${spec.name} does not start: it ${how}${words ? `: ${words.text}` : ''}. Its log: ${logs.path(spec.name)}`,
    );
  }

  return {
    spec,
    get state() {
      return state;
    },
    get pid() {
      return child?.pid;
    },
    get restarts() {
      return restarts;
    },
    async start() {
      if (spec.entry !== undefined && !existsSync(spec.entry)) {
        throw new Refusal(`${spec.entry} is missing: the checkout is not complete ("git status" shows what is gone).`);
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      keepRunning(resolve).then(resolve, (error: unknown) => {
        state = 'stopped';
        if (everReady) options.report(spec.name, `cannot be started again: ${messageOf(error)}`);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
      return promise;
    },
    async stop(patienceMs) {
      stopping.abort();
      const { pid } = child ?? {};
      if (pid !== undefined) {
        const endMs = performance.now() + patienceMs;
        for (const signal of [spec.stopSignal, ...spec.forceSignals]) {
          if (spec.stopCommand && signal === spec.stopSignal && !ownGroup) spec.stopCommand();
          else signalGroup(pid, signal);
          // The last two steps come quickly: what did not stop in good order will not be talked into it.
          const waitMs = signal === spec.stopSignal ? Math.max(0, endMs - performance.now()) : 300;
          const cancel = new AbortController();
          const done = await Promise.race([exited, sleep(waitMs, null, { signal: cancel.signal }).catch(() => null)]);
          cancel.abort();
          if (done !== null) break;
        }
      }
      state = 'stopped';
    },
    kill() {
      stopping.abort();
      if (child?.pid !== undefined) signalGroup(child.pid, spec.forceSignals[0] ?? 'SIGKILL');
      state = 'stopped';
    },
  };
}

async function isReady(spec: ProcessSpec, pid: number | undefined): Promise<boolean> {
  if (pid === undefined) return false;
  if (typeof spec.ready === 'function') return spec.ready(pid);
  try {
    const answer = await fetch(spec.ready, { signal: AbortSignal.timeout(3_000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

function endedWith(code: number | null): string {
  return `ended with exit code ${code}`;
}

function seconds(milliseconds: number): string {
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${Math.round(milliseconds / 1000)} s`;
}
