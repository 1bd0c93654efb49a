import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { Outcome, PageConfig } from './api.ts';
import type { Failure } from './failure.ts';

/** Where the page stands with its configuration. */
export type ConfigState =
  | { kind: 'loading' }
  | { kind: 'ready'; config: PageConfig }
  /** Not for ever: the page asks again by itself. */
  | { kind: 'failed'; failure: Failure };

export interface ConfigLoader {
  readonly state: ReadonlySignal<ConfigState>;
  /** Asks now, whatever wait there was. */
  load(): Promise<void>;
}

const firstRetryMs = 1_000;
const longestRetryMs = 15_000;

/** Loads the configuration, and asks again, ever more patiently, until it is there. */
export function createConfigLoader(
  fetchConfig: () => Promise<Outcome<PageConfig>>,
  later: (ms: number, callback: () => void) => () => void,
): ConfigLoader {
  const state = signal<ConfigState>({ kind: 'loading' });
  let retryInMs = firstRetryMs;
  let cancelRetry: (() => void) | undefined;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    const outcome = await fetchConfig();
    if ('value' in outcome) {
      state.value = { kind: 'ready', config: outcome.value };
      return;
    }
    state.value = { kind: 'failed', failure: outcome.failure };
    cancelRetry = later(retryInMs, () => void load());
    retryInMs = Math.min(longestRetryMs, retryInMs * 2);
  };
  const load = (): Promise<void> => {
    cancelRetry?.();
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  return { state, load };
}
