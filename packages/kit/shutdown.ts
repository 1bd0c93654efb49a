import type { Logger } from './logging.ts';

/** A thing to end, in the order given: first what takes requests, last what reports them. */
export interface Closable {
  name: string;
  /**
   * @param hurry aborts when there is no more time to be considerate: at SIGTERM after the drain, otherwise it has
   *   aborted before this is called.
   */
  close(hurry: AbortSignal): Promise<void>;
}

/** How long all but the last may take together, in milliseconds: what hangs must not keep the last from its report. */
const stopPatienceMs = 3_000;
/** The same after a drain: the process has a successor, so nobody waits for its end, and its requests may be slow. */
const drainedPatienceMs = 10_000;
/** How long the last may take after that, in milliseconds, before the process ends anyway. */
const lastPatienceMs = 1_000;

/**
 * Ends the process in order at SIGTERM or SIGINT: exit code 0 if everything closed, 1 if something failed or took too
 * long (three seconds; one more is for the last, which reports what happened). An uncaught error is logged and ends the
 * process the same way, with exit code 1.
 *
 * SIGTERM may mean that another process takes over, as in a rollout. With `drainMs` it leaves clients that long to go
 * there; SIGINT ends that wait. SIGINT means that the whole suite ends, so it waits for nobody.
 *
 * @param options.drainMs in milliseconds; none if it is not given.
 */
export function shutdownOnSignal(
  logger: Logger,
  closables: readonly Closable[],
  { drainMs = 0 }: { drainMs?: number } = {},
): void {
  const hurry = new AbortController();
  let ending = false;
  async function end(reason: string, drainFirstMs: number, exitCode: number): Promise<void> {
    if (drainFirstMs === 0) hurry.abort();
    if (ending) return;
    ending = true;
    const patienceMs = drainFirstMs > 0 ? drainFirstMs + drainedPatienceMs : stopPatienceMs;
    const deadlineMs = patienceMs + lastPatienceMs;
    logger.info({ reason }, 'Stopping');
    setTimeout(() => hurry.abort(), drainFirstMs).unref();
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
        const closed = close(hurry.signal);
        await (index === closables.length - 1 ? closed : Promise.race([closed, late]));
      } catch (error) {
        code = 1;
        logger.error({ err: error }, `${name} did not stop cleanly`);
      }
    }
    process.exit(code);
  }
  process.on('SIGTERM', () => void end('SIGTERM', drainMs, 0));
  process.on('SIGINT', () => void end('SIGINT', 0, 0));
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'Uncaught error');
    void end('uncaughtException', 0, 1);
  });
}
