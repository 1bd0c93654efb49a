import type { Telemetry } from '../../telemetry.ts';
import type { RowKind } from './flush.ts';
import type { IngestLog } from './ingest-options.ts';
import type { Load } from './staging-area.ts';

/** Counts an item that the store refuses; the others of its load are stored. */
export type GiveUp = (load: Load, kind: RowKind, error: unknown) => void;

export function createGiveUp(log: IngestLog, telemetry: Pick<Telemetry, 'lost'>): GiveUp {
  return (load, kind, error) => {
    log.error({ err: error, kind }, 'An item was given up');
    if (kind === 'roots') return; // a roll-up is no item: the spans of its trace are
    load.givenUp[kind] += 1;
    telemetry.lost(1);
  };
}
