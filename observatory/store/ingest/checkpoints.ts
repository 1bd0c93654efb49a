import type { Clock } from '../../async/clock.ts';
import type { Telemetry } from '../../telemetry.ts';
import type { Database } from '../database.ts';
import { failureKind } from '../failures.ts';
import { sql } from '../sql.ts';
import type { IngestLog } from './ingest-options.ts';
import type { Recovery } from './recovery.ts';

/** Moves what the write-ahead log has to its place in the file, now and then. */
export interface Checkpoints {
  /** Something was written since the last one. */
  written(): void;
  /** Makes one when something was written and the last one is long enough ago. */
  makeIfDue(): Promise<void>;
}

export function createCheckpoints(
  parts: {
    database: Pick<Database, 'exclusively'>;
    recovery: Recovery;
    telemetry: Pick<Telemetry, 'checkpointed'>;
    log: IngestLog;
    clock: Clock;
  },
  intervalMs: number,
): Checkpoints {
  const { database, recovery, telemetry, log, clock } = parts;
  let isDirty = false;
  let lastMs = clock.now();
  return {
    written() {
      isDirty = true;
    },
    async makeIfDue() {
      const startMs = clock.now();
      if (!isDirty || startMs - lastMs < intervalMs) return;
      try {
        await database.exclusively((session) => session.run(sql`CHECKPOINT store`));
        isDirty = false;
      } catch (error) {
        // A long query delays the checkpoint, or the disk is full. The write-ahead log keeps everything until the next
        // attempt.
        log.error({ err: error }, 'The checkpoint failed');
        if (failureKind(error) === 'detached') await recovery.reattachDetached();
      }
      lastMs = clock.now();
      telemetry.checkpointed((lastMs - startMs) / 1000);
    },
  };
}
