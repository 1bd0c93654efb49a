import type { Response, Router } from 'express';
import { FilterError } from '../filter/ast.ts';
import type { Problem } from '../contract/contract.ts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'The question is not valid',
  401: 'A key is needed',
  404: 'There is no such thing',
  405: 'This cannot be done here',
  409: 'There are too many',
  413: 'The request is too large',
  415: 'The request is not JSON',
  421: 'The request was meant for someone else',
  500: 'The Observatory failed',
  503: 'The Observatory is busy',
  504: 'The question took too long',
};

/** A refusal on its way to the wire; `message` is a sentence for whoever asked. */
export class RefusalError extends Error {
  readonly status: number;
  readonly parameter: string | undefined;
  readonly position: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
    message: string,
    about: { parameter?: string; position?: number; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.name = 'RefusalError';
    this.status = status;
    this.parameter = about.parameter;
    this.position = about.position;
    this.headers = about.headers ?? {};
  }
}

/** Runs `read`, and says of a filter that cannot be read which parameter it was. */
export function readingFilter<T>(parameter: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FilterError) {
      throw new RefusalError(400, error.message, { parameter, position: error.position });
    }
    throw error;
  }
}

/** The problem document (RFC 9457) of a refusal. */
function problemOf(refusal: RefusalError): Problem {
  return {
    type: 'about:blank',
    title: TITLES[refusal.status] ?? 'The request was refused',
    status: refusal.status,
    detail: refusal.message,
    ...(refusal.parameter === undefined ? {} : { parameter: refusal.parameter }),
    ...(refusal.position === undefined ? {} : { position: refusal.position }),
  };
}

/** Of a path that is there, but not for the method of the request. */
export function wrongMethod(method: string, allowed: string): RefusalError {
  return new RefusalError(405, `${method} is not for this path; ${allowed} is.`, { headers: { Allow: allowed } });
}

/** Refuses other methods at the paths of a router, which has all its routes by now. */
export function refuseOtherMethods(router: Router): void {
  const methods = new Map<string, string[]>();
  for (const { route } of router.stack) {
    if (!route) continue;
    const known = methods.get(route.path) ?? [];
    for (const { method } of route.stack) known.push(...(method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
    methods.set(route.path, known);
  }
  for (const [path, known] of methods) {
    const allowed = [...new Set(known)].join(', ');
    router.all(path, (request) => {
      throw wrongMethod(request.method, allowed);
    });
  }
}

/** Answers with the problem document of a refusal. */
export function sendProblem(response: Response, refusal: RefusalError): void {
  response
    .status(refusal.status)
    .set(refusal.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(refusal)));
}
