import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import type { Database } from '../store/database.ts';
import type { Asking } from '../store/queries/population.ts';
import { DEFAULT_OBJECTIVES, type Objective } from '../store/queries/slo.ts';
import type { Status } from './contract.ts';
import { markerRoutes } from './marker-routes.ts';
import { questionRoutes } from './question-routes.ts';
import { RefusalError, sendProblem } from './problem.ts';

/** What the API needs of the rest of the Observatory. */
export interface ApiParts {
  database: Pick<Database, 'reader' | 'writer'>;
  status(): Promise<Status>;
}

export interface ApiOptions {
  /** Default: a latency and an availability objective of HotROD's dispatches. */
  objectives?: readonly Objective[];
  /** The key that writers of markers must send as `X-Honeycomb-Team`; without it any will do. */
  markersKey?: string;
  /** How long a question may take, milliseconds. Default 10,000. */
  queryTimeoutMs?: number;
  /**
   * Names under which the Observatory is reached besides localhost, IP addresses and names without a dot; `*` for any.
   * A page of a stranger cannot read the store by giving its own name the address of this machine.
   */
  hosts?: readonly string[];
  /** Told of failures that are the Observatory's own. */
  onFailure?: (error: unknown) => void;
  /** The clock, Unix milliseconds. */
  now?: () => number;
}

/** What every route works with. */
export interface ApiContext {
  parts: ApiParts;
  objectives: readonly Objective[];
  markersKey: string | undefined;
  now: () => number;
  /** Runs a question with a time limit, interrupted when its asker goes away. */
  asking<T>(request: Request, response: Response, ask: (asking: Asking) => Promise<T>): Promise<T>;
}

/** So many questions may wait for the one reading connection. */
const MOST_WAITING = 64;

/**
 * The routes of the JSON API under `/api` and of the markers under `/1/markers`, to be mounted at the root. Whatever
 * goes wrong in them is answered as a problem document.
 */
export function createApi(parts: ApiParts, options: ApiOptions = {}): Router {
  const context: ApiContext = {
    parts,
    objectives: options.objectives ?? DEFAULT_OBJECTIVES,
    markersKey: options.markersKey,
    now: options.now ?? Date.now,
    asking: createAsking(parts, options.queryTimeoutMs ?? 10_000),
  };
  const router = Router({ caseSensitive: true });
  const guards = [securityHeaders, hostGuard(options.hosts ?? [])];
  const openApi = readFileSync(new URL('./openapi.yaml', import.meta.url), 'utf8');
  router.use(['/api', '/1/markers'], ...guards);
  router.get('/api/openapi.yaml', (_request, response) => {
    response.type('application/yaml').send(openApi);
  });
  router.use('/api', questionRoutes(context));
  router.use('/1/markers', markerRoutes(context));
  router.use(['/api', '/1/markers'], (request) => {
    throw new RefusalError(404, `There is nothing at ${request.method} ${request.originalUrl.slice(0, 200)}.`);
  });
  router.use(['/api', '/1/markers'], failureHandler(options.onFailure ?? (() => undefined)));
  return router;
}

/** Where to look: `npm start` keeps a log of each process, the Observatory alone writes to its terminal. */
const FAILED =
  'Something went wrong here, not in the question: try again. If it stays so, the log of the Observatory says why: .hotrod/logs/observatory.log of npm start, else its terminal.';

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
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return (request, _response, next) => {
    const name = (request.headers.host ?? '')
      .toLowerCase()
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1');
    const local = !name.includes('.') || name.endsWith('.localhost') || isIP(name) !== 0;
    if (!local && !known.has('*') && !known.has(name)) {
      throw new RefusalError(421, `The Observatory does not know itself by the name "${name.slice(0, 100)}".`);
    }
    next();
  };
}

function createAsking(parts: ApiParts, timeoutMs: number): ApiContext['asking'] {
  let waiting = 0;
  return async (_request, response, ask) => {
    if (waiting >= MOST_WAITING) throw new RefusalError(503, 'Too many questions at once; ask again in a second.');
    waiting += 1;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    response.once('close', leave);
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await ask({ reader: parts.database.reader, signal: AbortSignal.any([late, gone.signal]) });
    } catch (error) {
      if (!late.aborted || error instanceof RefusalError) throw error;
      const seconds = timeoutMs / 1000;
      const advice = 'ask about a shorter time, or about entry spans instead of all spans';
      throw new RefusalError(504, `The question took longer than ${seconds} s and was stopped: ${advice}.`);
    } finally {
      response.off('close', leave);
      waiting -= 1;
    }
  };
}

function failureHandler(onFailure: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    // Whoever asked is gone, or has half an answer: nothing can be told any more.
    if (response.headersSent) return next(error);
    if (response.closed || response.destroyed) return undefined;
    sendProblem(response, refusalOf(error, onFailure));
    return undefined;
  };
}

function refusalOf(error: unknown, onFailure: (error: unknown) => void): RefusalError {
  if (error instanceof RefusalError) return error;
  // Errors of Express and of its body parser carry the status that they stand for.
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 413) return new RefusalError(413, 'The body is too large.');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new RefusalError(400, 'The request cannot be read.');
  }
  onFailure(error);
  return new RefusalError(500, FAILED);
}
