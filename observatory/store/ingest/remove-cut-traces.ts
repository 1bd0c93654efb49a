import type { Database } from '../database.ts';
import { sql } from '../sql.ts';

/** Removes the traces that were cut (schema.sql) when the process ended before the rest of them was stored. */
export async function removeCutTraces(database: Pick<Database, 'exclusively' | 'transaction'>): Promise<void> {
  const [cut] = await database.exclusively((session) => session.run(sql`SELECT 1 FROM store.cut_traces LIMIT 1`));
  if (!cut) return;
  await database.transaction(async (session) => {
    await session.run(sql`DELETE FROM store.spans WHERE trace_id IN (FROM store.cut_traces)`);
    await session.run(sql`DELETE FROM store.fresh_roots WHERE trace_id IN (FROM store.cut_traces)`);
    await session.run(sql`DELETE FROM store.open_traces WHERE trace_id IN (FROM store.cut_traces)`);
    await session.run(sql`DELETE FROM store.cut_traces`);
  });
}
