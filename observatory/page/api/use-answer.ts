/** An answer of the API as a hook: keeps the last one while the next is on its way, so that nothing flickers. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type * as z from 'zod/mini';

import { ask, type Failure, type Outcome } from './client.ts';

export interface Answer<T> {
  /** The last good answer; it may be to an earlier question, see `path`. */
  data: T | null;
  /** The question that `data` answers. */
  path: string | null;
  failure: Failure | null;
  loading: boolean;
}

interface Remembered {
  at: number;
  outcome: Outcome<unknown>;
}

const remembered = new Map<string, Remembered>();
const rememberMs = 15_000;
const rememberMost = 40;
/** How soon an Observatory that was not reached is asked again, whether the page is live or paused. */
const againMs = 3000;

/**
 * @param schema what the answer must be; the same one at each call.
 * @param path what to ask; null asks nothing.
 * @param refresh asks again when it changes; a change of the path alone may be answered from memory (15 s).
 */
export function useAnswer<T>(schema: z.ZodMiniType<T>, path: string | null, refresh = 0): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ data: null, path: null, failure: null, loading: path !== null });
  const [again, setAgain] = useState(0);
  const asked = refresh + again;
  const lastAsked = useRef(asked);
  useEffect(() => {
    const forced = lastAsked.current !== asked;
    lastAsked.current = asked;
    if (path === null) {
      setAnswer({ data: null, path: null, failure: null, loading: false });
      return undefined;
    }
    const known = forced ? undefined : remembered.get(path);
    if (known !== undefined && Date.now() - known.at < rememberMs) {
      setAnswer((last) => settle(last, path, known.outcome as Outcome<T>));
      return undefined;
    }
    const abort = new AbortController();
    setAnswer((last) => ({ ...last, loading: true }));
    void ask(schema, path, abort.signal).then(
      (outcome) => {
        if (abort.signal.aborted) return;
        if (outcome.failure === null) remember(path, outcome);
        setAnswer((last) => settle(last, path, outcome));
      },
      () => undefined, // Aborted: a newer question is on its way.
    );
    return () => abort.abort();
  }, [path, asked]);
  useEffect(() => {
    if (answer.failure?.status !== 0) return undefined;
    const timer = setTimeout(() => setAgain(again + 1), againMs);
    return () => clearTimeout(timer);
  }, [answer.failure]);
  return answer;
}

function settle<T>(last: Answer<T>, path: string, outcome: Outcome<T>): Answer<T> {
  if (outcome.failure === null) return { data: outcome.data, path, failure: null, loading: false };
  return { ...last, failure: outcome.failure, loading: false };
}

function remember(path: string, outcome: Outcome<unknown>): void {
  remembered.delete(path);
  remembered.set(path, { at: Date.now(), outcome });
  const oldest = remembered.keys().next();
  if (remembered.size > rememberMost && oldest.done !== true) remembered.delete(oldest.value);
}
