import { describe, expect, it } from 'vitest';

import { type ErrorCode, fromProblem, ServiceError, toProblem, toServiceError } from './errors.ts';

const statuses: Record<ErrorCode, number> = {
  invalid_argument: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  limit_reached: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  misdirected_request: 421,
  too_many_requests: 429,
  cancelled: 499,
  internal: 500,
  dependency_failed: 502,
  unavailable: 503,
  overloaded: 503,
  dependency_unavailable: 503,
  deadline_exceeded: 504,
  dependency_timeout: 504,
};
const codes = Object.keys(statuses) as ErrorCode[];

describe('ServiceError', () => {
  it.each(codes)('has the status of %s', (code) => {
    const cause = new Error('disk full');
    const error = new ServiceError(code, 'No.', { cause });
    expect(error).toMatchObject({ name: 'ServiceError', code, status: statuses[code], message: 'No.', cause });
    expect(error).toBeInstanceOf(Error);
  });
});

describe('toServiceError', () => {
  it('leaves a ServiceError as it is', () => {
    const error = new ServiceError('conflict', 'Taken.');
    expect(toServiceError(error)).toBe(error);
  });

  it.each([new Error('password=hunter2'), 'hunter2', null, undefined, { code: 'not_found' }])(
    'makes %j internal, keeps the cause, and shows none of it in the message',
    (thrown) => {
      const error = toServiceError(thrown);
      expect(error).toMatchObject({ code: 'internal', status: 500 });
      expect(error.cause).toBe(thrown);
      expect(JSON.stringify(toProblem(error))).not.toContain('hunter2');
    },
  );
});

describe('toProblem', () => {
  it.each(codes)('is a problem document (RFC 9457) for %s, and nothing else', (code) => {
    const problem = toProblem(new ServiceError(code, 'Why.', { cause: new Error('secret') }));
    expect(problem).toEqual({
      type: `urn:hotrod:problem:${code}`,
      title: expect.stringMatching(/\w/),
      status: statuses[code],
      detail: 'Why.',
      code,
    });
  });
});

describe('fromProblem', () => {
  it.each(codes.filter((code) => statuses[code] < 500))('revives %s by its code, word for word', (code) => {
    const revived = fromProblem('driver', statuses[code], toProblem(new ServiceError(code, 'Why.')));
    expect(revived).toMatchObject({ code, status: statuses[code], message: 'Why.' });
  });

  it.each<[ErrorCode, ErrorCode]>([
    ['internal', 'dependency_failed'],
    ['dependency_failed', 'dependency_failed'],
    ['unavailable', 'dependency_unavailable'],
    ['dependency_unavailable', 'dependency_unavailable'],
    ['dependency_timeout', 'dependency_timeout'],
  ])('says of %s behind it: %s, and of whom', (code, expected) => {
    const revived = fromProblem('driver', statuses[code], toProblem(new ServiceError(code, 'Why.')));
    expect(revived).toMatchObject({ code: expected, message: 'driver: Why.' });
  });

  it.each([
    undefined,
    null,
    'Not Found',
    42,
    [],
    {},
    { code: 'not_found' },
    { detail: 'x' },
    { code: 'not_found', detail: 7 },
    { code: 'made_up', detail: 'x' },
    { code: 'constructor', detail: 'x' },
    { code: '__proto__', detail: 'x' },
    { code: ['not_found'], detail: 'x' },
  ])('turns %j, which is not a problem document, into dependency_failed', (body) => {
    expect(fromProblem('driver', 404, body)).toMatchObject({
      code: 'dependency_failed',
      status: 502,
      message: 'driver: HTTP 404',
    });
  });

  it.each([
    [404, 'internal'],
    [400, 'dependency_timeout'],
    [302, 'not_found'],
  ])('ignores a code that belongs to another status: HTTP %i, %s', (status, code) => {
    expect(fromProblem('driver', status, { code, detail: 'x' })).toMatchObject({ code: 'dependency_failed' });
  });
});
