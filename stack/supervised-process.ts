import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Guard } from './guard.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { type LogFiles, withLog } from './log-files.ts';
import { ownGroup, signalGroup } from './process-group.ts';
import { processIdentity } from './process-identity.ts';
import { messageOf, Refusal } from './refusal.ts';
import type { ProcessSpec } from './topology.ts';

/** `not ready`: it runs, but says that it cannot do its work now. */
export type ProcessState = 'waiting' | 'starting' | 'ready' | 'not ready' | 'restarting' | 'stopped';

/** A process that is kept running. */
export interface SupervisedProcess {
  /** The spec of what runs now. */
  readonly spec: ProcessSpec;
  readonly state: ProcessState;
  readonly pid: number | undefined;
  /** The ids of this process, of one that is to replace it, and of replaced ones that still drain. */
  readonly pids: readonly number[];
  /** Times it was started again. */
  readonly restarts: number;
  /**
   * Starts it, and from then on again whenever it ends. Resolves when it is ready for the first time.
   *
   * @throws {Refusal} if it ends several times, or is not ready in time, before it ever was.
   */
  start(): Promise<void>;
  /**
   * Replaces it by another process of the same name. The new one is ready and listens before the old one is told to
   * drain, so no request is lost. If a socket cannot be shared, the new one is ready when the old one leaves the port,
   * and takes it within milliseconds.
   *
   * @throws {Refusal} if the new one does not become ready; the old one runs on, untouched.
   */
  replace(next: ProcessSpec): Promise<void>;
  /** Asks it and all it started to stop, and forces it after `patienceMs`. Never rejects. */
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
  /** How long one that is replaced may take to end. */
  drain: number;
}

export const usualTimes: SupervisionTimes = {
  firstPause: 250,
  longestPause: 15_000,
  forgiven: 30_000,
  pollStarting: 30,
  pollReady: 2_000,
  patience: 120_000,
  drain: 20_000,
};

/**
 * How often it may end before it was ever ready. More often is no accident. Only if its port is taken may it be one: a
 * connection of any program may hold the port for a while. So with a taken port it is tried for half a minute.
 */
const startAttempts = 3;
const startAttemptsAtTakenPort = 8;
const takenPort = /port \d+ is taken|EADDRINUSE|Address already in use/i;
/** The exit code with which a service says that its settings are wrong (kit/main.ts): trying again will not help. */
const wrongSettings = 2;
/** How many polls in a row must fail before a process counts as not ready: one slow answer is not enough. */
const failuresUntilNotReady = 2;

/** One process, from its launch to its end. */
interface Life {
  readonly spec: ProcessSpec;
  /** Undefined if it could not be started. */
  readonly pid: number | undefined;
  readonly bornMs: number;
  /** The length of its log when it began. */
  readonly logStart: number;
  /** Whether it has ended. */
  over: boolean;
  /** Resolves, when it has ended, to how. */
  readonly ended: Promise<string>;
  /** Resolves when it has said that it is ready, and when it listens. Only for a process that says so. */
  readonly prepared: Promise<void>;
  readonly listening: Promise<void>;
}

/**
 * @param socket that the process is to listen on; null if it binds its port itself.
 * @param report is called with each change that a person wants to know, as a clause to follow the process's name.
 * @param onPid is called when {@link SupervisedProcess.pids} has changed.
 */
export function superviseProcess(options: {
  spec: ProcessSpec;
  logs: LogFiles;
  guard: Guard;
  socket?: ListeningSocket | null;
  report: (name: string, news: string) => void;
  onPid?: () => void;
  times?: SupervisionTimes;
}): SupervisedProcess {
  const { logs, guard, socket = null, times = usualTimes } = options;
  const { name } = options.spec;
  let spec = options.spec;
  let state: ProcessState = 'waiting';
  let current: Life | undefined;
  /** All that have not ended. */
  const lives = new Set<Life>();
  /** The life that has taken the place of the current one, until the loop of {@link keepRunning} sees it. */
  let successor: Life | null = null;
  let replaced = Promise.withResolvers<'replaced'>();
  let restarts = 0;
  let everReady = false;
  let endsInARow = 0;
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;

  function launch(next: ProcessSpec): Life {
    const logStart = logs.size(name);
    const child = withLog(logs, name, (log) =>
      spawn(next.command, next.args, {
        cwd: next.cwd,
        env: next.env,
        stdio: ['ignore', log, log],
        detached: ownGroup,
        windowsHide: true,
        ...(next.account ? { uid: next.account.uid, gid: next.account.gid } : {}),
        ...(next.saysReady
          ? {
              stdio: ['ignore', log, log, socket?.fd ?? 'ignore', 'pipe'],
              env: { ...next.env, LISTEN_FD: socket ? '3' : '', READY_FD: '4' },
            }
          : {}),
      }),
    );
    const { pid } = child;
    const end = Promise.withResolvers<string>();
    const life: Life = {
      spec: next,
      pid,
      bornMs: performance.now(),
      logStart,
      over: false,
      ended: end.promise,
      ...readyLines(child),
    };
    lives.add(life);
    if (pid !== undefined) {
      guard.watch({ name, pid, identity: processIdentity(pid), stopSignal: next.stopSignal });
      options.onPid?.();
    }
    const ended = (how: string) => {
      if (life.over) return;
      life.over = true;
      lives.delete(life);
      if (pid !== undefined) {
        if (ownGroup) signalGroup(pid, 'SIGKILL'); // what it had started and left behind
        guard.forget(pid);
      }
      options.onPid?.();
      end.resolve(how);
    };
    child.once('error', (error) => ended(`cannot be started: ${error.message}`));
    child.once('exit', (code, signal) => ended(signal ? `was ended by ${signal}` : endedWith(code)));
    return life;
  }

  async function untilReady(life: Life, signal: AbortSignal): Promise<void> {
    if (life.spec.saysReady) return life.listening;
    while (!(await isReady(life))) await sleep(times.pollStarting, undefined, { signal });
  }

  async function watchReadiness(life: Life, signal: AbortSignal): Promise<void> {
    for (let failures = 0; ;) {
      await sleep(times.pollReady, undefined, { signal });
      failures = (await isReady(life)) ? 0 : failures + 1;
      if (stopped()) return;
      signal.throwIfAborted();
      if (failures === failuresUntilNotReady && state === 'ready') {
        state = 'not ready';
        options.report(name, 'runs, but is not ready');
      } else if (failures === 0 && state === 'not ready') {
        state = 'ready';
        options.report(name, 'is ready again');
      }
    }
  }

  /** Waits until it is ready. If it does not become ready, resolves to how it ended, or was ended. */
  async function becomesReady(life: Life, ready: Promise<void>): Promise<string | null> {
    const over = new AbortController();
    const late = sleep(times.patience, 'late' as const, { signal: over.signal });
    const interrupted = once(stopping.signal, 'abort', { signal: over.signal });
    for (const promise of [ready, late, interrupted]) promise.catch(() => {}); // aborted when another comes first
    const first = await Promise.race([
      ready.then(() => 'ready' as const),
      late,
      interrupted.then(() => 'stopped' as const),
      life.ended.then((how) => ({ how })),
    ]).finally(() => over.abort());
    if (first === 'ready') return null;
    if (first === 'stopped') return 'was stopped';
    if (first !== 'late') return first.how;
    if (life.pid !== undefined) signalGroup(life.pid, 'SIGKILL');
    await life.ended;
    return `was not ready within ${times.patience / 1000} s`;
  }

  /** Follows a life; one that has replaced another is ready from the first. Resolves to how it ended, or was replaced. */
  async function live(life: Life, isReadyNow: boolean, onReady: () => void): Promise<string> {
    const over = new AbortController();
    const end = Promise.race([life.ended, replaced.promise]).finally(() => over.abort());
    if (!isReadyNow) {
      const failure = await Promise.race([becomesReady(life, untilReady(life, over.signal)), replaced.promise]);
      if (stopped()) return life.ended;
      if (failure !== null) return failure;
    }
    state = 'ready';
    if (everReady && !isReadyNow)
      options.report(name, `is ready again after ${seconds(performance.now() - life.bornMs)}`);
    everReady = true;
    onReady();
    const forgive = setTimeout(() => (endsInARow = 0), times.forgiven);
    watchReadiness(life, over.signal).catch(() => {}); // ends with the process
    const how = await end;
    clearTimeout(forgive);
    return `${how} after ${seconds(performance.now() - life.bornMs)}`;
  }

  async function keepRunning(onReady: () => void): Promise<void> {
    while (!stopped()) {
      if (!successor) await spec.beforeStart?.();
      if (stopped()) return;
      const isReadyNow = successor !== null;
      if (!isReadyNow) state = 'starting';
      const life: Life = (current = successor ?? launch(spec));
      successor = null;
      const how = await live(life, isReadyNow, onReady);
      if (stopped()) return;
      if (successor) continue;
      endsInARow += 1;
      const isPortTaken = takenPort.test(logs.lastWords(name, life.logStart)?.text ?? '');
      const attempts = isPortTaken ? startAttemptsAtTakenPort : startAttempts;
      if (!everReady && (endsInARow >= attempts || how === endedWith(wrongSettings))) throw refusal(how);
      await pause(life, how);
    }
  }

  /** Waits before the next start, unless somebody takes the place meanwhile. */
  async function pause(life: Life, how: string): Promise<void> {
    const pauseMs = Math.min(times.longestPause, times.firstPause * 2 ** (endsInARow - 1));
    state = 'restarting';
    restarts += 1;
    const words = logs.lastWords(name, life.logStart);
    options.report(name, `${how}${words?.isError ? ` (${adviseHere(words.text)})` : ''}; again in ${seconds(pauseMs)}`);
    const over = new AbortController();
    const waited = sleep(pauseMs, undefined, { signal: AbortSignal.any([stopping.signal, over.signal]) });
    await Promise.race([waited.catch(() => {}), replaced.promise]);
    over.abort();
  }

  function refusal(how: string): Refusal {
    const words = logs.lastWords(name);
    return new Refusal(
      `${name} does not start: it ${how}${words ? `: ${adviseHere(words.text)}` : ''}. Its log: ${logs.path(name)}`,
    );
  }

  async function replace(next: ProcessSpec): Promise<void> {
    if (stopped() || state === 'waiting') throw new Refusal(`${name} does not run.`);
    const candidate = launch(next);
    const takesOver = socket ? candidate.listening : candidate.prepared;
    const failure = await becomesReady(candidate, takesOver);
    if (failure !== null || stopped()) {
      if (candidate.pid !== undefined) signalGroup(candidate.pid, 'SIGKILL');
      await candidate.ended;
      const words = logs.lastWords(name, candidate.logStart);
      throw new Refusal(
        `The new ${name} does not become ready: it ${failure ?? 'was stopped'}${words ? `: ${words.text}` : ''}. The one before runs on.`,
      );
    }
    const old = current;
    spec = next;
    current = successor = candidate;
    state = 'ready';
    endsInARow = 0;
    replaced.resolve('replaced');
    replaced = Promise.withResolvers();
    if (old && !old.over) void drain(old);
    if (socket) return;
    const notListening = await becomesReady(candidate, candidate.listening);
    if (notListening !== null) throw new Refusal(`The new ${name} does not take the port: it ${notListening}.`);
  }

  async function drain(life: Life): Promise<void> {
    if (life.pid === undefined) return;
    signalGroup(life.pid, 'SIGTERM');
    const cancel = new AbortController();
    const late = sleep(times.drain, null, { signal: cancel.signal }).catch(() => 'ended');
    if ((await Promise.race([life.ended, late])) === null) {
      options.report(name, `that was replaced did not end within ${times.drain / 1000} s, and was made to`);
      signalGroup(life.pid, 'SIGKILL');
    }
    cancel.abort();
  }

  async function stopLife(life: Life, patienceMs: number): Promise<void> {
    const { pid } = life;
    if (pid === undefined) return;
    const endMs = performance.now() + patienceMs;
    for (const signal of [life.spec.stopSignal, ...life.spec.forceSignals]) {
      if (life.spec.stopCommand && signal === life.spec.stopSignal && !ownGroup) life.spec.stopCommand();
      else signalGroup(pid, signal);
      // The last two steps follow quickly: a process that did not stop in good order will not do so later.
      const waitMs = signal === life.spec.stopSignal ? Math.max(0, endMs - performance.now()) : 300;
      const cancel = new AbortController();
      const done = await Promise.race([life.ended, sleep(waitMs, null, { signal: cancel.signal }).catch(() => null)]);
      cancel.abort();
      if (done !== null) break;
    }
  }

  return {
    get spec() {
      return spec;
    },
    get state() {
      return state;
    },
    get pid() {
      return current?.over === false ? current.pid : undefined;
    },
    get pids() {
      return [...lives].flatMap(({ pid }) => pid ?? []);
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
        if (everReady) options.report(name, `cannot be started again: ${messageOf(error)}`);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
      return promise;
    },
    replace,
    async stop(patienceMs) {
      stopping.abort();
      await Promise.all([...lives].map((life) => stopLife(life, patienceMs)));
      state = 'stopped';
    },
    kill() {
      stopping.abort();
      for (const { pid, spec: of } of lives) if (pid !== undefined) signalGroup(pid, of.forceSignals[0] ?? 'SIGKILL');
      state = 'stopped';
    },
  };
}

/** What a process says through the pipe that kit's `serve` writes to. */
function readyLines(child: ChildProcess): Pick<Life, 'prepared' | 'listening'> {
  const prepared = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<void>();
  const pipe = child.stdio[4];
  if (pipe && 'on' in pipe) {
    let said = '';
    pipe.on('error', () => {});
    pipe.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-100);
      if (said.includes('prepared\n')) prepared.resolve();
      if (said.includes('listening\n')) listening.resolve();
    });
  }
  return { prepared: prepared.promise, listening: listening.promise };
}

async function isReady({ spec, pid, over }: Life): Promise<boolean> {
  if (pid === undefined || over) return false;
  if (typeof spec.ready === 'function') return spec.ready(pid);
  try {
    const answer = await fetch(spec.ready, { signal: AbortSignal.timeout(3_000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

/** A program advises to set its own variable for another port; under "npm start" ports are chosen together. */
function adviseHere(words: string): string {
  return words.replace(/, or set \w*PORT to a free port/, ', or choose other ports with --port-base');
}

function endedWith(code: number | null): string {
  return `ended with exit code ${code}`;
}

function seconds(milliseconds: number): string {
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${Math.round(milliseconds / 1000)} s`;
}
