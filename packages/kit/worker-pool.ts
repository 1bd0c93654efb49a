import { ServiceError } from './errors.ts';

/** What a task had to wait before a worker was free, in milliseconds, and how many tasks ran once it started. */
export interface PoolTurn {
  waitMs: number;
  running: number;
}

/** A bounded number of tasks at once; the rest wait in line, first come first served. */
export interface WorkerPool {
  readonly size: number;
  /**
   * Runs a task as soon as a worker is free.
   *
   * @throws {ServiceError} `unavailable` where the line is full; and whatever the task throws.
   */
  run<T>(task: (turn: PoolTurn) => Promise<T>): Promise<T>;
}

/**
 * @param size how many tasks run at once, at least 1.
 * @param maxQueue how many may wait; one more is refused, so that an overload is an answer and not a growing heap.
 */
export function createWorkerPool(size: number, maxQueue = 10_000): WorkerPool {
  const line: (() => void)[] = [];
  let running = 0;

  function release(): void {
    const next = line.shift();
    // The worker passes from hand to hand: `running` falls only where nobody waits.
    if (next) next();
    else running -= 1;
  }

  return {
    size,
    async run(task) {
      const arrived = performance.now();
      if (running < size) running += 1;
      else {
        if (line.length >= maxQueue) {
          throw new ServiceError('unavailable', `${maxQueue} tasks wait already for ${size} workers; try again later.`);
        }
        await new Promise<void>((resolve) => line.push(resolve));
      }
      try {
        return await task({ waitMs: performance.now() - arrived, running });
      } finally {
        release();
      }
    },
  };
}
