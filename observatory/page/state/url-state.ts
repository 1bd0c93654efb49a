/**
 * What the page shows, as one value, and its two directions: address → state and state → address. The address is the
 * whole state, so that every view can be shared, reloaded and left with the back button. Pure.
 */
import type { Measure, Scale, Scope } from '../../contract/contract.ts';

export type View = 'compare' | 'groups' | 'traces' | 'map' | 'releases' | 'slo';
export type Chart = 'heatmap' | 'lines';
export type Sort = Measure;
export type GroupsOf = 'all' | 'selection';
export type Order = 'newest' | 'slowest';

/** What was dragged over the heatmap: instants in Unix milliseconds, durations in milliseconds; null does not bound. */
export interface Box {
  fromMs: number | null;
  toMs: number | null;
  minMs: number | null;
  maxMs: number | null;
}

export interface State {
  /** The opened trace: path `/trace/<id>`. */
  traceId: string | null;
  spanId: string | null;
  /** The search inside the opened trace. */
  find: string;
  filter: string;
  scope: Scope;
  /** Length of the live range, for example `10m`; `auto` is as long as there is something to see, 10 min at most. */
  last: string;
  /** A fixed range in Unix milliseconds; while both are null the range is live. */
  from: number | null;
  to: number | null;
  /** The fixed range is there for the selection's sake alone: it goes with it, and the range is live again. */
  held: boolean;
  box: Box | null;
  view: View;
  chart: Chart;
  scale: Scale;
  /** Group by none, one or two attributes. */
  by: string[];
  sort: Sort;
  measure: Measure;
  /** Whether groups are of all spans or, where there is a box, of those inside. */
  groupsOf: GroupsOf;
  order: Order;
  /** The filter whose spans are lit in the heatmap. */
  lit: string;
}

export const defaultState: State = {
  traceId: null,
  spanId: null,
  find: '',
  filter: '',
  scope: 'roots',
  last: 'auto',
  from: null,
  to: null,
  held: false,
  box: null,
  view: 'compare',
  chart: 'heatmap',
  scale: 'log',
  by: [],
  sort: 'count',
  measure: 'p50',
  groupsOf: 'all',
  order: 'newest',
  lit: '',
};

const views: readonly View[] = ['compare', 'groups', 'traces', 'map', 'releases', 'slo'];
const sorts: readonly Sort[] = ['count', 'errorRate', 'p50', 'p95', 'p99', 'max'];
const measures: readonly Measure[] = ['count', 'errorRate', 'p50', 'p95', 'p99', 'max'];

/**
 * A state with some of it changed. A range that was held still for a selection is live again once that is gone; one
 * that the user chooses is no longer held for the selection, but theirs.
 */
export function changed(state: State, change: Partial<State>): State {
  const next = { ...state, ...change };
  if (!next.held) return next;
  if (next.box === null) return { ...next, held: false, from: null, to: null };
  const chosen = ('from' in change || 'to' in change) && change.held !== true;
  return chosen ? { ...next, held: false } : next;
}

/** The state an address stands for. Whatever it does not understand falls back to the default, never to an error. */
export function parseState(pathname: string, search: string): State {
  const query = new URLSearchParams(search);
  const trace = /^\/trace\/([^/]+)\/?$/.exec(pathname)?.[1];
  const last = query.get('last');
  const from = instant(query.get('from'));
  const to = instant(query.get('to'));
  const fixed = from !== null && to !== null && from < to;
  const box = parseBox(query.get('box'));
  return {
    traceId: trace === undefined ? null : decode(trace),
    spanId: query.get('span'),
    find: query.get('find') ?? '',
    filter: query.get('filter') ?? '',
    scope: oneOf(query.get('scope'), ['roots', 'spans'], defaultState.scope),
    last: last !== null && parseLast(last) !== null ? last : defaultState.last,
    from: fixed ? from : null,
    to: fixed ? to : null,
    held: fixed && box !== null && query.get('held') === 'true',
    box,
    view: oneOf(query.get('view'), views, defaultState.view),
    chart: oneOf(query.get('chart'), ['heatmap', 'lines'], defaultState.chart),
    scale: oneOf(query.get('scale'), ['log', 'linear'], defaultState.scale),
    by: [...new Set(query.getAll('by').filter((key) => key !== ''))].slice(0, 2),
    sort: oneOf(query.get('sort'), sorts, defaultState.sort),
    measure: oneOf(query.get('measure'), measures, defaultState.measure),
    groupsOf: oneOf(query.get('of'), ['all', 'selection'], defaultState.groupsOf),
    order: oneOf(query.get('order'), ['newest', 'slowest'], defaultState.order),
    lit: query.get('lit') ?? '',
  };
}

/** The shortest address of a state: defaults are left out, the order of parameters is fixed. */
export function formatState(state: State): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | null, fallback: string | null): void => {
    if (value !== null && value !== fallback) query.append(name, value);
  };
  put('filter', state.filter, '');
  put('scope', state.scope, defaultState.scope);
  put('last', state.last, defaultState.last);
  put('from', state.from === null ? null : String(state.from), null);
  put('to', state.to === null ? null : String(state.to), null);
  put('held', state.held ? 'true' : null, null);
  put('box', state.box === null ? null : formatBox(state.box), null);
  put('view', state.view, defaultState.view);
  put('chart', state.chart, defaultState.chart);
  put('scale', state.scale, defaultState.scale);
  for (const key of state.by) query.append('by', key);
  put('sort', state.sort, defaultState.sort);
  put('measure', state.measure, defaultState.measure);
  put('of', state.groupsOf, defaultState.groupsOf);
  put('order', state.order, defaultState.order);
  put('lit', state.lit, '');
  put('span', state.spanId, null);
  put('find', state.find, '');
  const text = query.toString();
  const path = state.traceId === null ? '/' : `/trace/${encodeURIComponent(state.traceId)}`;
  return text === '' ? path : `${path}?${text}`;
}

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a length such as `90s`, `10m`, `1h`, `7d`; null if it is none, or longer than 366 days. */
export function parseLast(text: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
  return ms > 0 && ms <= 366 * 86_400_000 ? ms : null;
}

function parseBox(text: string | null): Box | null {
  const parts = text?.split(',') ?? [];
  if (parts.length !== 4) return null;
  const [fromMs = null, toMs = null, minMs = null, maxMs = null] = parts.map((part) =>
    part === '' || !Number.isFinite(Number(part)) || Number(part) < 0 ? null : Number(part),
  );
  const empty = fromMs === null && toMs === null && minMs === null && maxMs === null;
  return empty ? null : { fromMs, toMs, minMs, maxMs };
}

function formatBox(box: Box): string {
  const number = (value: number | null, digits: number): string =>
    value === null ? '' : String(Number(value.toFixed(digits)));
  return [number(box.fromMs, 0), number(box.toMs, 0), number(box.minMs, 6), number(box.maxMs, 6)].join(',');
}

function instant(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function oneOf<T extends string>(text: string | null, allowed: readonly T[], fallback: T): T {
  return allowed.find((candidate) => candidate === text) ?? fallback;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
