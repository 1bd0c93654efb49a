/** How uPlot draws our lines: axes in our units, a tooltip, a click that opens a trace, a drag that looks closer. */
import type uPlot from 'uplot';
import type { Measure } from '../../contract/contract.ts';
import { formatClock, timeTicks } from '../format/time.ts';
import { go } from '../state/location.ts';
import { formatMeasure } from './measure.ts';
import type { LineStyle } from './line-style.ts';

export interface Line {
  name: string;
  /** A short form of the name that differs from the others. */
  short: string;
  style: LineStyle;
  values: (number | null)[];
  /** Selects the spans of this line; '' if the line is of all spans. */
  filter: string;
}

export interface Drawn {
  /** Unix milliseconds. */
  times: number[];
  stepMs: number;
  lines: Line[];
  measure: Measure;
  /** How many spans the lines are of. */
  spans: number;
}

/** Room for the labels of the durations, and at the right edge; CSS pixels. */
export const axisWidth = 64;
export const rightRoom = 12;
const topRoom = 22;
/** More points than this touch each other. */
const mostPoints = 60;
/** How near the pointer must come to a line to mean it, CSS pixels. */
const nearness = 24;

/**
 * @param latest the lines now shown: the plot outlives many answers.
 * @param open what a click on a point does.
 */
export function plotOptions(
  drawn: Drawn,
  size: { width: number; height: number },
  element: Element,
  latest: () => Drawn,
  open: (drawn: Drawn, point: { line: number; index: number }) => void,
): uPlot.Options {
  const grid = { stroke: resolve(element, 'var(--line-faint)'), width: 1 };
  const axis = {
    stroke: resolve(element, 'var(--muted)'),
    grid,
    ticks: grid,
    font: `11px ${getComputedStyle(element).fontFamily}`,
  };
  return {
    width: size.width,
    height: size.height,
    padding: [topRoom, rightRoom, 0, 0],
    legend: { show: false },
    focus: { alpha: 0.25 },
    cursor: { focus: { prox: nearness }, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      {
        ...axis,
        splits: (plot, _axis, low, high) =>
          timeTicks(low * 1000, high * 1000, plot.width / 90).map((tick) => tick.ms / 1000),
        values: (plot, splits) => {
          const { min = 0, max = 0 } = plot.scales['x'] ?? {};
          const ticks = timeTicks((min ?? 0) * 1000, (max ?? 0) * 1000, plot.width / 90);
          return splits.map((at) => ticks.find((tick) => tick.ms === at * 1000)?.label ?? formatClock(at * 1000));
        },
      },
      {
        ...axis,
        size: axisWidth,
        values: (_plot, splits) => splits.map((value) => formatMeasure(drawn.measure, value)),
      },
    ],
    series: [
      {},
      ...drawn.lines.map((line) => ({
        label: line.name,
        stroke: resolve(element, line.style.css),
        width: 2,
        dash: line.style.dash,
        // A step without spans is a gap: a line across it would claim durations that nothing had.
        points: { show: true, size: 4, filter: (plot: uPlot, series: number) => pointsDrawn(plot.data[series] ?? []) },
        spanGaps: false,
      })),
    ],
    hooks: { setSelect: [lookCloser] },
    plugins: [tooltip(latest), opener(latest, open)],
  };
}

/** All points if there is room; else only the points between two gaps, which no line shows. */
function pointsDrawn(values: ArrayLike<number | null | undefined>): number[] {
  const has = (index: number): boolean => values[index] !== null && values[index] !== undefined;
  const all = values.length <= mostPoints;
  return Array.from({ length: values.length }, (_, index) => index).filter(
    (index) => has(index) && (all || (!has(index - 1) && !has(index + 1))),
  );
}

/** A token's value: `var(--x)` means nothing to a canvas. */
function resolve(element: Element, css: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(css)?.[1];
  return name === undefined ? css : getComputedStyle(element).getPropertyValue(name).trim();
}

/** Goes to the range that was dragged over, and removes the grey box, because its range is then the whole chart. */
function lookCloser(plot: Pick<uPlot, 'select' | 'posToVal' | 'setSelect'>): void {
  if (plot.select.width < 8) return;
  const at = (x: number): number => Math.round(plot.posToVal(x, 'x')) * 1000;
  const from = at(plot.select.left);
  const to = at(plot.select.left + plot.select.width);
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (to > from) go({ from, to });
}

interface Near {
  line: Line;
  index: number;
  left: number;
  top: number;
}

/** The line and the point nearest to the cursor; null if none is near. */
function nearest(plot: uPlot, drawn: Drawn): Near | null {
  const index = plot.cursor.idx;
  const top = plot.cursor.top ?? -1;
  if (index === null || index === undefined || top < 0) return null;
  let best: (Near & { distance: number }) | null = null;
  for (const line of drawn.lines) {
    const value = line.values[index];
    if (value === null || value === undefined) continue;
    const y = plot.valToPos(value, 'y');
    const distance = Math.abs(y - top);
    if (distance <= nearness && (best === null || distance < best.distance)) {
      best = { line, index, left: plot.valToPos((drawn.times[index] ?? 0) / 1000, 'x'), top: y, distance };
    }
  }
  return best;
}

function tooltip(latest: () => Drawn): uPlot.Plugin {
  const element = document.createElement('div');
  element.className = 'tooltip';
  element.hidden = true;
  return {
    hooks: {
      init: (plot) => plot.over.append(element),
      setCursor: (plot) => {
        const drawn = latest();
        const near = nearest(plot, drawn);
        element.hidden = near === null;
        if (near === null) return;
        const time = drawn.times[near.index] ?? 0;
        const strong = document.createElement('strong');
        strong.textContent = formatMeasure(drawn.measure, near.line.values[near.index] ?? 0);
        const name = document.createElement('span');
        name.className = 'clip-2';
        name.textContent = near.line.short;
        const when = document.createElement('span');
        when.textContent = `${formatClock(time)} – ${formatClock(time + drawn.stepMs)}`;
        element.replaceChildren(strong, name, when);
        element.style.left = `${near.left}px`;
        element.style.top = `${near.top}px`;
        element.dataset['left'] = String(near.left > plot.over.clientWidth * 0.6);
      },
    },
  };
}

function opener(latest: () => Drawn, open: Parameters<typeof plotOptions>[4]): uPlot.Plugin {
  return {
    hooks: {
      init: (plot) => {
        let down = { x: 0, y: 0 };
        plot.over.addEventListener('pointerdown', (event) => {
          down = { x: event.clientX, y: event.clientY };
        });
        plot.over.addEventListener('click', (event) => {
          if (Math.hypot(event.clientX - down.x, event.clientY - down.y) > 4) return;
          const drawn = latest();
          const near = nearest(plot, drawn);
          if (near !== null) open(drawn, { line: drawn.lines.indexOf(near.line), index: near.index });
        });
      },
    },
  };
}
