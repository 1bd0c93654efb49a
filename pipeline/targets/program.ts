import { spawn } from 'node:child_process';

import { type TargetContext, TargetError } from './target.ts';

/** What is left in the pipes when a program that was ended is gone is waited for this long, milliseconds. */
const drainMs = 500;
/** How much of a program's output is kept to be read, in characters. */
const keptOutput = 4_000_000;

const stepEnded = 'The step was ended.';

interface Outcome {
  code: number | null;
  /** What it wrote to standard output. */
  output: string;
  /** The last lines of what it wrote to standard error. */
  errors: string;
}

/**
 * Runs a program in the clone, without a shell. If the step ends meanwhile, the program gets SIGTERM and is waited for:
 * helm takes back then what it has begun, and nothing else may change the release at the same time.
 *
 * @param options.env beside the step's own.
 * @param options.show whether its lines go to the step's log as they come.
 * @throws {TargetError} if there is no such program, or, once the program is gone, if the step ends meanwhile.
 */
export async function runProgram(
  context: TargetContext,
  command: readonly [string, ...string[]],
  options: { env?: Readonly<Record<string, string>>; show?: boolean } = {},
): Promise<Outcome> {
  if (context.signal.aborted) throw new TargetError(stepEnded);
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: context.root,
    env: { ...context.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: context.signal,
    windowsHide: true,
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-keptOutput);
    if (options.show) showLines(chunk, context.log);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
    if (options.show) showLines(chunk, context.log);
  });
  return new Promise((resolve, reject) => {
    let wasEnded = false;
    let drained: NodeJS.Timeout | undefined;
    child.on('error', (error) => {
      // What has begun is over when it closes. The AbortError comes as soon as SIGTERM is sent.
      if (child.pid !== undefined) {
        wasEnded ||= context.signal.aborted;
        return;
      }
      const missing = 'code' in error && error.code === 'ENOENT';
      const why = missing ? `there is no ${program} on the PATH: install it` : error.message;
      reject(new TargetError(`${program} cannot be run: ${why}`));
    });
    child.once('exit', () => {
      if (!wasEnded) return;
      // What it has started may hold the pipes open for as long as it likes.
      drained = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, drainMs);
    });
    child.once('close', (code) => {
      clearTimeout(drained);
      if (wasEnded) reject(new TargetError(stepEnded));
      else resolve({ code, output, errors });
    });
  });
}

function showLines(chunk: Buffer, log: (line: string) => void): void {
  for (const line of chunk.toString().split('\n')) if (line.trim() !== '') log(line.trimEnd());
}

/** The same, and its output. @throws {TargetError} if it fails, with what it says last. */
export async function mustRun(...args: Parameters<typeof runProgram>): Promise<string> {
  const { code, output, errors } = await runProgram(...args);
  if (code === 0) return output;
  const said = (errors || output).trim().split('\n').slice(-5).join(' / ');
  const [program, subcommand] = args[1];
  throw new TargetError(`${program} ${subcommand ?? ''} failed${said ? `: ${said}` : ` with exit code ${code}`}`);
}
