import type { Database } from '../database.ts';
import { failureKind } from '../failures.ts';
import { copyStaged } from './flush.ts';
import type { GiveUp } from './give-up.ts';
import { createParts } from './parts.ts';
import type { Recovery } from './recovery.ts';
import type { Load } from './staging-area.ts';
import type { Evaluation } from './traces.ts';

/**
 * How often a load that the store refuses is tried as a whole. After that it is tried in parts, to find the rows that
 * the store refuses.
 */
export const wholeAttempts = 2;
/**
 * At most this many rows of a load are given up one by one. If the store refuses nearly all of them, the fault is not
 * in the rows.
 */
const mostGivenUp = 64;

/** Copies a staged load to the file, all or nothing; when DuckDB refuses that, in parts. */
export async function writeLoad(
  { database, recovery, giveUp }: { database: Pick<Database, 'transaction'>; recovery: Recovery; giveUp: GiveUp },
  load: Load,
  evaluation: Evaluation,
): Promise<void> {
  let refusals = 0;
  let givenUp = 0;
  const parts = createParts(database, load, evaluation, (kind, error) => {
    givenUp += 1;
    if (givenUp > mostGivenUp) throw error;
    giveUp(load, kind, error);
  });
  await recovery.untilDone(async () => {
    if (refusals === wholeAttempts) return parts.copy();
    try {
      return await database.transaction((session) => copyStaged(session, load, evaluation));
    } catch (error) {
      if (['memory', 'other'].includes(failureKind(error))) refusals += 1;
      throw error;
    }
  });
}
