import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';

import type { RequestHandler } from 'express';

import { ServiceError } from './errors.ts';

/** How long the caller still waits for the answer, in whole milliseconds. No point in time, because clocks differ. */
export const deadlineHeader = 'x-request-timeout-ms';

/** What is left of the time that one request has. */
export interface Deadline {
  /** Milliseconds until nobody waits for the answer any more; 0 if nobody waits now. */
  remainingMs(): number;
  /**
   * Aborted, with the {@link ServiceError} to answer with as its reason, when the time is up (`deadline_exceeded`) or
   * the client has gone (`cancelled`).
   */
  readonly signal: AbortSignal;
}

const storage = new AsyncLocalStorage<Deadline>();

/** The deadline of the request that is being answered; undefined outside of one. */
export function currentDeadline(): Deadline | undefined {
  return storage.getStore();
}

/** @throws {ServiceError} `deadline_exceeded` or `cancelled` if nobody waits for the current request any more. */
export function throwIfNobodyWaits(): void {
  storage.getStore()?.signal.throwIfAborted();
}

/**
 * Waits for `work`, but no longer than somebody waits for the current request. If `work` ends after that, its outcome is
 * neither waited for nor reported.
 *
 * @throws what `work` throws, or the reason of the deadline's signal.
 */
export async function whileSomebodyWaits<T>(work: Promise<T>): Promise<T> {
  const signal = storage.getStore()?.signal;
  if (!signal) return work;
  const { promise: over, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(reasonOf(signal));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  work.catch(() => {}); // for when the deadline comes first
  try {
    return await Promise.race([work, over]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}

/** Runs `work` with a deadline `timeoutMs` from now. For everything that is not a request to one of our servers. */
export function withDeadline<T>(timeoutMs: number, work: () => T): T {
  return storage.run(createDeadline(timeoutMs).deadline, work);
}

/**
 * The limit of one call among those that the current request makes: `timeoutMs` from now, or the request's own deadline
 * if that is sooner. `AbortSignal.any` over `AbortSignal.timeout` says the same at three times the cost: the garbage
 * collector has to finalize each of its signals.
 *
 * @returns how long the call has, in whole milliseconds, at least 1; a signal that aborts with a `TimeoutError`, or with
 *   the reason of the request's deadline; and `end`, to be called when the call is over.
 */
export function limitCall(timeoutMs: number): { limitMs: number; signal: AbortSignal; end: () => void } {
  const deadline = storage.getStore();
  const limitMs = Math.max(1, Math.ceil(Math.min(timeoutMs, deadline?.remainingMs() ?? Infinity)));
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException('The time is up.', 'TimeoutError')), limitMs);
  const onDeadline = () => controller.abort(deadline?.signal.reason);
  deadline?.signal.addEventListener('abort', onDeadline, { once: true });
  return {
    limitMs,
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      deadline?.signal.removeEventListener('abort', onDeadline);
    },
  };
}

function createDeadline(timeoutMs: number) {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // a ride asks for ten routes at once
  const endsAtMs = performance.now() + timeoutMs;
  const abort = (code: 'deadline_exceeded' | 'cancelled', message: string) =>
    controller.abort(new ServiceError(code, message));
  const timer = setTimeout(
    () =>
      abort('deadline_exceeded', `There was no answer within the ${Math.round(timeoutMs)} ms that this request had.`),
    timeoutMs,
  ).unref();
  const deadline: Deadline = {
    remainingMs: () => Math.max(0, endsAtMs - performance.now()),
    signal: controller.signal,
  };
  return { deadline, abort, end: () => clearTimeout(timer) };
}

/**
 * Gives every request a deadline: `timeoutMs` from now, or as much as the caller says it still waits, if that is less.
 * All that is done for the request can ask for it ({@link currentDeadline}), and every call to another service hands
 * it on.
 */
export function deadlines(timeoutMs: number): RequestHandler {
  return (request, response, next) => {
    const announced = request.get(deadlineHeader) ?? '';
    const { deadline, abort, end } = createDeadline(
      /^\d{1,9}$/.test(announced) ? Math.min(timeoutMs, Number(announced)) : timeoutMs,
    );
    response.once('close', () => {
      end();
      if (!response.writableFinished) abort('cancelled', 'The client has gone.');
    });
    storage.run(deadline, next);
  };
}
