import type { DuckDBConnection } from '@duckdb/node-api';

import type { Gate } from '../async/gate.ts';
import { createQueue } from '../async/queue.ts';
import { createSession, type Runner } from './session.ts';

/** A question was stopped, because the ingest needs the database for itself. */
export class YieldError extends Error {
  override readonly name = 'YieldError';

  constructor() {
    super('The store is busy with what comes in.');
  }
}

/** The connection of questions of a kind, which wait for one another, and while they are held off. */
export function createQuestionsConnection(
  connection: DuckDBConnection,
  gate: Gate,
  onQuery?: (name: string, seconds: number) => void,
) {
  const queue = createQueue();
  const session = createSession(connection);
  let running = false;
  const runner: Runner = {
    rows: async (name, input) => {
      const start = performance.now();
      try {
        const rows = await queue(async () => {
          await gate.opened(input?.signal);
          running = true;
          const closings = gate.closings();
          try {
            return await session.rows(name, input);
          } catch (error) {
            input?.signal?.throwIfAborted();
            throw gate.closings() > closings ? new YieldError() : error;
          } finally {
            running = false;
          }
        });
        // The queue does not know the type of the rows that its work returns.
        return rows as never;
      } finally {
        onQuery?.(name, (performance.now() - start) / 1000);
      }
    },
  };
  return {
    runner,
    interrupt: () => {
      if (running) connection.interrupt();
    },
    isRunning: () => running,
    forget: session.forget,
    close: () => queue(async () => connection.closeSync()),
  };
}
