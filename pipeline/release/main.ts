#!/usr/bin/env node
import { listenForSignals } from '../signals.ts';
import type { Command } from './command.ts';
import { exitCodes, UsageError } from './command.ts';
import { oneLine } from './request.ts';

/** Each is loaded when it is asked for: the image of the release tools has no libraries, and most commands need none. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  marker: async () => (await import('./marker/command.ts')).markerCommand,
  record: async () => (await import('./record/command.ts')).createRecordCommand(),
  verify: async () => (await import('./verify/command.ts')).verifyCommand,
  rollback: async () => (await import('./rollback/command.ts')).createRollbackCommand(),
  status: async () => (await import('./status/command.ts')).createStatusCommand(),
  chatops: async () => (await import('../chatops/command.ts')).chatopsCommand,
  preview: async () => (await import('../preview/command.ts')).previewCommand,
};

async function usage(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => `  ${name.padEnd(10)} ${(await load()).summary}\n`),
  );
  return `The release tools of HotROD.

  release COMMAND [options]
  release COMMAND --help

${lines.join('')}
Exit codes: 0 done, 1 failed, 2 wrong use; verify has more.
`;
}

async function run([name, ...args]: string[], signal: AbortSignal): Promise<number> {
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(await usage());
    return exitCodes.done;
  }
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) {
    const known = Object.keys(commands).join(', ');
    throw new UsageError(
      `${name === undefined ? 'a command is missing' : `there is not a command "${name}"`}; known: ${known}`,
    );
  }
  const command = await load();
  if (args.some((each) => each === '--help' || each === '-h')) {
    process.stdout.write(command.usage);
    return exitCodes.done;
  }
  return command.run(args, {
    env: process.env,
    stdout: (text) => process.stdout.write(text),
    stderr: (line) => process.stderr.write(`release: ${line}\n`),
    signal,
  });
}

/** Whether an error says that the program was called wrongly: a UsageError, or one of parseArgs. */
function isWrongUse(error: Error): boolean {
  return error instanceof UsageError || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'));
}

const { signal, force } = listenForSignals();
// 130 as a shell counts: ended by Ctrl-C.
force.addEventListener('abort', () => process.exit(130));
// Whoever reads the output may stop reading it (`release … | head`), or be gone before a rollback is done.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  process.exitCode = await run(process.argv.slice(2), signal);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`release: ${oneLine(error.message)}\n`);
  process.exitCode = isWrongUse(error) ? exitCodes.usage : exitCodes.failed;
}
