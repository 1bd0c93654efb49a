import { ServiceError } from '@hotrod/kit/errors';
import type { Router } from 'express';

import { FilterError } from '../filter/ast.ts';

/** Runs `read`; a filter that cannot be read is refused with the name of its parameter. */
export function readingFilter<T>(parameter: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FilterError) throw invalid(error.message, parameter, error.position);
    throw error;
  }
}

/** A question that is not valid, because of one of its parameters. */
export function invalid(message: string, parameter: string, position?: number): ServiceError {
  return new ServiceError('invalid_argument', message, { parameter, position });
}

/** The refusal of a path that exists, but not for the method of the request. */
export function wrongMethod(method: string, allow: string): ServiceError {
  return new ServiceError('method_not_allowed', `${method} is not for this path; ${allow} is.`, { allow });
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
