import { spawn } from 'node:child_process';

import { type TargetContext, TargetError } from './target.ts';

/** How much of a program's output is kept to be read, in characters. */
const keptOutput = 4_000_000;

interface Outcome {
  code: number | null;
  /** What it wrote to standard output. */
  output: string;
  /** The last lines of what it wrote to standard error. */
  errors: string;
}

/**
 * Runs a program in the clone, without a shell.
 *
 * @param options.env beside the step's own.
 * @param options.show whether its lines go to the step's log as they come.
 * @throws {TargetError} if there is no such program, or the step ends meanwhile.
 */
export async function runProgram(
  context: TargetContext,
  command: readonly [string, ...string[]],
  options: { env?: Readonly<Record<string, string>>; show?: boolean } = {},
): Promise<Outcome> {
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
    child.once('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT';
      const why = missing ? `there is no ${program} on the PATH: install it` : error.message;
      reject(new TargetError(context.signal.aborted ? 'The step was ended.' : `${program} cannot be run: ${why}`));
    });
    child.once('close', (code) => resolve({ code, output, errors }));
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
