import type { Session } from '../session.ts';
import { type Sql, sql } from '../sql.ts';
import type { Load } from './staging-area.ts';
import type { Evaluation } from './traces.ts';

/** What is copied by rows, in this order: entry spans last, since they sum up the others. */
export const rowKinds = ['spans', 'logs', 'metrics', 'roots'] as const;
export type RowKind = (typeof rowKinds)[number];

/** Some staged rows of a kind, by their place: from `from` up to but not including `to`. */
export interface Rows {
  from: number;
  to: number;
}

/** Copies what is staged to the file: the statements of one transaction. */
export async function copyStaged(session: Session, load: Load, evaluation: Evaluation): Promise<void> {
  await copyBeginning(session, load, evaluation);
  for (const kind of rowKinds) await copyRows(session, load, evaluation, kind);
  await copyEnding(session, load, evaluation);
}

/** How many rows of a kind are staged. */
export function stagedRows(load: Load, evaluation: Evaluation, kind: RowKind): number {
  return kind === 'roots' ? evaluation.fresh.length + evaluation.settled.length : load.counts[kind];
}

/**
 * Copies what comes before all rows; if a load goes in several transactions, this is the first. From here on the traces
 * are known to be open, so that after a crash their entry spans are written again.
 */
export async function copyBeginning(session: Session, load: Load, { opened, changed }: Evaluation): Promise<void> {
  if (load.newResources.length > 0) await session.rows('ingest-resources');
  await session.rows('ingest-attribute-keys');
  await ofTraces(session, 'ingest-open-traces', opened);
  await ofTraces(session, 'ingest-forget-settled', load.reopened);
  await ofTraces(session, 'ingest-forget-fresh', changed);
}

/** Copies the rows of a kind: all, or some. */
export async function copyRows(
  session: Session,
  load: Load,
  { fresh, settled }: Evaluation,
  kind: RowKind,
  rows?: Rows,
): Promise<void> {
  const within = rows ? sql`place >= $from AND place < $to` : sql`true`;
  const parameters = rows ? { from: rows.from, to: rows.to } : {};
  const copy = async (name: string, fragments: Readonly<Record<string, Sql>>): Promise<void> => {
    await session.rows(name, { fragments: { ...fragments, within }, parameters });
  };
  if (kind !== 'roots') {
    if (load.counts[kind] > 0) await copy(`ingest-${kind}`, { side: load.side === 'a' ? sql`a` : sql`b` });
    return;
  }
  if (fresh.length > 0) await copy('ingest-roots-fresh', {});
  if (settled.length > 0) await copy('ingest-roots-settled', {});
}

/** What comes after all rows. */
export async function copyEnding(session: Session, load: Load, { closed }: Evaluation): Promise<void> {
  if (load.completes) await session.rows('ingest-completed-traces');
  await ofTraces(session, 'ingest-cut-traces', load.cut);
  await ofTraces(session, 'ingest-close-traces', closed);
}

async function ofTraces(session: Session, name: string, traces: string[]): Promise<void> {
  if (traces.length > 0) await session.rows(name, { parameters: { traces } });
}
