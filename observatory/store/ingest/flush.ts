import type { Session } from '../database.ts';
import { sql } from '../sql.ts';
import type { Load } from './staging-area.ts';
import type { Evaluation } from './traces.ts';

/** Copies what is staged to the file: the statements of one transaction. */
export async function copyStaged(session: Session, load: Load, evaluation: Evaluation): Promise<void> {
  const fragments = { side: load.side === 'a' ? sql`a` : sql`b` };
  const { fresh, settled, opened, changed, closed } = evaluation;
  const ofTraces = async (name: string, traces: string[]): Promise<void> => {
    if (traces.length > 0) await session.rows(name, { parameters: { traces } });
  };
  if (load.newResources.length > 0) await session.rows('ingest-resources');
  await session.rows('ingest-attribute-keys');
  if (load.counts.spans > 0) await session.rows('ingest-spans', { fragments });
  if (load.counts.logs > 0) await session.rows('ingest-logs', { fragments });
  if (load.counts.metrics > 0) await session.rows('ingest-metrics', { fragments });
  await ofTraces('ingest-forget-settled', load.reopened);
  await ofTraces('ingest-forget-fresh', changed);
  if (fresh.length > 0) await session.rows('ingest-roots-fresh');
  if (settled.length > 0) await session.rows('ingest-roots-settled');
  await ofTraces('ingest-open-traces', opened);
  await ofTraces('ingest-close-traces', closed);
}
