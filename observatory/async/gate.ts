import { once } from 'node:events';

/** Holds work off for as long as anybody asks it to. */
export interface Gate {
  /**
   * Closes it until the returned function is called. If several close it, it opens when the last of them calls theirs.
   */
  close(): () => void;
  /** How often it was closed. */
  closings(): number;
  /** @throws the reason of the signal if the signal aborts first. */
  opened(signal?: AbortSignal): Promise<void>;
}

export function createGate(): Gate {
  const holders = new Set<symbol>();
  let closings = 0;
  let opening = Promise.withResolvers<void>();
  return {
    close() {
      const holder = Symbol('holder');
      holders.add(holder);
      closings += 1;
      return () => {
        if (!holders.delete(holder) || holders.size > 0) return;
        opening.resolve();
        opening = Promise.withResolvers();
      };
    },
    closings: () => closings,
    async opened(signal) {
      while (holders.size > 0) {
        signal?.throwIfAborted();
        const ended = new AbortController();
        const aborted = signal ? [once(signal, 'abort', { signal: ended.signal })] : [];
        for (const each of aborted) each.catch(() => undefined); // if the gate opens first, nobody waits for these
        await Promise.race([opening.promise, ...aborted]);
        ended.abort();
      }
    },
  };
}
