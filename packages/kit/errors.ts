/**
 * The one error type of the suite, and its form on the wire: an RFC 9457 problem document whose `code` a client
 * revives. The table below is all there is to add when a new kind of failure appears.
 */

const kinds = {
  invalid_argument: { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A key is needed' },
  forbidden: { status: 403, title: 'The request is not allowed' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'This cannot be done here' },
  conflict: { status: 409, title: 'Another request was first' },
  limit_reached: { status: 409, title: 'There are too many' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The request is of a type that is not taken here' },
  misdirected_request: { status: 421, title: 'The request is for another server' },
  too_many_requests: { status: 429, title: 'There were too many requests' },
  // No client reads this answer, but the log and the span of the request record it. nginx uses the same status for it.
  cancelled: { status: 499, title: 'The client has gone' },
  internal: { status: 500, title: 'The service failed' },
  dependency_failed: { status: 502, title: 'A service behind this one failed' },
  unavailable: { status: 503, title: 'The service cannot answer now' },
  overloaded: { status: 503, title: 'There is more to do than the service can' },
  dependency_unavailable: { status: 503, title: 'A service behind this one cannot be reached' },
  deadline_exceeded: { status: 504, title: 'The request took too long' },
  dependency_timeout: { status: 504, title: 'A service behind this one took too long' },
} as const;

export type ErrorCode = keyof typeof kinds;

export interface ServiceErrorOptions {
  cause?: unknown;
  retryAfterSeconds?: number | undefined;
  /** The parameter or field of the request that is not valid. */
  parameter?: string | undefined;
  /** The offset in that parameter's text where it stops making sense. */
  position?: number | undefined;
  /** The methods that the path takes, for the `Allow` of a `method_not_allowed`. */
  allow?: string | undefined;
}

/** A failure with a code that survives the wire. `message` is a sentence for the person who reads the answer. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  /** The HTTP status that the code stands for. */
  readonly status: number;
  /** When to try again, for the `Retry-After` of the answer. Every 503 and 429 has one: a second if nobody knows. */
  readonly retryAfterSeconds: number | undefined;
  readonly parameter: string | undefined;
  readonly position: number | undefined;
  readonly allow: string | undefined;

  constructor(code: ErrorCode, message: string, options: ServiceErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.code = code;
    this.status = kinds[code].status;
    this.retryAfterSeconds = options.retryAfterSeconds ?? ([429, 503].includes(this.status) ? 1 : undefined);
    this.parameter = options.parameter;
    this.position = options.position;
    this.allow = options.allow;
  }
}

/** RFC 9457, "Problem Details for HTTP APIs", section 3.1, with `code`, `parameter` and `position` as its extensions. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  parameter?: string;
  position?: number;
}

export const problemContentType = 'application/problem+json';

/**
 * Anything that was thrown as a {@link ServiceError}. What Express and its body parsers throw carries a 4xx status of its
 * own; everything else becomes `internal` and keeps its cause.
 */
export function toServiceError(thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  if (thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number') {
    const { status, message } = thrown;
    if (status === 413) return new ServiceError('payload_too_large', message);
    if (status === 415) return new ServiceError('unsupported_media_type', message);
    if (status >= 400 && status < 500) return new ServiceError('invalid_argument', message);
  }
  return new ServiceError('internal', 'Something went wrong here; the log of this service says what.', {
    cause: thrown,
  });
}

/** The problem document of an error. Causes and stacks stay in the log: they are not for strangers. */
export function toProblem(error: ServiceError): Problem {
  return {
    type: `urn:hotrod:problem:${error.code}`,
    title: kinds[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.parameter === undefined ? {} : { parameter: error.parameter }),
    ...(error.position === undefined ? {} : { position: error.position }),
  };
}

/**
 * Revives the error that another service answered with.
 *
 * @param service whom we asked, for the message.
 * @param status the HTTP status of its answer.
 * @param body its parsed body; anything that is not a problem document, or not one of this status, is met with
 *   `dependency_failed`.
 * @param retryAfter its `Retry-After`, which is handed on; whole seconds, as all of ours answer.
 * @returns the same code for what the caller is to blame for (4xx) and for `overloaded`; else a `dependency_…` code,
 *   because a failure behind us is not a failure of ours.
 */
export function fromProblem(service: string, status: number, body: unknown, retryAfter?: string): ServiceError {
  const problem = isProblem(body) ? body : null;
  const detail = problem?.detail ?? `HTTP ${status}`;
  if (problem && status < 500 && status === kinds[problem.code].status) return new ServiceError(problem.code, detail);
  const retryAfterSeconds = /^\d{1,5}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
  if (problem?.code === 'overloaded')
    return new ServiceError('overloaded', `${service}: ${detail}`, { retryAfterSeconds });
  const code = status === 503 ? 'dependency_unavailable' : status === 504 ? 'dependency_timeout' : 'dependency_failed';
  return new ServiceError(code, `${service}: ${detail}`, { retryAfterSeconds });
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null || !('code' in body) || !('detail' in body)) return false;
  return typeof body.code === 'string' && Object.hasOwn(kinds, body.code) && typeof body.detail === 'string';
}
