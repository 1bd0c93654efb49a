import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';

/** How a program ended. */
export interface Ended {
  /** As a shell counts: 128 and the signal's number if a signal ended it. Null if it could not be started. */
  exitCode: number | null;
  /** A clause after the name of the step, null if it ended with 0. */
  reason: string | null;
}

export interface ProcessOptions {
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Asks it, and all it started, to end; after `graceMs` makes them. */
  signal: AbortSignal;
  /** Both streams as they come. */
  output: (text: string) => void;
  graceMs?: number;
  /** Called when the signal fires, to stop what runs elsewhere, such as a container. */
  onAbort?: () => void;
}

/** How long to read the pipes on after a program has ended: a process that it left behind may hold them open. */
const drainMs = 500;
const ownGroup = process.platform !== 'win32';

/**
 * Runs a program to its end, in a process group of its own. Processes that it leaves running are ended, as a container
 * would do. Resolves in any case.
 */
export function runProcess(program: string, args: readonly string[], options: ProcessOptions): Promise<Ended> {
  const { cwd, env, signal, output, graceMs = 5_000 } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ exitCode: null, reason: 'was not started: the run was ended' });
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: ownGroup,
      windowsHide: true,
    });
    let force: NodeJS.Timeout | undefined;

    const signalAll = (name: NodeJS.Signals) => {
      if (child.pid === undefined) return;
      try {
        process.kill(ownGroup ? -child.pid : child.pid, name);
      } catch {
        // nothing is left of it
      }
    };
    const stop = () => {
      signalAll('SIGTERM');
      options.onAbort?.();
      force = setTimeout(() => signalAll('SIGKILL'), graceMs);
    };
    signal.addEventListener('abort', stop, { once: true });

    for (const stream of [child.stdout, child.stderr]) {
      const decoder = new StringDecoder('utf8');
      stream.on('data', (chunk: Buffer) => output(decoder.write(chunk)));
      stream.on('end', () => {
        const rest = decoder.end();
        if (rest !== '') output(rest);
      });
    }
    const guard = child.pid === undefined ? null : startGuard(child.pid);
    const finish = (ended: Ended) => {
      guard?.dismiss();
      signal.removeEventListener('abort', stop);
      clearTimeout(force);
      resolve(ended);
    };
    child.once('error', (error) => finish({ exitCode: null, reason: `cannot be started: ${error.message}` }));
    child.once('exit', (code, signalName) => {
      signalAll('SIGKILL');
      const ended = describeEnd(code, signalName);
      const drained = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, drainMs);
      child.once('close', () => {
        clearTimeout(drained);
        finish(ended);
      });
    });
  });
}

/**
 * A runner that is killed cannot end what it has started, and a step is in a process group of its own. So a small shell
 * waits at a pipe that the system closes with the runner, and ends the step then. Not on Windows, which has no sh.
 */
function startGuard(pid: number): { dismiss(): void } {
  if (!ownGroup) return { dismiss() {} };
  const script = 'read -r word; [ "$word" = over ] || kill -s KILL -- "-$1"';
  const shell = spawn('/bin/sh', ['-c', script, 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
  });
  shell.on('error', () => {}); // a machine without sh could not run the step either
  shell.stdin.on('error', () => {});
  shell.unref();
  return { dismiss: () => void shell.stdin.end('over\n') };
}

function describeEnd(code: number | null, signalName: NodeJS.Signals | null): Ended {
  if (signalName) return { exitCode: 128 + constants.signals[signalName], reason: `was ended by ${signalName}` };
  return { exitCode: code, reason: code === 0 ? null : `ended with exit code ${code}` };
}
