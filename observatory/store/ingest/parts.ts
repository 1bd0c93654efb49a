import type { Database } from '../database.ts';
import { failureKind } from '../failures.ts';
import { copyBeginning, copyEnding, copyRows, type RowKind, rowKinds, stagedRows } from './flush.ts';
import type { Load } from './staging-area.ts';
import type { Evaluation } from './traces.ts';

/** A load that goes to the file in several transactions, because DuckDB refuses it in one. */
export interface Parts {
  /** Copies what is not in the file yet; if it throws, it may be called again. */
  copy(): Promise<void>;
}

/**
 * @param giveUp is called for a row that the store refuses even alone; it may throw when there are too many.
 */
export function createParts(
  database: Pick<Database, 'transaction'>,
  load: Load,
  evaluation: Evaluation,
  giveUp: (kind: RowKind, error: unknown) => void,
): Parts {
  let isBegun = false;
  /** How many rows of each kind are copied or given up. */
  const copied: Record<RowKind, number> = { spans: 0, logs: 0, metrics: 0, roots: 0 };

  /**
   * Copies the next rows of a kind up to `to`. If that fails, it copies the first half of them, down to a single row.
   */
  async function copyUntil(kind: RowKind, to: number): Promise<void> {
    const from = copied[kind];
    try {
      await database.transaction((session) => copyRows(session, load, evaluation, kind, { from, to }));
    } catch (error) {
      const reason = failureKind(error);
      const isOne = to - from === 1;
      if (reason !== 'other' && (reason !== 'memory' || isOne)) throw error;
      if (isOne) giveUp(kind, error);
      else return copyUntil(kind, from + Math.ceil((to - from) / 2));
    }
    copied[kind] = to;
    return undefined;
  }

  return {
    async copy() {
      if (!isBegun) {
        await database.transaction((session) => copyBeginning(session, load, evaluation));
        isBegun = true;
      }
      for (const kind of rowKinds) {
        const rows = stagedRows(load, evaluation, kind);
        // After a part that fits, the next one is tried with twice its size.
        for (let size = rows; copied[kind] < rows; size *= 2) {
          const before = copied[kind];
          await copyUntil(kind, Math.min(rows, before + size));
          size = Math.min(size, copied[kind] - before);
        }
      }
      await database.transaction((session) => copyEnding(session, load, evaluation));
    },
  };
}
