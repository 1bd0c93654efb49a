import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import express, { type ErrorRequestHandler, type Express } from 'express';

import { problemContentType, ServiceError, toProblem, toServiceError } from './errors.ts';
import type { Logger } from './logging.ts';

/** Something that `/readyz` asks: it throws where that does not answer. */
export type ReadinessCheck = () => Promise<void>;

/** How long `/readyz` waits for the service's own parts, in milliseconds. */
const ownPartTimeoutMs = 2_000;

/**
 * How long `/readyz` waits for the services behind this one, in milliseconds. Kubernetes gives a probe one second unless
 * it is told otherwise: a slow service behind this one must not make this one's answer late.
 */
const behindTimeoutMs = 500;

/**
 * An Express application with what every service shares: `/healthz` (this process is alive), `/readyz` (it can do its own
 * part), the routes, and problem documents for all that fails or is not there.
 *
 * @param options.ready the service's own parts, for example its database. While one of them fails, `/readyz` answers 503,
 *   and a balancer sends no requests here.
 * @param options.behind the services that this one asks. `/readyz` reports them in its body and never in its status: one
 *   failing service would otherwise take every instance of those in front of it out of traffic, too.
 */
export function createApp(options: {
  logger: Logger;
  ready: Readonly<Record<string, ReadinessCheck>>;
  behind?: Readonly<Record<string, ReadinessCheck>>;
  routes: (app: Express) => void;
}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  app.get('/readyz', async (_request, response) => {
    const [own, behind] = await Promise.all([
      runChecks(options.ready, ownPartTimeoutMs),
      runChecks(options.behind ?? {}, behindTimeoutMs),
    ]);
    const failures = Object.entries(own).flatMap(([name, outcome]) =>
      outcome === 'ok' ? [] : [`${name}: ${outcome}`],
    );
    response
      .status(failures.length > 0 ? 503 : 200)
      .json({ status: failures.length > 0 ? 'not ready' : 'ok', failures, behind });
  });
  options.routes(app);
  app.use((request) => {
    throw new ServiceError('not_found', `There is nothing at ${request.method} ${request.path.slice(0, 200)}.`);
  });
  app.use(problemHandler(options.logger));
  return app;
}

/** Runs all checks at once. @returns for each `ok`, or why it failed. */
async function runChecks(
  checks: Readonly<Record<string, ReadinessCheck>>,
  timeoutMs: number,
): Promise<Record<string, string>> {
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs).unref();
  });
  late.catch(() => {}); // only ever awaited in the races below
  const outcomes = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, string]> => {
      try {
        await Promise.race([check(), late]);
        return [name, 'ok'];
      } catch (error) {
        return [name, error instanceof Error ? error.message : String(error)];
      }
    }),
  );
  return Object.fromEntries(outcomes);
}

/** The last handler: whatever was thrown becomes a problem document; what is ours to repair is logged with its cause. */
function problemHandler(logger: Logger): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const error = isBadRequest(thrown) ? new ServiceError('invalid_argument', thrown.message) : toServiceError(thrown);
    const line = { code: error.code, method: request.method, path: request.path, err: error.cause ?? undefined };
    if (error.status >= 500) logger.error(line, error.message);
    else logger.info(line, error.message);
    response
      .status(error.status)
      .type(problemContentType)
      .send(JSON.stringify(toProblem(error)));
  };
}

/** Express and its body parsers throw errors that carry a 4xx status of their own. */
function isBadRequest(thrown: unknown): thrown is Error {
  return (
    thrown instanceof Error &&
    'status' in thrown &&
    typeof thrown.status === 'number' &&
    thrown.status >= 400 &&
    thrown.status < 500 &&
    !(thrown instanceof ServiceError)
  );
}

/** A server that listens. */
export interface RunningServer {
  /** Where it answers, for example `http://127.0.0.1:8081`. */
  url: string;
  /**
   * Stops taking connections, lets open requests finish, then resolves; keep-alive connections are cut when idle. Those
   * that have not finished after `graceMs` are cut; without it they are waited for.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Listens.
 *
 * @param port 0 for any free one.
 * @param options.maxHeaderSize of a request with its URL, in bytes; Node's 16 KiB where it is not given.
 * @throws the system's error, with `code` EADDRINUSE where the port is taken.
 */
export async function listen(
  app: Express,
  host: string,
  port: number,
  options: { maxHeaderSize?: number } = {},
): Promise<RunningServer> {
  const server = createHttpServer(options, app);
  // Longer than any client keeps an idle connection, or a request meets a socket that is just being closed (ECONNRESET).
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 66_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: (graceMs) => closeServer(server, graceMs),
  };
}

/** How often a closing server looks for connections whose request has ended meanwhile, in milliseconds. */
const idleCheckMs = 20;

/** Closes a server as `RunningServer.close` does. */
export function closeServer(server: Server, graceMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const late = graceMs === undefined ? undefined : setTimeout(() => server.closeAllConnections(), graceMs);
    // Node cuts what is idle now. A connection that is busy now is kept open afterwards, for its client to use again,
    // and would hold the server until the keep-alive timeout.
    const cut = setInterval(() => server.closeIdleConnections(), idleCheckMs);
    server.close(() => {
      clearInterval(cut);
      clearTimeout(late);
      resolve();
    });
  });
}
