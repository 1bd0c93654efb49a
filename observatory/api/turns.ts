import { ServiceError } from '@hotrod/kit/errors';

/** Lets questions have the reading connection one after the other, each until it is answered. */
export interface Turns {
  /**
   * Runs `work` when its turn comes.
   *
   * @param kind the same for questions of similar cost. There are only a few different values.
   * @throws ServiceError `overloaded`, at once if its turn would come too late, or as soon as that becomes clear.
   */
  take<T>(kind: string, gone: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** At most this many questions may wait, however quick they are. */
const mostWaiting = 64;

interface Waiting {
  kind: string;
  sinceMs: number;
  begin(): void;
  refuse(afterMs: number): void;
}

/**
 * If the statements of a hundred heavy questions ran interleaved, all of them would be late together. In turns, the
 * first ones are answered. The others are refused early enough to ask again.
 *
 * @param limitMs how long a question may wait for its turn.
 */
export function createTurns(limitMs: number): Turns {
  /** For each kind, how long it took recently, milliseconds. */
  const costs = new Map<string, number>();
  let waiting: Waiting[] = [];
  let running: { kind: string; sinceMs: number } | undefined;

  /**
   * How long a question of a kind will take, as far as is known: at least as long as the running one of that kind has
   * taken so far.
   */
  function costOf(kind: string): number {
    const soFar = running?.kind === kind ? performance.now() - running.sinceMs : 0;
    return Math.max(costs.get(kind) ?? 0, soFar);
  }

  function left(): number {
    return running ? Math.max(0, costOf(running.kind) - (performance.now() - running.sinceMs)) : 0;
  }

  /** Refuses the questions whose turn would come too late. */
  function shed(): void {
    let ahead = left();
    const kept: Waiting[] = [];
    const late: Waiting[] = [];
    for (const each of waiting) {
      if (performance.now() - each.sinceMs + ahead > limitMs || kept.length === mostWaiting) late.push(each);
      else {
        kept.push(each);
        ahead += costOf(each.kind);
      }
    }
    waiting = kept;
    for (const each of late) each.refuse(ahead);
  }

  function next(): void {
    if (running) return;
    const first = waiting.shift();
    if (!first) return;
    running = { kind: first.kind, sinceMs: performance.now() };
    first.begin();
  }

  function done(kind: string, tookMs: number, isWhole: boolean): void {
    const before = costs.get(kind) ?? tookMs;
    // One that was stopped would have taken longer.
    if (isWhole || tookMs > before) costs.set(kind, (before + tookMs) / 2);
    running = undefined;
    shed();
    next();
  }

  function turn(kind: string, gone: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        settle();
        reject(gone.reason as Error);
      };
      const settle = (): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', leave);
        waiting = waiting.filter((each) => each !== entry);
      };
      const entry: Waiting = {
        kind,
        sinceMs: performance.now(),
        begin: () => {
          settle();
          resolve();
        },
        refuse: (afterMs) => {
          settle();
          const seconds = Math.max(1, Math.ceil(afterMs / 1000));
          const detail = `Too many questions at once; ask again in ${seconds} s.`;
          reject(new ServiceError('overloaded', detail, { retryAfterSeconds: seconds }));
        },
      };
      // In case the known costs are wrong.
      const timer = setTimeout(() => entry.refuse(left()), limitMs);
      gone.addEventListener('abort', leave, { once: true });
      waiting.push(entry);
      next();
      shed();
    });
  }

  return {
    async take(kind, gone, work) {
      gone.throwIfAborted();
      await turn(kind, gone);
      const start = performance.now();
      let isWhole = false;
      try {
        const answer = await work();
        isWhole = true;
        return answer;
      } finally {
        done(kind, performance.now() - start, isWhole);
      }
    },
  };
}
