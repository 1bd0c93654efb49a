import { type Dispatcher, errors, Pool } from 'undici';
import { z } from 'zod';

import { deadlineHeader, limitCall, throwIfNobodyWaits } from './deadline.ts';
import { fromProblem, ServiceError } from './errors.ts';
import { acceptRelease, releaseHeader } from './release.ts';

/**
 * Asks one other service over HTTP, with keep-alive connections and a deadline for every call: its own, or that of the
 * request for which it is made, whichever is sooner. The other service is told, so that it stops when nobody waits.
 */
export interface ServiceClient {
  /**
   * @param schema what the other service has agreed to answer with.
   * @throws {ServiceError} the other service's own error (4xx), or `dependency_unavailable`, `dependency_timeout`,
   *   `dependency_failed`, which is also an answer that does not fit the schema.
   */
  get<T>(path: string, query: Readonly<Record<string, string | number>>, schema: z.ZodType<T>): Promise<T>;
  /** The same with a JSON body. */
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
  /** Resolves if the other service is ready (`/readyz`); throws like `get`. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** No answer of a service comes near this, bytes; one that does is cut off rather than kept in memory. */
const largestAnswer = 2 ** 20;

/**
 * After how long a connection is given up between two requests, in milliseconds. Servers do the same (server.ts). The
 * client does so too, because a proxy between the two does not, and in case a connection has come to somebody else's
 * server.
 */
const connectionAgeMs = 30_000;

/**
 * @param service the other service's name, for messages.
 * @param baseUrl where it is; a path is put before that of every call.
 * @param connections how many requests may be under way at once; more wait inside undici.
 * @param connectionAgeMs after how long a connection is given up between two requests, in milliseconds.
 * @param answeredBy told, for every answer that comes, which release of the other service gave it. It runs in the
 *   asynchronous context of the call. An answer that does not say it, or not in an acceptable way, is not told.
 */
export function createServiceClient(options: {
  service: string;
  baseUrl: string;
  timeoutMs: number;
  connections: number;
  connectionAgeMs?: number;
  answeredBy?: (release: string) => void;
}): ServiceClient {
  const { service, timeoutMs } = options;
  const base = new URL(options.baseUrl);
  const basePath = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, {
    connections: options.connections,
    keepAliveTimeout: 30_000,
    clientTtl: options.connectionAgeMs ?? connectionAgeMs,
    maxResponseSize: largestAnswer,
  });

  async function call<T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    throwIfNobodyWaits();
    const { limitMs, signal, end } = limitCall(timeoutMs);
    let status: number;
    let retryAfter: string | undefined;
    let parsed: unknown;
    try {
      const response = await request(method, {
        path: basePath + path,
        signal,
        headers: {
          [deadlineHeader]: String(limitMs),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      status = response.statusCode;
      const header = response.headers['retry-after'];
      retryAfter = typeof header === 'string' ? header : undefined;
      const release = acceptRelease(response.headers[releaseHeader]);
      if (release !== null) options.answeredBy?.(release);
      parsed = parseJson(await response.body.text());
    } catch (error) {
      throw unreachable(error, limitMs);
    } finally {
      end();
    }
    if (status >= 300) throw fromProblem(service, status, parsed, retryAfter);
    if (parsed === undefined)
      throw new ServiceError('dependency_failed', `${service} answered with something that is not JSON.`);
    const answer = schema.safeParse(parsed);
    if (!answer.success)
      throw new ServiceError('dependency_failed', `${service} answered with something that it should not.`, {
        cause: answer.error,
      });
    return answer.data;
  }

  /**
   * A GET whose connection ends before an answer has begun is sent once more, on another one: the process behind it has
   * been replaced, or the way to it. A POST may have done its work, so it is not.
   */
  async function request(method: 'GET' | 'POST', what: RequestOptions): Promise<Dispatcher.ResponseData> {
    try {
      return await pool.request({ method, ...what });
    } catch (error) {
      if (method === 'POST' || !isLostConnection(error)) throw error;
      return await pool.request({ method, ...what });
    }
  }

  function unreachable(error: unknown, limitMs: number): ServiceError {
    if (error instanceof errors.ResponseExceededMaxSizeError) {
      return new ServiceError('dependency_failed', `${service} answered with more than ${largestAnswer} bytes.`, {
        cause: error,
      });
    }
    if (error instanceof ServiceError && error.code === 'cancelled') return error;
    const late =
      error instanceof Error &&
      (error.name.includes('Timeout') || (error instanceof ServiceError && error.code === 'deadline_exceeded'));
    return late
      ? new ServiceError('dependency_timeout', `${service} did not answer within ${limitMs} ms.`, { cause: error })
      : new ServiceError('dependency_unavailable', `${service} cannot be reached at ${base.origin}${basePath}.`, {
          cause: error,
        });
  }

  return {
    get: (path, query, schema) => call('GET', `${path}?${new URLSearchParams(toText(query)).toString()}`, schema),
    post: (path, body, schema) => call('POST', path, schema, body),
    ready: async () => {
      await call('GET', '/readyz', z.unknown());
    },
    close: () => pool.close(),
  };
}

type RequestOptions = Omit<Dispatcher.RequestOptions, 'method' | 'origin'>;

/** Whether a connection that had been made was lost. One that cannot be made does not count: nobody is there. */
function isLostConnection(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function toText(query: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
