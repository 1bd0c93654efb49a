import { afterEach, describe, expect, it, vi } from 'vitest';

import { exemplarSchema } from '../../contract/contract.ts';
import { ask } from './client.ts';

function answerWith(status: number, body: unknown): void {
  vi.stubGlobal('fetch', async () => Response.json(body, { status }));
}
const asked = () => ask(exemplarSchema, '/api/exemplar', new AbortController().signal);

afterEach(() => void vi.unstubAllGlobals());

describe('ask', () => {
  it('gives an answer of the shape that the contract describes', async () => {
    const answer = { traceId: 'a', spanId: 'b', durationMs: 2 };
    answerWith(200, answer);
    expect(await asked()).toEqual({ data: answer, failure: null });
  });

  it('refuses an answer of another shape and names the field', async () => {
    answerWith(200, { traceId: 'a', spanId: 'b', durationMs: '2 ms' });
    const { failure } = await asked();
    expect(failure?.title).toBe('The answer is not what this page expects');
    expect(failure?.detail).toContain('"durationMs"');
  });

  it('repeats the title and detail of a problem document', async () => {
    const problem = {
      type: 'x',
      title: 'No',
      status: 400,
      code: 'invalid_argument',
      detail: 'Because.',
      parameter: 'filter',
      position: 3,
    };
    answerWith(400, problem);
    expect((await asked()).failure).toMatchObject({
      title: 'No',
      detail: 'Because.',
      parameter: 'filter',
      position: 3,
    });
  });

  it('gives up on an Observatory that hangs, before it answers and while it does', async () => {
    const stop = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    const soon = () => ask(exemplarSchema, '/api/exemplar', new AbortController().signal, 20);
    vi.stubGlobal('fetch', async (_path: string, { signal }: { signal: AbortSignal }) => stop(signal));
    expect((await soon()).failure).toMatchObject({ status: 0, title: 'The Observatory does not answer' });
    vi.stubGlobal('fetch', async (_path: string, { signal }: { signal: AbortSignal }) => ({
      ok: true,
      status: 200,
      json: async () => stop(signal),
    }));
    expect((await soon()).failure).toMatchObject({ status: 0, detail: 'There was no answer within 0.02 s.' });
  });

  it('is aborted by its caller, without a failure', async () => {
    const abort = new AbortController();
    vi.stubGlobal('fetch', async () => {
      abort.abort();
      throw abort.signal.reason;
    });
    await expect(ask(exemplarSchema, '/api/exemplar', abort.signal)).rejects.toThrow();
  });

  it('names the status of a failure without a problem document', async () => {
    answerWith(502, '<html>');
    expect((await asked()).failure).toMatchObject({ status: 502, title: 'Status 502' });
  });
});
