import { ConfigError } from './config.ts';

/** 128 and the signal's number, as shells count. */
const sigtermExitCode = 143;

/**
 * Runs a program's `main`. What it throws before it is up ends the process with one clear line on standard error and
 * exit code 1; a wrong setting is 2.
 */
export async function runMain(name: string, main: () => Promise<void>): Promise<void> {
  // On a full disk a line is lost, and the program goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // A program that is process 1 of a container is not ended by SIGTERM unless it listens, for example while it waits for
  // its database. Whoever listens later decides what happens then.
  process.on('SIGTERM', () => {
    if (process.listenerCount('SIGTERM') === 1) process.exit(sigtermExitCode);
  });
  try {
    await main();
  } catch (error) {
    console.error(`${name}: ${explain(error)}`);
    process.exit(error instanceof ConfigError ? 2 : 1);
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    const port = 'port' in error ? String(error.port) : '';
    return `port ${port} is taken by another program. Stop that program, or set PORT to a free port.`;
  }
  const cause = error.cause instanceof Error ? ` (${words(error.cause)})` : '';
  return error instanceof ConfigError ? error.message : `${words(error)}${cause}`;
}

/** A name with several addresses fails with one error for each of them, and no message of its own. */
function words(error: Error): string {
  if (error.message) return error.message;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first.message : error.name;
}
