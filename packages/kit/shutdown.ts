import type { Logger } from './logging.ts';

/** A thing to end, in the order given: first what takes requests, last what reports them. */
export interface Closable {
  name: string;
  close(): Promise<void>;
}

/** How long all but the last may take together, in milliseconds: what hangs must not keep the last from its report. */
const patienceMs = 3_000;

/** How long all of it may take before the process ends anyway, in milliseconds. */
const deadlineMs = 4_000;

/**
 * Ends the process in order at SIGTERM or SIGINT: exit code 0 where everything closed, 1 where something failed or
 * took too long (three seconds; one more is for the last, which reports what happened). An uncaught error is logged and
 * ends the process the same way, with exit code 1.
 */
export function shutdownOnSignal(logger: Logger, closables: readonly Closable[]): void {
  let ending = false;
  async function end(reason: string, exitCode: number): Promise<void> {
    if (ending) return;
    ending = true;
    logger.info({ reason }, 'Stopping');
    setTimeout(() => {
      logger.error(`Not everything stopped within ${deadlineMs} ms`);
      process.exit(1);
    }, deadlineMs).unref();
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error(`not closed after ${patienceMs} ms`)), patienceMs).unref();
    });
    late.catch(() => {}); // only ever awaited in the races below
    let code = exitCode;
    for (const [index, { name, close }] of closables.entries()) {
      try {
        await (index === closables.length - 1 ? close() : Promise.race([close(), late]));
      } catch (error) {
        code = 1;
        logger.error({ err: error }, `${name} did not stop cleanly`);
      }
    }
    process.exit(code);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal, 0));
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'Uncaught error');
    void end('uncaughtException', 1);
  });
}
