import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs that `.ci/tools` builds, and the engine of Docker. `helm` is Helm 4, `helm3` Helm 3. */
export type ToolName =
  | 'k6'
  | 'otelcol-contrib'
  | 'otelcol-opensearch'
  | 'docker'
  | 'docker-compose'
  | 'kubectl'
  | 'helm'
  | 'helm3'
  | 'conftest'
  | 'kubeconform'
  | 'promtool'
  | 'prometheus'
  | 'alertmanager';

/**
 * A real tool, by its name, from `HOTROD_TOOLS` (where `.ci/tools` puts what it builds) or the PATH.
 *
 * @returns its path; null if it is missing, after a line that says so.
 * @throws if it is missing and `CI` is set: there every tool has to be.
 */
export function findTool(name: ToolName): string | null {
  for (const directory of [process.env['HOTROD_TOOLS'], ...(process.env['PATH'] ?? '').split(delimiter)]) {
    if (!directory) continue;
    const program = join(directory, name);
    try {
      accessSync(program, constants.X_OK);
      return program;
    } catch {
      // not in this one
    }
  }
  const message = `There is no ${name} in HOTROD_TOOLS or on the PATH (.ci/tools builds it)`;
  if (process.env['CI']) throw new Error(message);
  console.warn(`${message}: its tests are skipped.`);
  return null;
}

/** The outcome of a program that ran to its end. */
export interface Outcome {
  code: number | null;
  /** Both streams. */
  output: string;
  stdout: string;
}

/** Runs a program to its end, whatever its exit code; killed after `timeoutMs`. */
export function run(
  program: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string; timeoutMs?: number } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, stdout }));
  });
}

/** Like {@link run}, for what has to succeed. @throws with its output if it does not end with 0. */
export async function mustRun(...args: Parameters<typeof run>): Promise<string> {
  const { code, output, stdout } = await run(...args);
  if (code !== 0) throw new Error(`${args[0]} ${args[1].join(' ')} ended with ${code}:\n${output.slice(-6_000)}`);
  return stdout;
}
