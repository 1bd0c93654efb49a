/** The page's state as a signal, kept in step with the address bar in both directions. */
import { computed, signal } from '@preact/signals';
import { pagePath, underBase } from './base-path.ts';
import { changed, defaultState, formatState, parseState, type Box, type State } from './url-state.ts';

const stateHere = (): State => parseState(pagePath(window.location.pathname), window.location.search);
const addressFor = (of: State): string => underBase(formatState(of));

export const state = signal<State>(stateHere());

/** Browsers refuse addresses that change too often; a key held down changes them thirty times a second. */
const settleMs = 200;
let settling: ReturnType<typeof setTimeout> | undefined;

function writeNow(): void {
  clearTimeout(settling);
  settling = undefined;
  window.history.replaceState(null, '', addressFor(state.peek()));
}

window.addEventListener('pagehide', () => settling !== undefined && writeNow());
window.addEventListener('popstate', () => {
  clearTimeout(settling);
  settling = undefined;
  state.value = stateHere();
});

/**
 * Go to the present state with some of it changed. A step of the user's becomes an entry of the history; `replace` is
 * for what should not (each letter of a search, a span walked over with the arrow keys).
 */
export function go(change: Partial<State>, how: 'push' | 'replace' = 'push'): void {
  const next = changed(state.peek(), change);
  const address = addressFor(next);
  if (address === addressFor(state.peek())) return;
  if (how === 'push') {
    if (settling !== undefined) writeNow();
    window.history.pushState(null, '', address);
  } else {
    settling ??= setTimeout(writeNow, settleMs);
  }
  state.value = next;
}

/** The address of the present state with some of it changed: what a link carries, so that it opens in a new tab too. */
export function addressOf(change: Partial<State>): string {
  return addressFor(changed(state.value, change));
}

/** Turns a plain click on a link of ours into a step without a reload; leaves clicks with modifier keys to the browser. */
export function follow(event: MouseEvent, change: Partial<State>): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(change);
  if ('traceId' in change) window.scrollTo(0, 0);
}

export const isLive = computed(() => state.value.from === null || state.value.to === null);

/** A selection and the range it lies in. The compared spans must not change, so a live range is held there. */
export function selecting(box: Box, range: { fromMs: number; toMs: number }): Partial<State> {
  const still = isLive.peek() ? { from: range.fromMs, to: range.toMs, held: true } : {};
  return { box, view: 'compare', ...still };
}

/** A new question about the time range of the present one: everything else at its default. */
export function afresh(): State {
  const { last, from, to, held } = state.value;
  return { ...defaultState, last, ...(held ? {} : { from, to }) };
}
