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
  /** Whether groups are of all spans or, if there is a box, of those inside. */
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

/** How a field of the state is written in the address: the name of its parameter, and both directions. */
interface Field<T> {
  parameter: string;
  /** Undefined when the values mean nothing; the field then has its default. */
  parse(values: readonly string[]): T | undefined;
  format(value: T): readonly string[];
}

const anyText = (parameter: string): Field<string> => ({
  parameter,
  parse: ([value]) => value,
  format: (value) => [value],
});

function choice<T extends string>(parameter: string, allowed: readonly T[]): Field<T> {
  return { parameter, parse: ([value]) => allowed.find((each) => each === value), format: (value) => [value] };
}

/** A field that may be missing. */
function optional<T>(parameter: string, parse: (value: string) => T | null, format: (value: T) => string) {
  const field: Field<T | null> = {
    parameter,
    parse: ([value]) => (value === undefined ? undefined : (parse(value) ?? undefined)),
    format: (value) => (value === null ? [] : [format(value)]),
  };
  return field;
}

const measures: readonly Measure[] = ['count', 'errorRate', 'p50', 'p95', 'p99', 'max'];

/** All fields but the opened trace, which is the path, in the order in which an address has them. */
const fields: { readonly [K in Exclude<keyof State, 'traceId'>]: Field<State[K]> } = {
  filter: anyText('filter'),
  scope: choice('scope', ['roots', 'spans']),
  last: {
    ...anyText('last'),
    parse: ([value]) => (value !== undefined && parseLast(value) !== null ? value : undefined),
  },
  from: optional('from', parseInstant, String),
  to: optional('to', parseInstant, String),
  held: { parameter: 'held', parse: ([value]) => value === 'true', format: (held) => (held ? ['true'] : []) },
  box: optional('box', parseBox, formatBox),
  view: choice('view', ['compare', 'groups', 'traces', 'map', 'releases', 'slo']),
  chart: choice('chart', ['heatmap', 'lines']),
  scale: choice('scale', ['log', 'linear']),
  by: {
    parameter: 'by',
    parse: (values) => [...new Set(values.filter((key) => key !== ''))].slice(0, 2),
    format: (keys) => keys,
  },
  sort: choice('sort', measures),
  measure: choice('measure', measures),
  groupsOf: choice('of', ['all', 'selection']),
  order: choice('order', ['newest', 'slowest']),
  lit: anyText('lit'),
  spanId: optional('span', (id) => id, String),
  find: anyText('find'),
};
const fieldList = Object.entries(fields) as [keyof typeof fields, Field<unknown>][];

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
  const parsed = fieldList.map(([key, { parameter, parse }]) => [
    key,
    parse(query.getAll(parameter)) ?? defaultState[key],
  ]);
  const state = { ...(Object.fromEntries(parsed) as State), traceId: trace === undefined ? null : decode(trace) };
  const isFixed = state.from !== null && state.to !== null && state.from < state.to;
  return isFixed
    ? { ...state, held: state.held && state.box !== null }
    : { ...state, from: null, to: null, held: false };
}

/** The shortest address of a state: defaults are left out, the order of parameters is fixed. */
export function formatState(state: State): string {
  const query = new URLSearchParams();
  for (const [key, { parameter, format }] of fieldList) {
    const values = format(state[key]);
    if (String(values) === String(format(defaultState[key]))) continue;
    for (const value of values) query.append(parameter, value);
  }
  const search = query.toString();
  const path = state.traceId === null ? '/' : `/trace/${encodeURIComponent(state.traceId)}`;
  return search === '' ? path : `${path}?${search}`;
}

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a length such as `90s`, `10m`, `1h`, `7d`; null if it is none, or longer than 366 days. */
export function parseLast(text: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
  return ms > 0 && ms <= 366 * 86_400_000 ? ms : null;
}

function parseBox(text: string): Box | null {
  const parts = text.split(',');
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

function parseInstant(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
