import { ServiceError } from './errors.ts';
import { createMovingMean } from './expected-wait.ts';

/** What a task had to wait before a worker was free, in milliseconds, and how many tasks ran once it started. */
export interface PoolTurn {
  waitMs: number;
  running: number;
}

/** A bounded number of tasks at once; the rest wait in line, first come first served. */
export interface WorkerPool {
  readonly size: number;
  /** From now on so many tasks run at once, at least 1; those that run already finish. */
  resize(size: number): void;
  /** Tasks that run or wait. */
  readonly pending: number;
  /**
   * How long a task takes once it has a worker, in milliseconds: a mean of the last ones. 0 until fifty have ended: the
   * first open connections and compile what they run through, and say little of the next.
   */
  readonly meanTaskMs: number;
  /**
   * Runs a task as soon as a worker is free.
   *
   * @param signal takes a task that still waits out of the line, because nobody wants it any more.
   * @throws {ServiceError} `overloaded` if the line is full; the signal's reason; and whatever the task throws.
   */
  run<T>(task: (turn: PoolTurn) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** The first so many tasks say little about how long the next ones take. */
const warmUpTasks = 50;

/**
 * @param initialSize how many tasks run at once, at least 1.
 * @param maxQueue how many may wait; one more is refused, so that an overload is an answer and not a growing heap.
 */
export function createWorkerPool(initialSize: number, maxQueue = 10_000): WorkerPool {
  const line: (() => void)[] = [];
  const taskMs = createMovingMean();
  let size = initialSize;
  let running = 0;
  let ended = 0;

  function release(): void {
    running -= 1;
    admit();
  }

  /** Gives free workers to those who have waited longest. */
  function admit(): void {
    while (running < size) {
      const next = line.shift();
      if (!next) return;
      running += 1;
      next();
    }
  }

  async function standInLine(signal: AbortSignal | undefined): Promise<void> {
    if (line.length >= maxQueue) {
      throw new ServiceError('overloaded', `${maxQueue} tasks wait already for ${size} workers; try again later.`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    line.push(resolve);
    const leave = () => {
      const place = line.indexOf(resolve);
      if (place === -1) return; // its turn has just come
      line.splice(place, 1);
      reject(signal?.reason instanceof Error ? signal.reason : new Error(String(signal?.reason)));
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  return {
    get size() {
      return size;
    },
    resize(wanted) {
      size = wanted;
      admit();
    },
    get pending() {
      return running + line.length;
    },
    get meanTaskMs() {
      return ended < warmUpTasks ? 0 : taskMs.value();
    },
    async run(task, signal) {
      signal?.throwIfAborted();
      const arrived = performance.now();
      if (running < size) running += 1;
      else await standInLine(signal);
      const began = performance.now();
      try {
        const result = await task({ waitMs: began - arrived, running });
        ended += 1;
        taskMs.add(performance.now() - began);
        return result;
      } finally {
        release();
      }
    },
  };
}
