/** Further signals within this many milliseconds are the same one: npm passes on the Ctrl-C that the terminal sent us too. */
const sameSignalMs = 500;

/**
 * Makes a handler for the signals that ask a process to end. The first call ends it in good order. A later call forces
 * it, unless it comes so soon that it is the same request: npm, systemd and Ctrl-C may each send theirs.
 *
 * @param nowMs a clock that never goes back, milliseconds.
 */
export function createInterrupt(
  { end, force }: { end: () => void; force: () => void },
  nowMs: () => number = () => performance.now(),
): () => void {
  let firstMs: number | undefined;
  return () => {
    if (firstMs === undefined) {
      firstMs = nowMs();
      end();
    } else if (nowMs() - firstMs > sameSignalMs) {
      force();
    }
  };
}

/**
 * Listens for SIGINT and SIGTERM.
 *
 * @returns `signal`, aborted by the first one; `force`, aborted by a second one; `forget`, which stops listening.
 */
export function listenForSignals(): { signal: AbortSignal; force: AbortSignal; forget: () => void } {
  const ended = new AbortController();
  const forced = new AbortController();
  const interrupt = createInterrupt({ end: () => ended.abort(), force: () => forced.abort() });
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: ended.signal,
    force: forced.signal,
    forget: () => {
      for (const name of signals) process.off(name, interrupt);
    },
  };
}
