import { readFileSync } from 'node:fs';
import { ServiceError, toServiceError } from '@hotrod/kit/errors';
import { sendProblem } from '@hotrod/kit/server';
import { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import { createHostCheck, describeUnknownHost } from '@hotrod/kit/host-names';
import { YieldError } from '../store/questions-connection.ts';
import { failureKind, failureSentence } from '../store/failures.ts';
import { defaultObjectives } from '../store/questions/default-objectives.ts';
import type { Objective } from '../store/questions/objective.ts';
import type { ApiContext, ApiParts } from './context.ts';
import { markerRoutes } from './marker-routes.ts';
import { questionRoutes } from './question-routes.ts';
import { refuseOtherMethods } from './problem.ts';
import { createTurns } from './turns.ts';

export interface ApiOptions {
  /** Default: a latency and an availability objective of HotROD's dispatches. */
  objectives?: readonly Objective[];
  /** The alerts of an objective that fire; none by default. */
  firingOf?: ApiContext['firingOf'];
  /** The key that writers of markers must send as `X-Honeycomb-Team`; without it any will do. */
  markersKey?: string;
  /** How long a question may take, and how long it may wait before that, milliseconds. Default 10,000. */
  queryTimeoutMs?: number;
  /**
   * Names under which the Observatory is reached besides localhost, IP addresses and names without a dot; `*` for any.
   * A page of a stranger cannot read the store by giving its own name the address of this machine.
   */
  hosts?: readonly string[];
  /** The path of a reverse proxy before it, for the OpenAPI document; '' without one. */
  basePath?: string;
  /** Told of failures that are the Observatory's own. */
  onFailure?: (error: unknown) => void;
  /** The clock, Unix milliseconds. */
  now?: () => number;
}

/** Paths that only requests for one of the allowed hosts may reach. */
const guardedPaths = ['/api', '/1/markers', '/metrics'];

/**
 * The routes of the JSON API under `/api`, of the markers under `/1/markers`, and `/metrics`, to be mounted at the root.
 * Whatever goes wrong in them is answered as a problem document.
 */
export function createApi(parts: ApiParts, options: ApiOptions = {}): Router {
  const context: ApiContext = {
    parts,
    objectives: options.objectives ?? defaultObjectives,
    firingOf: options.firingOf ?? (() => []),
    markersKey: options.markersKey,
    now: options.now ?? Date.now,
    ...createAsking(parts, options.queryTimeoutMs ?? 10_000),
  };
  const router = Router({ caseSensitive: true });
  const guards = [securityHeaders, hostGuard(options.hosts ?? [])];
  const openApi = openApiUnder(options.basePath ?? '');
  router.use(guardedPaths, ...guards);
  router.get('/metrics', (_request, response) => {
    response.type('text/plain; version=0.0.4; charset=utf-8').send(parts.metrics());
  });
  router.get('/api/openapi.yaml', (_request, response) => {
    response.type('application/yaml').send(openApi);
  });
  router.use('/api', questionRoutes(context));
  router.use('/1/markers', markerRoutes(context));
  refuseOtherMethods(router);
  router.use(guardedPaths, (request) => {
    throw new ServiceError('not_found', `There is nothing at ${request.method} ${request.originalUrl.slice(0, 200)}.`);
  });
  router.use(guardedPaths, failureHandler(options.onFailure ?? (() => undefined)));
  return router;
}

/** The OpenAPI document, whose paths are below `basePath`. */
function openApiUnder(basePath: string): string {
  const document = readFileSync(new URL('../contract/openapi.yaml', import.meta.url), 'utf8');
  if (basePath === '') return document;
  return document.replace(/^paths:$/m, `servers:\n  - url: ${basePath}\npaths:`);
}

/** Where to look: `npm start` keeps a log of each process, the Observatory alone writes to its terminal. */
const ownFailureMessage =
  'Something went wrong here, not in the question: try again. If it stays so, the log of the Observatory says why: .hotrod/logs/observatory.log of npm start, else its terminal.';

const tooLarge =
  'The answer takes more memory than the store may use (OBSERVATORY_MEMORY_LIMIT_MB): ask about a shorter time, or about entry spans instead of all spans.';

const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};

function hostGuard(hosts: readonly string[]): RequestHandler {
  const isOurName = createHostCheck(hosts);
  return ({ headers: { host } }, _response, next) => {
    if (!isOurName(host)) {
      throw new ServiceError('misdirected_request', describeUnknownHost('The Observatory', host, 'OBSERVATORY_HOSTS'));
    }
    next();
  };
}

function createAsking(parts: ApiParts, timeoutMs: number): Pick<ApiContext, 'asking' | 'askingAside'> {
  const { reader, aside } = parts.database;
  const turns = createTurns(timeoutMs);

  /** Runs `ask` with a signal that comes when it has taken too long. */
  async function inTime<T>(gone: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await ask(AbortSignal.any([late, gone]));
    } catch (error) {
      if (!late.aborted || error instanceof ServiceError) throw error;
      const seconds = timeoutMs / 1000;
      const advice = 'ask about a shorter time, or about entry spans instead of all spans';
      throw new ServiceError(
        'deadline_exceeded',
        `The question took longer than ${seconds} s and was stopped: ${advice}.`,
      );
    }
  }

  async function whileThere<T>(response: Response, work: (gone: AbortSignal) => Promise<T>): Promise<T> {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    response.once('close', leave);
    try {
      return await work(gone.signal);
    } finally {
      response.off('close', leave);
    }
  }

  return {
    asking: (request, response, ask) =>
      whileThere(response, (gone) =>
        turns.take(kindOf(request), gone, () => inTime(gone, (signal) => ask({ reader, signal }))),
      ),
    askingAside: (_request, response, ask) =>
      whileThere(response, (gone) => inTime(gone, (signal) => ask({ reader: aside, signal }))),
  };
}

/** What a question's duration depends on most: which question it is, and how many spans it covers. */
function kindOf(request: Request): string {
  return `${(request.route as { path: string }).path} ${request.query['scope'] === 'spans' ? 'spans' : ''}`;
}

function failureHandler(onFailure: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    // The client is gone, or has half an answer: it cannot be told anything any more.
    if (response.headersSent) return next(error);
    if (response.closed || response.destroyed) return undefined;
    const known = storeRefusal(error) ?? toServiceError(error);
    const isOurs = known.code === 'internal';
    if (isOurs) onFailure(error);
    sendProblem(response, isOurs ? new ServiceError('internal', ownFailureMessage) : known);
    return undefined;
  };
}

/** How long a client waits before it asks again, seconds. */
const retryAfterSeconds = 3;

/** The store's own reason for the client; undefined for a fault that a person should look into. */
function storeRefusal(error: unknown): ServiceError | undefined {
  if (error instanceof ServiceError) return undefined; // which may quote anything
  if (error instanceof YieldError) return new ServiceError('unavailable', error.message, { retryAfterSeconds });
  const kind = failureKind(error);
  if (kind === 'memory') return new ServiceError('unavailable', tooLarge, { retryAfterSeconds });
  if (kind !== 'detached') return undefined;
  return new ServiceError('unavailable', `Just now ${failureSentence(kind)}.`, { retryAfterSeconds });
}
