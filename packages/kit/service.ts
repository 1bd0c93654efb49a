import type { Express } from 'express';

import type { Logger } from './logging.ts';
import { createApp, listen, type ReadinessCheck } from './server.ts';
import { type Closable, shutdownOnSignal } from './shutdown.ts';

/**
 * The last step of every service's start: listens, says where, and from then on ends in order when it is told to.
 *
 * @param ready,behind see {@link createApp}.
 * @param closables what to close after the server, in this order.
 * @throws the system's error where it cannot listen.
 */
export async function serve(options: {
  logger: Logger;
  host: string;
  port: number;
  ready: Readonly<Record<string, ReadinessCheck>>;
  behind?: Readonly<Record<string, ReadinessCheck>>;
  routes: (app: Express) => void;
  closables: readonly Closable[];
}): Promise<void> {
  const { logger, host, port, closables, ...app } = options;
  const server = await listen(createApp({ logger, ...app }), host, port);
  shutdownOnSignal(logger, [{ name: 'server', close: server.close }, ...closables]);
  logger.info({ url: server.url }, 'Listening');
}
