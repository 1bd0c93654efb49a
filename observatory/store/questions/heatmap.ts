import type { Heatmap, Scale } from '../../contract/contract.ts';
import type { Expression } from '../../filter/ast.ts';
import { filterSql } from '../filter-sql.ts';
import { sql } from '../sql.ts';
import { latencyEdges } from './latency-rows.ts';
import { askRows, nanoseconds, populationSql, type Asking, type Population } from './population.ts';
import { stepNanoseconds, timeSteps } from './time-steps.ts';

export interface HeatmapQuestion extends Population {
  columns: number;
  rows: number;
  scale: Scale;
  highlight: Expression | undefined;
}

/** Counts spans by start and duration. */
export async function askHeatmap(asking: Asking, question: HeatmapQuestion): Promise<Heatmap> {
  const range = populationSql(question);
  const [ends] = await askRows<Record<'shortest_ns' | 'usual_longest_ns' | 'longest_ns', number | null>>(
    asking,
    'heatmap-range',
    range.binder,
    { view: range.view, where: range.where },
  );
  // An empty heatmap still has its rows: a millisecond to ten seconds.
  const shortest = ends?.shortest_ns ?? 1e6;
  const longest = ends?.longest_ns ?? 9e9;
  const edges = latencyEdges(question.scale, shortest, longest, question.rows, ends?.usual_longest_ns ?? longest);
  const { stepMs, count } = timeSteps(question.fromMs, question.toMs, question.columns);
  const cells = ends?.longest_ns == null ? [] : await askCells(asking, question, edges, stepMs);
  return {
    from: question.fromMs,
    to: question.toMs,
    scale: question.scale,
    stepMs,
    columns: count,
    edgesMs: edges.map((edge) => edge / 1e6),
    cells,
    total: cells.reduce((sum, cell) => sum + cell[2], 0),
    errors: cells.reduce((sum, cell) => sum + cell[3], 0),
  };
}

async function askCells(
  asking: Asking,
  question: HeatmapQuestion,
  edges: number[],
  stepMs: number,
): Promise<Heatmap['cells']> {
  const { binder, view, where } = populationSql(question);
  const low = edges[0] ?? 0;
  // All rows but the last are even; the last one may reach further.
  const evenRows = Math.max(1, question.rows - 1);
  const evenEnd = edges[evenRows] ?? 1;
  const row =
    question.scale === 'log'
      ? sql`ln(greatest(s.duration_ns, 1) / ${binder.bind(low)}::DOUBLE) * ${binder.bind(evenRows / Math.log(evenEnd / low))}::DOUBLE`
      : sql`s.duration_ns * ${binder.bind(1 / (edges[1] ?? 1))}::DOUBLE`;
  const highlight =
    question.highlight === undefined ? sql`false` : filterSql(question.highlight, question.scope, binder);
  const fragments = {
    view,
    where,
    row,
    highlight,
    edges: binder.bind(edges.map(String)),
    from: binder.bind(nanoseconds(question.fromMs)),
    step: binder.bind(stepNanoseconds(stepMs)),
    rows: binder.bind(question.rows),
  };
  type Cell = { column: number; row: number; count: number; errors: number; lit: number };
  const cells = await askRows<Cell>(asking, 'heatmap', binder, fragments);
  return cells.map((cell) => [cell.column, cell.row, cell.count, cell.errors, cell.lit]);
}
