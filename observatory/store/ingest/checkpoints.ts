import type { Clock } from '../../async/clock.ts';
import type { Telemetry } from '../../telemetry.ts';
import type { Database } from '../database.ts';
import { rowGroupSize } from '../row-group.ts';
import { failureKind } from '../failures.ts';
import { sql } from '../sql.ts';
import type { IngestLog, IngestOptions } from './ingest-options.ts';
import type { Recovery } from './recovery.ts';

/** Moves what the write-ahead log has to its place in the file, now and then. */
export interface Checkpoints {
  /** So many items were written. */
  written(items: number): void;
  /** Makes one when something was written and the last one is long enough ago for how much that is. */
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
  { checkpointIntervalMs, quietCheckpointIntervalMs }: IngestOptions,
): Checkpoints {
  const { database, recovery, telemetry, log, clock } = parts;
  /** Whether the write-ahead log has anything: also a flush that brought no items changes entry spans. */
  let isDirty = false;
  let items = 0;
  let lastMs = clock.now();
  return {
    written(more) {
      isDirty = true;
      items += more;
    },
    async makeIfDue() {
      const startMs = clock.now();
      // A checkpoint writes the last group of each table anew, which costs more than a second of usual flushes.
      const intervalMs = items < rowGroupSize ? quietCheckpointIntervalMs : checkpointIntervalMs;
      if (!isDirty || startMs - lastMs < intervalMs) return;
      try {
        await database.exclusively((session) => session.run(sql`CHECKPOINT store`));
        isDirty = false;
        items = 0;
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
