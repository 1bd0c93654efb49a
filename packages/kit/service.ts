import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Express } from 'express';

import type { Config, listenSettings } from './config.ts';
import type { Logger } from './logging.ts';
import { createApp, failuresOf, listen, type ReadinessCheck, type RunningServer } from './server.ts';
import { type Closable, shutdownOnSignal } from './shutdown.ts';

/** Where to listen, how to begin and end, and what requests may take: what `listenSettings` reads. */
export type ListenConfig = Pick<
  Config<ReturnType<typeof listenSettings>>,
  'host' | 'port' | 'listenFd' | 'readyFd' | 'drainMs' | 'requestTimeoutMs' | 'allowedHosts'
>;

/**
 * The last step of every service's start: listens, says where, and from then on ends in order when it is told to.
 *
 * If the environment names READY_FD, it listens only when it is ready to do its work, and writes two lines into that
 * pipe: `prepared` before it listens, `listening` when it does. So whoever replaces one process by another knows when
 * the new one takes over; the idea is s6's notification-fd. LISTEN_FD lets both listen on one socket.
 *
 * @param ready,behind,pages,release see {@link createApp}.
 * @param onClosing is called when the server begins to close: what would keep it open, such as a stream of events, ends by
 *   itself then, at the latest when the signal aborts.
 * @param closables what to close after the server, in this order.
 * @throws the system's error if it cannot listen.
 */
export async function serve(options: {
  logger: Logger;
  listen: ListenConfig;
  ready: Readonly<Record<string, ReadinessCheck>>;
  behind?: Readonly<Record<string, ReadinessCheck>>;
  pages?: readonly string[];
  release?: string | null;
  routes: (app: Express) => void;
  onClosing?: (hurry: AbortSignal) => void;
  closables: readonly Closable[];
}): Promise<void> {
  const { logger, listen: config, onClosing, closables, ...app } = options;
  const { host, port, listenFd, readyFd, drainMs, requestTimeoutMs, allowedHosts } = config;
  let server: RunningServer | undefined;
  // Before it is ready, too, so that it does not leave connections to the database behind.
  async function closeServer(hurry: AbortSignal): Promise<void> {
    const closed = server?.close({ hurry });
    onClosing?.(hurry);
    await closed;
  }
  shutdownOnSignal(logger, [{ name: 'server', close: closeServer }, ...closables], { drainMs });
  if (readyFd !== null) {
    await untilReady(app.ready, logger);
    notify(readyFd, 'prepared');
  }
  server = await listenWhenFree(
    () =>
      listen(
        createApp({ logger, requestTimeoutMs, allowedHosts, ...app }),
        host,
        port,
        listenFd === null ? {} : { fd: listenFd },
      ),
    readyFd === null ? 0 : takeOverPatienceMs,
  );
  if (readyFd !== null) notify(readyFd, 'listening');
  logger.info({ url: server.url }, 'Listening');
}

/** How often readiness is looked at before a service listens, in milliseconds. */
const readinessPollMs = 50;

async function untilReady(ready: Readonly<Record<string, ReadinessCheck>>, logger: Logger): Promise<void> {
  let said = '';
  for (;;) {
    const failures = (await failuresOf(ready)).join('; ');
    if (failures === '') return;
    if (failures !== said) logger.warn({ failures }, 'Not ready yet');
    said = failures;
    await sleep(readinessPollMs);
  }
}

/** How long the process before may take to leave the port, in milliseconds, if no socket is handed over. */
const takeOverPatienceMs = 10_000;
const takeOverPollMs = 5;

async function listenWhenFree(attempt: () => Promise<RunningServer>, patienceMs: number): Promise<RunningServer> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
      if (!taken || performance.now() >= endMs) throw error;
      await sleep(takeOverPollMs);
    }
  }
}

/** The parent of this process may be gone: it runs on. */
function notify(fd: number, line: string): void {
  write(fd, `${line}\n`, () => {});
}
