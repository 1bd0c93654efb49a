/** Paints a heatmap on a canvas. Everything that reacts (selection, cursor, markers) lies above it as elements. */
import type { Heatmap } from '../../contract/contract.ts';
import { timeTicks } from '../format/time.ts';
import { durationTicks } from './axis.ts';
import { ceilingOf, intensity, parseColour, ramp } from './colour.ts';
import { endOf, rowsOf, xOfTime, type Size } from './geometry.ts';

/** Room around the plot for the axes and for the markers' labels, CSS pixels. */
export const inset = { left: 60, right: 12, top: 22, bottom: 24 } as const;

export interface Palette {
  heat: string[];
  unlit: string;
  error: string;
  grid: string;
  label: string;
  font: string;
}

/** The colours of the moment, read from the design tokens: they change with the system's scheme. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const stops = Array.from({ length: 8 }, (_, index) => parseColour(token(`--heat-${index + 1}`)));
  return {
    heat: ramp(stops),
    unlit: token('--sunken'),
    error: token('--error'),
    grid: token('--line-faint'),
    label: token('--muted'),
    font: `${token('--text-xs')} ${style.fontFamily}`,
  };
}

/**
 * @param lit whether the cells say what is highlighted, so that everything else is drawn fainter.
 * @param size of the plot, without `inset`.
 */
export function drawHeatmap(
  canvas: HTMLCanvasElement,
  heatmap: Heatmap,
  size: Size,
  palette: Palette,
  lit: boolean,
): void {
  const ratio = window.devicePixelRatio || 1;
  const width = size.width + inset.left + inset.right;
  const height = size.height + inset.top + inset.bottom;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawAxes(context, heatmap, size, palette);
  drawCells(context, heatmap, size, palette, lit, ratio);
}

function drawAxes(context: CanvasRenderingContext2D, heatmap: Heatmap, size: Size, palette: Palette): void {
  context.font = palette.font;
  context.fillStyle = palette.label;
  context.strokeStyle = palette.grid;
  context.lineWidth = 1;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (const tick of durationTicks(heatmap, size)) {
    const y = Math.round(inset.top + tick.y) + 0.5;
    line(context, inset.left, y, inset.left + size.width, y);
    context.fillText(tick.label, inset.left - 8, Math.min(inset.top + size.height - 2, y));
  }
  context.textBaseline = 'top';
  context.textAlign = 'center';
  for (const tick of timeTicks(heatmap.from, endOf(heatmap), Math.floor(size.width / 90))) {
    const x = Math.round(inset.left + xOfTime(heatmap, size, tick.ms)) + 0.5;
    line(context, x, inset.top, x, inset.top + size.height + 4);
    const half = context.measureText(tick.label).width / 2;
    const right = inset.left + size.width + inset.right - half;
    context.fillText(tick.label, Math.min(right, x), inset.top + size.height + 8);
  }
}

function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function drawCells(
  context: CanvasRenderingContext2D,
  heatmap: Heatmap,
  size: Size,
  palette: Palette,
  lit: boolean,
  ratio: number,
): void {
  const rows = rowsOf(heatmap);
  const ceiling = ceilingOf(heatmap.cells.map((cell) => cell[2]));
  // Edges on whole device pixels, so that neighbours neither overlap nor gape.
  const snap = (value: number): number => Math.round(value * ratio) / ratio;
  for (const [column, row, count, errors, litCount] of heatmap.cells) {
    const x0 = snap(inset.left + (column / heatmap.columns) * size.width);
    const x1 = snap(inset.left + ((column + 1) / heatmap.columns) * size.width);
    const y0 = snap(inset.top + (1 - (row + 1) / rows) * size.height);
    const y1 = snap(inset.top + (1 - row / rows) * size.height);
    const gap = x1 - x0 > 5 ? 1 : 0;
    const shown = lit ? litCount : count;
    const place = Math.round(intensity(shown, lit ? Math.max(2, ceiling / 2) : ceiling) * (palette.heat.length - 1));
    // A lit cell starts halfway up the scale: it must stand out from those that step back.
    const index = lit ? Math.max(place, palette.heat.length >> 1) : place;
    context.fillStyle = shown > 0 ? (palette.heat[index] ?? palette.label) : palette.unlit;
    context.fillRect(x0, y0, Math.max(1 / ratio, x1 - x0 - gap), y1 - y0 - (y1 - y0 > 5 ? 1 : 0));
    if (errors > 0 && !lit) {
      const share = Math.max(2, ((y1 - y0) * errors) / count);
      context.fillStyle = palette.error;
      context.fillRect(x0, y1 - share, Math.max(1 / ratio, x1 - x0 - gap), share);
    }
  }
}
