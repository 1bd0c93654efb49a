/** Where the heatmap's cells, durations and instants lie within its plot, and back. Plot coordinates are CSS pixels. Pure. */
import type { Heatmap } from '../../contract/contract.ts';
import type { Box } from '../state/url-state.ts';

/** The parts of a heatmap that the geometry needs. */
export type Grid = Pick<Heatmap, 'from' | 'stepMs' | 'columns' | 'edgesMs' | 'scale'>;

export interface Size {
  width: number;
  height: number;
}

/** A rectangle of cells, both ends included; rows count from the shortest durations up. */
export interface CellRange {
  column0: number;
  column1: number;
  row0: number;
  row1: number;
}

export const rowsOf = (grid: Grid): number => Math.max(0, grid.edgesMs.length - 1);
export const endOf = (grid: Grid): number => grid.from + grid.columns * grid.stepMs;

/**
 * The end of an axis that a few far longer spans exceed. They are all in its last row, which is drawn like the others
 * but has no end. Null if the axis holds everything.
 */
export function beyondOf(grid: Grid): number | null {
  const rows = rowsOf(grid);
  const edge = (row: number): number => grid.edgesMs[row] ?? 0;
  const height = (row: number): number =>
    grid.scale === 'linear' ? edge(row + 1) - edge(row) : Math.log(edge(row + 1) / edge(row));
  return rows > 1 && height(rows - 1) > 1.5 * height(0) ? edge(rows - 1) : null;
}

/** Horizontal place of an instant (Unix milliseconds); outside the plot if the instant is. */
export function xOfTime(grid: Grid, size: Size, ms: number): number {
  return ((ms - grid.from) / (grid.columns * grid.stepMs)) * size.width;
}

/** Vertical place of a duration; those beyond the axis lie on its ends. */
export function yOfDuration(grid: Grid, size: Size, ms: number): number {
  return size.height * (1 - rowPosition(grid, ms) / Math.max(1, rowsOf(grid)));
}

/** Row and fraction of a duration, from 0 to the number of rows. */
function rowPosition(grid: Grid, ms: number): number {
  const edges = grid.edgesMs;
  const rows = rowsOf(grid);
  if (rows === 0 || ms <= (edges[0] ?? 0)) return 0;
  if (ms >= (edges[rows] ?? Infinity)) return rows;
  let low = 0;
  let high = rows;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= ms) low = middle;
    else high = middle;
  }
  const from = edges[low] ?? 0;
  const to = edges[low + 1] ?? from;
  const part = grid.scale === 'log' && from > 0 ? Math.log(ms / from) / Math.log(to / from) : (ms - from) / (to - from);
  return low + part;
}

/** The cell at a point; points beyond the plot belong to the cell nearest to them. Null if there are no cells. */
export function cellAt(grid: Grid, size: Size, x: number, y: number): { column: number; row: number } | null {
  const rows = rowsOf(grid);
  if (rows === 0 || grid.columns === 0 || size.width <= 0 || size.height <= 0) return null;
  const column = clamp(Math.floor((x / size.width) * grid.columns), grid.columns);
  const row = clamp(rows - 1 - Math.floor((y / size.height) * rows), rows);
  return { column, row };
}

function clamp(index: number, count: number): number {
  return Math.min(count - 1, Math.max(0, index));
}

/** The cell of another heatmap that covers what a cell of this one does: its middle, in time and in duration. */
export function carriedOver(
  cell: { column: number; row: number },
  from: Grid,
  to: Grid,
): { column: number; row: number } {
  const at = from.from + (cell.column + 0.5) * from.stepMs;
  const short = from.edgesMs[cell.row] ?? 0;
  const long = from.edgesMs[cell.row + 1] ?? short;
  const middle = from.scale === 'log' ? Math.sqrt(short * long) : (short + long) / 2;
  return {
    column: clamp(Math.floor((at - to.from) / to.stepMs), to.columns),
    row: clamp(Math.floor(rowPosition(to, middle)), rowsOf(to)),
  };
}

/** The cells between two corners, whichever way they were dragged. */
export function cellsBetween(a: { column: number; row: number }, b: { column: number; row: number }): CellRange {
  return {
    column0: Math.min(a.column, b.column),
    column1: Math.max(a.column, b.column),
    row0: Math.min(a.row, b.row),
    row1: Math.max(a.row, b.row),
  };
}

/** The box of instants and durations that cells cover. The lowest and the highest row reach on without a bound. */
export function boxOfCells(grid: Grid, cells: CellRange): Box {
  const rows = rowsOf(grid);
  return {
    fromMs: grid.from + cells.column0 * grid.stepMs,
    toMs: grid.from + (cells.column1 + 1) * grid.stepMs,
    minMs: cells.row0 <= 0 ? null : (grid.edgesMs[cells.row0] ?? null),
    maxMs: cells.row1 >= rows - 1 ? null : (grid.edgesMs[cells.row1 + 1] ?? null),
  };
}

/** A box as a rectangle of the plot, cut off at its edges; null if it lies outside. */
export function rectangleOfBox(
  grid: Grid,
  size: Size,
  box: Box,
): { left: number; top: number; width: number; height: number } | null {
  const left = Math.max(0, box.fromMs === null ? 0 : xOfTime(grid, size, box.fromMs));
  const right = Math.min(size.width, box.toMs === null ? size.width : xOfTime(grid, size, box.toMs));
  const top = box.maxMs === null ? 0 : yOfDuration(grid, size, box.maxMs);
  const bottom = box.minMs === null ? size.height : yOfDuration(grid, size, box.minMs);
  if (right <= 0 || left >= size.width || right <= left) return null;
  return { left, top, width: right - left, height: Math.max(1, bottom - top) };
}
