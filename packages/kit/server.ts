import { createServer as createHttpServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';

import express, { type ErrorRequestHandler, type Express, type Response } from 'express';

import { deadlines } from './deadline.ts';
import { problemContentType, ServiceError, toProblem, toServiceError } from './errors.ts';
import type { Logger } from './logging.ts';
import { refuseStrangers } from './strangers.ts';
import { acceptRelease, releaseHeader } from './release.ts';

/** A check that `/readyz` makes of something: it throws if that does not answer. */
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
 * @param options.requestTimeoutMs how long a request may take, unless its caller asks for less ({@link deadlines});
 *   without it there is no limit.
 * @param options.allowedHosts,options.pages whose requests are taken ({@link refuseStrangers}); without the former, a
 *   check of the routes' own.
 * @param options.release `service.version`, told with every answer; null or left out if it is not known.
 */
export function createApp(options: {
  logger: Logger;
  ready: Readonly<Record<string, ReadinessCheck>>;
  behind?: Readonly<Record<string, ReadinessCheck>>;
  requestTimeoutMs?: number;
  allowedHosts?: readonly string[];
  pages?: readonly string[];
  release?: string | null;
  routes: (app: Express) => void;
}): Express {
  const release = acceptRelease(options.release);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  if (release !== null) {
    app.use((_request, response, next) => {
      response.set(releaseHeader, release);
      next();
    });
  }

  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  app.get('/readyz', async (_request, response) => {
    const [failures, behind] = await Promise.all([
      failuresOf(options.ready),
      runChecks(options.behind ?? {}, behindTimeoutMs),
    ]);
    response
      .status(failures.length > 0 ? 503 : 200)
      .json({ status: failures.length > 0 ? 'not ready' : 'ok', failures, behind });
  });
  // After the two above: a probe comes under whatever name or address its sender knows.
  if (options.allowedHosts) app.use(refuseStrangers(options.allowedHosts, options.pages ?? []));
  if (options.requestTimeoutMs !== undefined) app.use(deadlines(options.requestTimeoutMs));
  options.routes(app);
  app.use((request) => {
    throw new ServiceError('not_found', `There is nothing at ${request.method} ${request.path.slice(0, 200)}.`);
  });
  app.use(problemHandler(options.logger));
  return app;
}

/** Asks the service's own parts. @returns for each part that fails: its name, and what it says. */
export async function failuresOf(ready: Readonly<Record<string, ReadinessCheck>>): Promise<string[]> {
  return Object.entries(await runChecks(ready, ownPartTimeoutMs)).flatMap(([name, outcome]) =>
    outcome === 'ok' ? [] : [`${name}: ${outcome}`],
  );
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
    const error = toServiceError(thrown);
    const line = { code: error.code, method: request.method, path: request.path, err: error.cause ?? undefined };
    // An overload is an answer and not a fault, and many of them come at once.
    if (error.code === 'overloaded') logger.warn(line, error.message);
    else if (error.status >= 500) logger.error(line, error.message);
    else logger.info(line, error.message);
    sendProblem(response, error);
  };
}

/** Answers with the problem document of an error, and with the headers that belong to it. */
export function sendProblem(response: Response, error: ServiceError): void {
  if (error.retryAfterSeconds !== undefined) response.set('retry-after', String(error.retryAfterSeconds));
  if (error.allow !== undefined) response.set('allow', error.allow);
  response
    .status(error.status)
    .type(problemContentType)
    .send(JSON.stringify(toProblem(error)));
}

/** How a server ends. */
export interface CloseOptions {
  /**
   * Until this aborts, connections without a request are kept, because a client may be just sending one. Without it they
   * are cut at once.
   */
  hurry?: AbortSignal;
  /** After how long requests that have not finished are cut, in milliseconds; without it they are waited for. */
  cutAfterMs?: number;
}

/** A server that listens. */
export interface RunningServer {
  /** Where it answers, for example `http://127.0.0.1:8081`. */
  url: string;
  /** Takes no further connection. Answers what comes on the open ones, a last time on each, and then resolves. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * For how long clients are told to keep an idle connection (`Keep-Alive: timeout=5`), in seconds. Those that heed it
 * (undici, Node's agent) close theirs before. So a server that keeps its idle connections for that long while it closes
 * cuts none that a request is just sent on.
 */
export const keepAliveSeconds = 5;
/** How much longer a server keeps it: a request must not meet a socket that is just being closed (ECONNRESET). */
const keepAliveBufferMs = 60_000;

/**
 * After how long a connection is given up between two requests, in milliseconds. A client that never rests would
 * otherwise keep the ones it has, and an instance that is added later, behind the same address, would get nothing to do.
 */
const connectionAgeMs = 30_000;

/**
 * Listens. What asks for a target that is no URL (`http://[`) is refused before `app` sees it.
 *
 * @param port 0 for any free one.
 * @param options.maxHeaderSize of a request with its URL, in bytes; Node's 16 KiB if it is not given.
 * @param options.connectionAgeMs after how long a connection is given up between two requests, in milliseconds.
 * @param options.fd the descriptor of a socket that another process has bound; host and port are then its own.
 * @throws the system's error, with `code` EADDRINUSE if the port is taken.
 */
export async function listen(
  app: Express,
  host: string,
  port: number,
  options: { maxHeaderSize?: number; connectionAgeMs?: number; fd?: number } = {},
): Promise<RunningServer> {
  const { fd, connectionAgeMs: ageMs = connectionAgeMs, ...serverOptions } = options;
  const server = createHttpServer(serverOptions, (request, response) => {
    if (isTarget(request.url ?? '')) app(request, response);
    else refuseTarget(response);
  });
  server.keepAliveTimeout = keepAliveSeconds * 1000;
  server.keepAliveTimeoutBuffer = keepAliveBufferMs;
  server.headersTimeout = keepAliveSeconds * 1000 + keepAliveBufferMs + 1_000;
  const openResponses = trackResponses(server);
  giveUpAged(server, ageMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (fd === undefined) server.listen(port, host, resolve);
    else server.listen({ fd }, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close(closeOptions) {
      for (const response of openResponses) lastOnItsConnection(response);
      return closeServer(server, closeOptions);
    },
  };
}

/** Whether the target of a request is a path, a `*` or a whole URL, which names no user (RFC 9110, 4.2.4). */
function isTarget(target: string): boolean {
  if (/^[/*]/.test(target)) return true;
  const url = URL.parse(target);
  return url !== null && url.pathname !== '' && url.username === '' && url.password === '';
}

/** Not done by a handler of the app: some of these targets Express answers in HTML, before it calls any handler. */
function refuseTarget(response: ServerResponse): void {
  const error = new ServiceError('invalid_argument', 'The target of the request is neither a path nor a URL.');
  response.writeHead(error.status, { 'content-type': problemContentType }).end(JSON.stringify(toProblem(error)));
}

function trackResponses(server: Server): Set<ServerResponse> {
  const open = new Set<ServerResponse>();
  server.prependListener('request', (_request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
  });
  return open;
}

/** The answer to the first request on a connection that is older than `ageMs` is the last on it. */
function giveUpAged(server: Server, ageMs: number): void {
  const madeAtMs = new WeakMap<Socket, number>();
  server.on('connection', (socket) => void madeAtMs.set(socket, performance.now()));
  server.prependListener('request', ({ socket }, response) => {
    if (performance.now() - (madeAtMs.get(socket) ?? 0) > ageMs) lastOnItsConnection(response);
  });
}

/** Makes the client send its next request elsewhere, and not into a connection that ends. */
function lastOnItsConnection(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

/** How often a closing server looks for connections whose request has ended meanwhile, in milliseconds. */
const idleCheckMs = 20;

/** Closes a server as `RunningServer.close` does. */
export function closeServer(server: Server, { hurry, cutAfterMs }: CloseOptions = {}): Promise<void> {
  return new Promise((resolve) => {
    server.prependListener('request', (_request, response) => lastOnItsConnection(response));
    const late = cutAfterMs === undefined ? undefined : setTimeout(() => server.closeAllConnections(), cutAfterMs);
    // A connection that becomes idle later was told that its answer was the last. Its client may not have heeded that.
    let cut: NodeJS.Timeout | undefined;
    const cutIdle = () => {
      server.closeIdleConnections();
      cut = setInterval(() => server.closeIdleConnections(), idleCheckMs);
    };
    if (hurry && !hurry.aborted) hurry.addEventListener('abort', cutIdle);
    else cutIdle();
    // Node's http server would cut idle connections here; a net server only stops listening.
    NetServer.prototype.close.call(server, () => {
      hurry?.removeEventListener('abort', cutIdle);
      clearInterval(cut);
      clearTimeout(late);
      resolve();
    });
  });
}
