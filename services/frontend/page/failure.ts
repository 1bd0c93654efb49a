import { formatDuration } from './format.ts';

/** Why there is no ride (or no configuration), in words for the person at the page. */
export interface Failure {
  /** What happened, in a few words. */
  title: string;
  /** Why, or what to do; may be empty. */
  detail: string;
  /** A short, stable name of the kind: the problem's code, `timeout`, `unreachable`, `bad_answer`, `http_502`. */
  code: string;
  /** The HTTP status, if there was an answer. */
  status: number | undefined;
}

/** The failure an error answer stands for. @param body its parsed body, ideally a problem document (RFC 9457). */
export function answerFailure(status: number, body: unknown): Failure {
  const problem: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {};
  const { title, detail, code } = problem;
  return {
    title: isText(title) ? title : `The server answered ${status}`,
    detail: isText(detail) ? detail : isText(title) ? '' : 'It gave no reason.',
    code: isText(code) ? code : `http_${status}`,
    status,
  };
}

/** The failure of an answer that says 200 but is not what was asked for. */
export function badAnswerFailure(): Failure {
  return {
    title: 'The answer makes no sense',
    detail: 'It is not what this page knows how to read: the page may be older than the service. Reload it.',
    code: 'bad_answer',
    status: undefined,
  };
}

/** The failure a rejected fetch stands for: no answer in time, or no server. */
export function failureOf(error: unknown, timeoutMs: number): Failure {
  const name = error instanceof Error ? error.name : '';
  if (name === 'TimeoutError' || name === 'AbortError') {
    return {
      title: `No answer within ${formatDuration(timeoutMs)}`,
      detail: 'The services may be overloaded or stuck; the trace shows where.',
      code: 'timeout',
      status: undefined,
    };
  }
  return {
    title: 'The frontend cannot be reached',
    detail: 'Is the suite still running? Start it with npm start.',
    code: 'unreachable',
    status: undefined,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
