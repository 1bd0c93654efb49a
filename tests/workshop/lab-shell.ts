import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type LabBlock, missingLine } from './read-lab.ts';

/** A block that a person would repeat, or wait for, is given up after this long, in milliseconds. */
const patienceMs = 90_000;
/** A block that runs once; the longest, a push with its pipeline, takes 70 s on two cores. */
const blockWithinMs = 420_000;
const repeatEveryMs = 1_000;

/** One person at one keyboard: a shell that keeps its directory and variables, and terminals that stay open. */
export interface LabShell {
  /** Runs a block. @throws with the commands and all that they wrote, if they fail or the expectation is not met. */
  run(block: LabBlock): Promise<void>;
  /** Ends the shell and every terminal, as Ctrl-C does. */
  close(): Promise<void>;
}

/**
 * @param directory where it begins.
 * @param scratch for files of its own.
 * @param isRunning whether what `npm start` starts runs already: a reader does not start it twice.
 * @param rewrite is applied to commands and expectations, because a suite of the test's own listens elsewhere.
 */
export function openLabShell(options: {
  directory: string;
  scratch: string;
  env: Readonly<Record<string, string>>;
  isRunning: () => Promise<boolean>;
  rewrite: (text: string) => string;
}): LabShell {
  const { scratch, isRunning, rewrite } = options;
  mkdirSync(scratch, { recursive: true });
  const terminals: Terminal[] = [];
  const shell = openTerminal([], options);
  let blocks = 0;

  /** Runs commands in the one shell, and returns what they wrote. What is repeated may fail, and runs in a shell below. */
  async function runOnce(commands: string, isRepeated: boolean): Promise<string> {
    blocks += 1;
    const file = join(scratch, `block-${blocks}.sh`);
    const end = `end of block ${randomUUID()}`;
    writeFileSync(file, `${commands}\n`);
    const from = shell.output().length;
    const call = isRepeated ? `(. '${file}') </dev/null || true` : `. '${file}' </dev/null`;
    shell.process.stdin?.write(`${call}\necho; echo '${end}'\n`);
    const written = () => shell.output().slice(from);
    const deadline = performance.now() + blockWithinMs;
    while (!written().includes(end)) {
      if (shell.hasEnded()) throw new Error(`These commands fail:\n${commands}\nThey wrote:\n${written()}`);
      if (performance.now() > deadline) throw new Error(`These commands do not end:\n${commands}\n${written()}`);
      await sleep(20);
    }
    return written().slice(0, written().indexOf(end));
  }

  return {
    async run(block) {
      const commands = rewrite(block.commands);
      const expected = block.expected.map(rewrite);
      let output: () => string | Promise<string> = () => runOnce(commands, block.kind === 'until-seen');
      if (block.kind === 'terminal') {
        if (commands === 'npm start' && (await isRunning())) return;
        const terminal = openTerminal(['-c', commands], options);
        terminals.push(terminal);
        output = terminal.output;
      }
      const deadline = performance.now() + (block.kind === 'once' ? 0 : patienceMs);
      for (;;) {
        const seen = await output();
        const missing = missingLine(seen, expected);
        if (missing === null) return;
        if (performance.now() > deadline) {
          throw new Error(`"${missing}" is not in what is written by:\n${commands}\nThis is all:\n${seen}`);
        }
        await sleep(repeatEveryMs);
      }
    },
    async close() {
      shell.process.stdin?.end();
      await Promise.all([shell, ...terminals].map((each) => each.close()));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

interface Terminal {
  process: ChildProcess;
  output(): string;
  hasEnded(): boolean;
  close(): Promise<void>;
}

function openTerminal(
  args: readonly string[],
  { directory, env }: { directory: string; env: Readonly<Record<string, string>> },
): Terminal {
  // A process group of its own, so that what it has started ends with it.
  const child = spawn('bash', ['-e', '-u', '-o', 'pipefail', ...args], {
    cwd: directory,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  child.stdin.on('error', () => {}); // it has ended; whoever waits for it says so
  // If the test itself is ended, nobody calls close().
  process.once('exit', () => signal('SIGINT'));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid ?? 0), name);
    } catch {
      // Nobody of the group is left.
    }
  };
  return {
    process: child,
    output: () => output,
    hasEnded,
    async close() {
      if (!hasEnded()) signal('SIGINT');
      for (let waited = 0; waited < 15_000 && !hasEnded(); waited += 50) await sleep(50);
      signal('SIGKILL');
    },
  };
}
