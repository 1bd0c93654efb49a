/** The Observatory's API, asked over HTTP by other programs: the tools for agents, the demo, the faults. Every question is a GET. */

/** A question that the Observatory refused or could not answer; the message is for the user. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
  /** The status of the answer; null when there was none. */
  readonly status: number | null;

  constructor(message: string, status: number | null, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** What a question's parameters may be; undefined ones are left out, lists are repeated. */
export type Parameters = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** Asks one question, for example `ask<Heatmap>('/api/heatmap', { from: 0 })`. */
export type Ask = <Answer>(path: string, parameters?: Parameters) => Promise<Answer>;

/** Longer than the Observatory's own limit for a question (10 s), in milliseconds. */
const timeoutMs = 15_000;
/** The largest answer is a trace of 20,000 spans, about 48 MB. */
const maxAnswerBytes = 64 * 1024 * 1024;

/**
 * @param base the Observatory's address, for example `http://127.0.0.1:8088`.
 * @returns a function that asks there. It throws {@link QuestionError} with the Observatory's own sentence if a question
 *   is refused, and with what to do if nobody answers.
 */
export function createAsk(base: string): Ask {
  const root = base.replace(/\/+$/, '');
  return async <Answer>(path: string, parameters: Parameters = {}): Promise<Answer> => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      if (value === undefined) continue;
      for (const each of typeof value === 'object' ? value : [value]) search.append(name, String(each));
    }
    const url = `${root}${path}${search.size > 0 ? `?${search.toString()}` : ''}`;
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
      if (Number(response.headers.get('content-length') ?? 0) > maxAnswerBytes) {
        await response.body?.cancel();
        throw new QuestionError('The answer is too large. Ask about a shorter time, or add a filter.', response.status);
      }
      body = await response.json();
    } catch (error) {
      if (error instanceof QuestionError) throw error;
      throw new QuestionError(
        `The Observatory does not answer at ${root} (${reason(error)}). Is it running? "npm start" starts it.`,
        null,
        { cause: error },
      );
    }
    if (!response.ok) throw new QuestionError(refusal(response.status, body), response.status);
    return body as Answer;
  };
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}

/** The sentence of a problem document (RFC 9457), with the parameter and the position in a filter that it names. */
function refusal(status: number, body: unknown): string {
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : `HTTP ${status}`;
  const parameter = typeof problem['parameter'] === 'string' ? ` (parameter ${problem['parameter']})` : '';
  const position = typeof problem['position'] === 'number' ? ` At character ${problem['position']}.` : '';
  return `${detail}${parameter}${position}`;
}
