/** Mouse, finger and keyboard over the heatmap: a click opens a cell, a drag or Shift with the arrows makes a box. */
import { useRef, useState } from 'preact/hooks';
import type { Heatmap } from '../../contract/contract.ts';
import { carriedOver, cellAt, cellsBetween, rowsOf, type CellRange, type Size } from './geometry.ts';

export interface Cell {
  column: number;
  row: number;
}

/**
 * A gesture and the heatmap it began on. That heatmap stays until the gesture ends, even if live ones arrive meanwhile.
 */
interface Gesture {
  heatmap: Heatmap;
  from: Cell;
  to: Cell;
  /** Where the pointer went down, in plot coordinates; null for the keyboard. */
  start: { x: number; y: number } | null;
  moved: boolean;
}

/** The keyboard's cell, and the heatmap it belongs to: the next one may have other columns and rows. */
interface Cursor {
  heatmap: Heatmap;
  cell: Cell;
  /** Whether a key put it there; until then it is on the cell that holds most. */
  moved: boolean;
}

export interface Pointing {
  /** The heatmap to show: frozen during a gesture. */
  shown: Heatmap | null;
  hovered: Cell | null;
  /** The keyboard's cell. */
  cursor: Cell | null;
  /** The cells a gesture covers so far. */
  preview: CellRange | null;
  handlers: {
    onPointerDown: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerUp: (event: PointerEvent) => void;
    onPointerCancel: () => void;
    onPointerLeave: () => void;
    onKeyDown: (event: KeyboardEvent) => void;
    onFocus: (event: FocusEvent) => void;
    onBlur: () => void;
  };
}

/** A movement shorter than this is a click, CSS pixels. */
const clickSlack = 4;

export function usePointing(
  latest: Heatmap | null,
  size: Size,
  act: {
    box: (heatmap: Heatmap, cells: CellRange) => void;
    open: (heatmap: Heatmap, cell: Cell) => void;
    clear: () => void;
  },
): Pointing {
  const [gesture, setGesture] = useState<Gesture | null>(null);
  const [pointer, setPointer] = useState<{ x: number; y: number } | null>(null);
  const [placed, setPlaced] = useState<Cursor | null>(null);
  const pressed = useRef(false);
  const shown = gesture?.heatmap ?? latest;
  const hovered = shown === null || pointer === null ? null : cellAt(shown, size, pointer.x, pointer.y);
  const cursor = shown === null || placed === null ? null : cursorOn(shown, placed);

  const place = (event: PointerEvent): { x: number; y: number } => {
    const at = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - at.left, y: event.clientY - at.top };
  };

  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0 || shown === null || !event.isPrimary) return;
    const { x, y } = place(event);
    const cell = cellAt(shown, size, x, y);
    if (cell === null) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    pressed.current = true;
    setPlaced(null);
    setGesture({ heatmap: shown, from: cell, to: cell, start: { x, y }, moved: false });
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (shown === null) return;
    const { x, y } = place(event);
    const cell = cellAt(shown, size, x, y);
    // Over a marker its card is shown, not the cell below.
    const onMarker = event.target instanceof Element && event.target.closest('.marker-group') !== null;
    const inside = !onMarker && x >= 0 && y >= 0 && x < size.width && y < size.height;
    setPointer(inside ? { x, y } : null);
    if (gesture === null || gesture.start === null || cell === null) return;
    const moved = gesture.moved || Math.hypot(x - gesture.start.x, y - gesture.start.y) >= clickSlack;
    setGesture({ ...gesture, to: cell, moved });
  };
  const onPointerUp = (): void => {
    pressed.current = false;
    setGesture(null);
    if (gesture === null) return;
    // One gesture is either a drag or a click, so that no click undoes what a drag has selected.
    if (gesture.moved) act.box(gesture.heatmap, cellsBetween(gesture.from, gesture.to));
    else act.open(gesture.heatmap, gesture.from);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (shown === null || rowsOf(shown) === 0) return;
    const from = gesture?.to ?? cursor ?? busiest(shown);
    const next = stepped(event, from, shown);
    if (next !== null) {
      setPlaced({ heatmap: shown, cell: next, moved: true });
      setPointer(null);
      if (event.shiftKey)
        setGesture({ heatmap: shown, from: gesture?.from ?? from, to: next, start: null, moved: true });
      else setGesture(null);
    } else if (event.key === 'Enter' || event.key === ' ') {
      setGesture(null);
      if (gesture === null) act.open(shown, from);
      else act.box(gesture.heatmap, cellsBetween(gesture.from, gesture.to));
    } else if (event.key === 'Escape') {
      if (gesture === null) act.clear();
      setGesture(null);
    } else {
      return;
    }
    event.preventDefault();
  };

  return {
    shown,
    hovered,
    cursor,
    preview: gesture !== null && gesture.moved ? cellsBetween(gesture.from, gesture.to) : null,
    handlers: {
      onPointerDown,
      onPointerMove,
      onPointerUp,
      onPointerCancel: () => {
        pressed.current = false;
        setGesture(null);
      },
      onPointerLeave: () => setPointer(null),
      onKeyDown,
      onFocus: () => {
        // Focus that a press brings shows no keyboard cursor.
        if (pressed.current || shown === null || rowsOf(shown) === 0) return;
        setPlaced((last) => last ?? { heatmap: shown, cell: busiest(shown), moved: false });
      },
      onBlur: () => {
        setPlaced(null);
        if (!pressed.current) setGesture(null);
      },
    },
  };
}

/** Where the keyboard's cell lies on the heatmap that is shown now; null if that has no cells. */
function cursorOn(shown: Heatmap, placed: Cursor): Cell | null {
  if (rowsOf(shown) === 0) return null;
  if (placed.heatmap === shown) return placed.cell;
  return placed.moved ? carriedOver(placed.cell, placed.heatmap, shown) : busiest(shown);
}

/** Where an arrow key leads; null for any other key. */
function stepped(event: KeyboardEvent, from: Cell, heatmap: Heatmap): Cell | null {
  const by = event.ctrlKey || event.metaKey ? 10 : 1;
  const steps: Record<string, [number, number]> = {
    ArrowLeft: [-by, 0],
    ArrowRight: [by, 0],
    ArrowUp: [0, by],
    ArrowDown: [0, -by],
    PageUp: [0, 5],
    PageDown: [0, -5],
    Home: [-heatmap.columns, 0],
    End: [heatmap.columns, 0],
  };
  const step = steps[event.key];
  if (step === undefined) return null;
  return {
    column: Math.min(heatmap.columns - 1, Math.max(0, from.column + step[0])),
    row: Math.min(rowsOf(heatmap) - 1, Math.max(0, from.row + step[1])),
  };
}

/** The cell that holds most: a good place to start from. */
function busiest(heatmap: Heatmap): Cell {
  let best: Cell & { count: number } = { column: heatmap.columns - 1, row: 0, count: -1 };
  for (const [column, row, count] of heatmap.cells) if (count > best.count) best = { column, row, count };
  return { column: best.column, row: best.row };
}
