import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Heatmap as HeatmapData, Marker } from '../../contract/contract.ts';
import { formatDuration } from '../format/duration.ts';
import { formatCount, plural } from '../format/number.ts';
import { formatClock, formatSince } from '../format/time.ts';
import { useScheme, useSize } from '../format/use-size.ts';
import { columnsOfRoom } from '../state/clock.ts';
import { state } from '../state/location.ts';
import type { Box } from '../state/url-state.ts';
import { drawHeatmap, inset, readPalette } from './draw.ts';
import { beyondOf, boxOfCells, endOf, rectangleOfBox, rowsOf, type CellRange, type Size } from './geometry.ts';
import { Markers } from './markers.tsx';
import { usePointing, type Cell } from './pointing.ts';

interface Props {
  heatmap: HeatmapData | null;
  markers: Marker[];
  box: Box | null;
  /** Whether the heatmap's cells say what is highlighted. */
  lit: boolean;
  onBox: (heatmap: HeatmapData, box: Box) => void;
  onOpen: (heatmap: HeatmapData, box: Box) => void;
  onClear: () => void;
}

export const heatmapRows = 44;

export function Heatmap({ heatmap, markers, box, lit, onBox, onOpen, onClear }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const outer = useSize(frame);
  const scheme = useScheme();
  const { scope } = state.value;
  const size: Size = {
    width: Math.max(0, outer.width - inset.left - inset.right),
    height: Math.max(0, outer.height - inset.top - inset.bottom),
  };
  const { shown, hovered, cursor, preview, handlers } = usePointing(heatmap, size, {
    box: (on, cells) => onBox(on, boxOfCells(on, cells)),
    open: (on, cell) => countAt(on, cell) !== null && onOpen(on, boxOfCells(on, { ...rangeOf(cell) })),
    clear: onClear,
  });
  useEffect(() => {
    if (size.width > 0) columnsOfRoom.value = Math.min(600, Math.max(30, Math.floor(size.width / 4)));
  }, [size.width]);
  useEffect(() => {
    if (canvas.current === null || frame.current === null || shown === null || size.width === 0) return;
    drawHeatmap(canvas.current, shown, size, readPalette(frame.current), lit);
  }, [shown, size.width, size.height, scheme, lit]);

  const about = shown === null ? null : (cursor ?? (preview === null ? hovered : null));
  const selected = shown === null || box === null ? null : rectangleOfBox(shown, size, box);
  const dragged = shown === null || preview === null ? null : rectangleOfBox(shown, size, boxOfCells(shown, preview));
  return (
    <div class="heatmap" ref={frame}>
      <canvas ref={canvas} style={{ width: '100%', height: '100%' }} aria-hidden="true" />
      <div
        class="plot"
        style={{ left: `${inset.left}px`, top: `${inset.top}px`, width: `${size.width}px`, height: `${size.height}px` }}
        tabIndex={0}
        role="application"
        aria-roledescription="heatmap"
        aria-label={`Heatmap of durations over time. ${shown === null ? '' : plural(shown.total, scope === 'roots' ? 'entry span' : 'span')}. Arrow keys move, Shift with arrows selects, Enter opens or compares, Escape clears.`}
        {...handlers}
      >
        {shown !== null && <Markers markers={markers} from={shown.from} to={endOf(shown)} size={size} />}
        {selected !== null && dragged === null && <div class="box" style={pixels(selected)} data-testid="selection" />}
        {dragged !== null && <div class="box dragging" style={pixels(dragged)} />}
        {shown !== null && about !== null && <CellMark heatmap={shown} cell={about} size={size} />}
      </div>
      {shown !== null && about !== null && preview === null && (
        <Tooltip heatmap={shown} cell={about} size={size} lit={lit} />
      )}
      <div class="only-heard" aria-live="polite">
        {shown !== null &&
          cursor !== null &&
          (preview === null ? describe(shown, cursor) : describeBox(shown, preview))}
      </div>
    </div>
  );
}

const rangeOf = (cell: Cell): CellRange => ({
  column0: cell.column,
  column1: cell.column,
  row0: cell.row,
  row1: cell.row,
});
const pixels = (at: { left: number; top: number; width: number; height: number }) =>
  Object.fromEntries(Object.entries(at).map(([name, value]) => [name, `${value}px`]));

function countAt(heatmap: HeatmapData, { column, row }: Cell): HeatmapData['cells'][number] | null {
  return heatmap.cells.find((cell) => cell[0] === column && cell[1] === row) ?? null;
}

function CellMark({ heatmap, cell, size }: { heatmap: HeatmapData; cell: Cell; size: Size }) {
  const width = size.width / heatmap.columns;
  const height = size.height / Math.max(1, rowsOf(heatmap));
  const top = size.height - (cell.row + 1) * height;
  return <div class="cell-mark" style={pixels({ left: cell.column * width, top, width, height })} />;
}

const spanOf = (heatmap: HeatmapData, cells: CellRange): string => {
  const from = heatmap.from + cells.column0 * heatmap.stepMs;
  return `${formatSince(from, Date.now())} – ${formatClock(heatmap.from + (cells.column1 + 1) * heatmap.stepMs)}`;
};
const durationsOf = (heatmap: HeatmapData, cells: CellRange): string => {
  const low = formatDuration(heatmap.edgesMs[cells.row0] ?? 0);
  const isLast = cells.row1 === rowsOf(heatmap) - 1;
  if (isLast && beyondOf(heatmap) !== null) return `${low} or more`;
  const high = formatDuration(heatmap.edgesMs[cells.row1 + 1] ?? 0);
  // On a log axis the lowest row holds all that was faster, too: failures that were over at once.
  return cells.row0 === 0 && heatmap.scale === 'log' ? `up to ${high}` : `${low} – ${high}`;
};

function describe(heatmap: HeatmapData, cell: Cell): string {
  const found = countAt(heatmap, cell);
  const count = found === null ? 'nothing' : plural(found[2], 'span');
  const errors = found !== null && found[3] > 0 ? `, ${plural(found[3], 'error')}` : '';
  return `${spanOf(heatmap, rangeOf(cell))}, ${durationsOf(heatmap, rangeOf(cell))}: ${count}${errors}`;
}

function describeBox(heatmap: HeatmapData, cells: CellRange): string {
  return `Selecting ${spanOf(heatmap, cells)}, ${durationsOf(heatmap, cells)}. Enter compares.`;
}

function Tooltip({ heatmap, cell, size, lit }: { heatmap: HeatmapData; cell: Cell; size: Size; lit: boolean }) {
  const found = useMemo(() => countAt(heatmap, cell), [heatmap, cell.column, cell.row]);
  if (found === null) return null;
  const x = inset.left + ((cell.column + 0.5) / heatmap.columns) * size.width;
  const y = inset.top + size.height * (1 - (cell.row + 0.5) / Math.max(1, rowsOf(heatmap)));
  const left = x > size.width * 0.6;
  return (
    <div class="tooltip" data-left={left} style={{ left: `${x}px`, top: `${y}px` }} aria-hidden="true">
      <strong>{durationsOf(heatmap, rangeOf(cell))}</strong>
      <span>{spanOf(heatmap, rangeOf(cell))}</span>
      <span>
        {plural(found[2], 'span')}
        {found[3] > 0 && <b class="is-error">, {plural(found[3], 'error')}</b>}
        {lit && `, ${formatCount(found[4])} highlighted`}
      </span>
      <small>Click for a typical trace, drag to compare</small>
    </div>
  );
}
