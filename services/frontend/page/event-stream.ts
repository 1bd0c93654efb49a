import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

/** What this needs of an `EventSource`. */
export interface Source {
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

/** `connecting` at first; `lost` when trying again has not helped for a while. */
export type StreamState = 'connecting' | 'live' | 'lost';

export interface EventStream {
  readonly state: ReadonlySignal<StreamState>;
  open(): void;
  /** Ends it, until it is opened again. */
  close(): void;
}

export interface EventStreamOptions {
  open: () => Source;
  /** Takes the data of a message about rides. */
  onRides: (data: string) => void;
  /** Calls back after so many milliseconds. @returns a function that cancels it */
  later: (ms: number, callback: () => void) => () => void;
}

/**
 * Short, because a browser may keep several connections to a frontend that leaves. Each is good for one more answer,
 * which says that the frontend leaves, and then for none.
 */
const firstRetryMs = 100;
/** Whoever has waited for so long has tried three times before. */
const lostFromMs = 800;
const longestRetryMs = 10_000;
/** The frontend sends something every ten seconds at least. After three times that, it hangs or the way to it is cut. */
const silenceMs = 30_000;

/**
 * The stream of all rides, opened again whenever it ends. A frontend that is being replaced says that it leaves: its
 * successor's stream is opened then, and its own is read on until its last ride has an answer.
 *
 * EventSource would connect again by itself, but not if the answer is an error, and not if nothing comes at all.
 */
export function createEventStream({ open, onRides, later }: EventStreamOptions): EventStream {
  const state = signal<StreamState>('connecting');
  let current: (() => void) | undefined;
  const leaving = new Set<() => void>();
  let cancelRetry: (() => void) | undefined;
  let retryInMs = firstRetryMs;
  let isOpen = false;

  function connect(): void {
    const source = open();
    let cancelSilence = later(silenceMs, lost);
    current = end;

    function end(): void {
      source.close();
      cancelSilence();
      leaving.delete(end);
      if (current === end) current = undefined;
    }
    function heard(): void {
      cancelSilence();
      cancelSilence = later(silenceMs, lost);
      if (current !== end) return;
      retryInMs = firstRetryMs;
      state.value = 'live';
    }
    function lost(): void {
      const wasCurrent = current === end;
      end();
      if (wasCurrent) retry();
    }
    source.addEventListener('rides', ({ data }) => {
      heard();
      onRides(String(data));
    });
    source.addEventListener('beat', heard);
    source.addEventListener('leaving', () => {
      if (current !== end) return;
      leaving.add(end);
      connect();
    });
    source.addEventListener('error', lost);
  }

  function retry(): void {
    if (retryInMs >= lostFromMs) state.value = 'lost';
    cancelRetry = later(retryInMs, connect);
    retryInMs = Math.min(longestRetryMs, 2 * retryInMs);
  }

  return {
    state,
    open() {
      if (isOpen) return;
      isOpen = true;
      connect();
    },
    close() {
      isOpen = false;
      cancelRetry?.();
      current?.();
      for (const end of leaving) end();
      state.value = 'connecting';
    },
  };
}
