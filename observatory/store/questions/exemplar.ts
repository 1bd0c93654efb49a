import type { Exemplar } from '../../contract/contract.ts';
import { askRows, boxSql, populationSql, type Asking, type Box, type Population } from './population.ts';

/** The span that stands for a box: the one of median duration. Undefined if the box is empty. */
export async function askExemplar(asking: Asking, population: Population, box: Box): Promise<Exemplar | undefined> {
  const { binder, view, where } = populationSql(population);
  type Found = { trace_id: string; span_id: string; duration_ms: number };
  const [row] = await askRows<Found>(asking, 'exemplar', binder, { view, where, box: boxSql(box, binder) });
  return row && { traceId: row.trace_id, spanId: row.span_id, durationMs: row.duration_ms };
}
