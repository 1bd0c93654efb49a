import { describe, expect, test } from 'vitest';
import { answerFailure, failureOf } from './failure.ts';

describe('answerFailure', () => {
  test('says what the problem document says', () => {
    const problem = {
      type: 'urn:hotrod:problem:not_found',
      title: 'No such customer',
      status: 404,
      detail: 'None is 7.',
      code: 'not_found',
    };
    expect(answerFailure(404, problem)).toEqual({
      title: 'No such customer',
      detail: 'None is 7.',
      code: 'not_found',
      status: 404,
    });
  });

  test.each([[undefined], ['<html>'], [null], [{ title: 7, detail: {}, code: '' }]])(
    'says so when the answer has no reason: %s',
    (body) => {
      expect(answerFailure(502, body)).toEqual({
        title: 'The server answered 502',
        detail: 'It gave no reason.',
        code: 'http_502',
        status: 502,
      });
    },
  );
});

describe('failureOf', () => {
  test('distinguishes a timeout from a server that is not there', () => {
    expect(failureOf(new DOMException('', 'TimeoutError'), 15_000)).toMatchObject({
      title: 'No answer within 15 s',
      code: 'timeout',
    });
    expect(failureOf(new TypeError('Failed to fetch'), 15_000)).toMatchObject({ code: 'unreachable' });
  });

  test('says what to do when nobody answers', () => {
    expect(failureOf(new TypeError('Failed to fetch'), 15_000).detail).toContain('npm start');
  });
});
