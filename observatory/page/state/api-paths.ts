/** The page's state as questions to the API: one function a question, each giving the path to ask. Pure. */
import { addCondition } from '../../filter/compose.ts';
import { apiPath } from '../api/client.ts';
import { filterDuration } from '../format/duration.ts';
import type { Range } from './range.ts';
import type { Box, State } from './url-state.ts';

type Asked = Pick<State, 'filter' | 'scope'>;
type Bounds = Pick<Range, 'fromMs' | 'toMs'>;

/** Both filters at once. A filter that cannot be read is passed on, for the API to refuse it with the position. */
export function both(filter: string, added: string): string {
  try {
    return addCondition(filter, added);
  } catch {
    return filter === '' ? added : filter;
  }
}

/** @param rows how many rows there is room for. @param lit a filter: the spans to be counted apart. */
export function heatmapPath(state: Asked & Pick<State, 'scale'>, range: Range, rows: number, lit: string): string {
  return apiPath('heatmap', {
    from: range.fromMs,
    to: range.toMs,
    filter: state.filter,
    scope: state.scope,
    columns: Math.round((range.toMs - range.fromMs) / range.stepMs),
    rows,
    scale: state.scale,
    highlight: lit,
  });
}

export function comparePath(state: Asked, range: Bounds, box: Box): string {
  return apiPath('compare', {
    from: Math.min(range.fromMs, box.fromMs ?? range.fromMs),
    to: Math.max(range.toMs, box.toMs ?? range.toMs),
    filter: state.filter,
    scope: state.scope,
    boxFrom: box.fromMs,
    boxTo: box.toMs,
    minMs: exactMs(box.minMs),
    maxMs: exactMs(box.maxMs),
  });
}

/**
 * @param lines how many groups get a line over time.
 * @param points how many points each has at most.
 */
export function breakdownPath(
  state: Asked & Pick<State, 'by' | 'sort' | 'measure' | 'box' | 'groupsOf'>,
  range: Bounds,
  lines: number,
  points: number,
): string {
  const box = state.groupsOf === 'selection' ? state.box : null;
  return apiPath('breakdown', {
    from: box?.fromMs ?? range.fromMs,
    to: box?.toMs ?? range.toMs,
    filter: box === null ? state.filter : both(state.filter, durationFilter(box)),
    scope: state.scope,
    by: state.by,
    sort: state.sort,
    series: lines === 0 ? null : lines,
    measure: lines === 0 ? null : state.measure,
    points: lines === 0 ? null : points,
  });
}

export function percentilesPath(state: Asked, range: Bounds): string {
  return apiPath('percentiles', { from: range.fromMs, to: range.toMs, filter: state.filter, scope: state.scope });
}

/** The traces of the population or, with a box, of the box alone. */
export function tracesPath(state: Asked & Pick<State, 'order'>, range: Bounds, box: Box | null): string {
  return apiPath('traces', {
    from: box?.fromMs ?? range.fromMs,
    to: box?.toMs ?? range.toMs,
    filter: box === null ? state.filter : both(state.filter, durationFilter(box)),
    scope: state.scope,
    sort: state.order,
    limit: 200,
  });
}

/** The trace that stands for a box. @param added a condition beside the page's filter, or nothing. */
export function exemplarPath(state: Asked, range: Bounds, box: Box, added = ''): string {
  return apiPath('exemplar', {
    from: box.fromMs ?? range.fromMs,
    to: box.toMs ?? range.toMs,
    filter: both(state.filter, added),
    scope: state.scope,
    minMs: exactMs(box.minMs),
    maxMs: exactMs(box.maxMs),
  });
}

/** A box as part of the question: its durations in the filter, nothing selected, the time as it is. */
export function boxAsFilter(state: Pick<State, 'filter'>, box: Box): Partial<State> {
  const durations = durationFilter(box);
  return { filter: durations === '' ? state.filter : both(state.filter, durations), box: null };
}

/** The box as the whole picture: its durations in the filter, its time as the range. */
export function zoomedInto(state: Pick<State, 'filter'>, box: Box): Partial<State> {
  const time = box.fromMs === null || box.toMs === null ? {} : { from: box.fromMs, to: box.toMs };
  return { ...boxAsFilter(state, box), ...time };
}

/** A duration to the nanosecond: the API takes no more digits. */
function exactMs(ms: number | null): string | null {
  return ms === null ? null : String(Number(ms.toFixed(6)));
}

/** The durations of a box as a filter; nothing if it has no bound. */
export function durationFilter(box: Box): string {
  const parts = [
    ...(box.minMs === null ? [] : [`duration >= ${filterDuration(box.minMs)}`]),
    ...(box.maxMs === null ? [] : [`duration < ${filterDuration(box.maxMs)}`]),
  ];
  return parts.join(' and ');
}
