/**
 * The API's answers as short text for an agent. An agent pays for every character of its context: tables have a line a
 * row, long values are cut, and what repeats is counted. Pure.
 */
import type {
  Breakdown,
  Compare,
  CompareValue,
  Heatmap,
  LogRecord,
  Marker,
  SloStatus,
  SpanDetail,
  Trace,
  TraceRow,
} from '../contract/contract.ts';
import { slowBandFrom } from '../page/heatmap/slow-band.ts';
import { criticalPath } from '../page/trace/critical-path.ts';
import { buildTrace, type Node } from '../page/trace/model.ts';

/** A value longer than this many characters is cut; a SQL statement gets more room than other values. */
const maxValueLength = 100;
const maxStatementLength = 400;
const maxBodyLength = 300;
/** How many attributes of a comparison are shown, and how many values of each. */
const maxAttributes = 6;
const maxValues = 4;
/** How many lines a trace gets, and from how many on similar siblings are folded into one line. */
const maxSpanLines = 60;
const foldFrom = 3;

/** A duration with its unit, for example `812 ms` or `2.41 s`. @param ms milliseconds. */
export function duration(ms: number): string {
  if (ms < 1) return `${Number(ms.toPrecision(2))} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** @param ms Unix milliseconds. */
function instant(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Number(((100 * part) / whole).toPrecision(2))} %`;
}

/** Text on one line, cut to `length` characters. */
function cut(text: string, length = maxValueLength): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** The distribution of durations, a line for each row that has spans, and the duration at which a slow band begins. */
export function describeHeatmap(heatmap: Heatmap): string {
  if (heatmap.total === 0) return `No spans from ${instant(heatmap.from)} to ${instant(heatmap.to)} match.`;
  const rows = new Map<number, { count: number; errors: number; from: number; to: number }>();
  for (const [column, row, count, errors] of heatmap.cells) {
    const at = rows.get(row) ?? { count: 0, errors: 0, from: column, to: column };
    at.count += count;
    at.errors += errors;
    at.from = Math.min(at.from, column);
    at.to = Math.max(at.to, column);
    rows.set(row, at);
  }
  const when = (column: number): string => instant(heatmap.from + column * heatmap.stepMs).slice(11);
  const lines = [...rows]
    .toSorted(([a], [b]) => a - b)
    .map(([row, { count, errors, from, to }]) => {
      const [low = 0, high = 0] = heatmap.edgesMs.slice(row, row + 2);
      const bad = errors > 0 ? `, ${errors} with an error` : '';
      return `${duration(low)} to ${duration(high)}: ${count}${bad} (${when(from)} to ${when(to + 1)})`;
    });
  const band = slowBandFrom(heatmap);
  return [
    `${heatmap.total} spans, ${heatmap.errors} with an error, from ${instant(heatmap.from)} to ${instant(heatmap.to)}.`,
    ...lines,
    band === null
      ? 'No band of slow spans stands apart.'
      : `A band of slow spans stands apart from ${duration(band)} on: call compare with min_ms=${Math.round(band)}.`,
  ].join('\n');
}

/** What is different about a selection, the attribute that explains most first. */
export function describeCompare(compare: Compare): string {
  if (compare.selected === 0) return 'Nothing is in the selection. Widen min_ms and max_ms, or the time.';
  if (compare.baseline === 0) return 'Everything is in the selection: nothing is left to compare with.';
  const telling = compare.attributes.filter((attribute) => attribute.significant);
  const lines = telling.slice(0, maxAttributes).flatMap(({ key, same, score, values }) => [
    `${key} (score ${score.toFixed(2)}${same.length > 0 ? `; the same split: ${same.slice(0, 4).join(', ')}` : ''})`,
    ...values
      .filter((value) => value.other === undefined && value.evidence > 0)
      .slice(0, maxValues)
      .map((value) => `  ${valueText(value)}: ${sides(value, compare)}`),
  ]);
  const rest = telling.length - maxAttributes;
  return [
    `Selected ${compare.selected} spans, compared with ${compare.baseline} others. Share of selected against others:`,
    ...(lines.length > 0 ? lines : ['No attribute differs by more than chance does.']),
    ...(rest > 0 ? [`${rest} more attributes differ, each less.`] : []),
  ].join('\n');
}

function valueText({ value, low, high }: CompareValue): string {
  if (low !== undefined && high !== undefined) return `${low} to ${high}`;
  return value === null ? '(missing)' : cut(value);
}

function sides(value: CompareValue, compare: Compare): string {
  const selected = `${share(value.selected, compare.selected)} (${value.selected})`;
  return `${selected} against ${share(value.baseline, compare.baseline)} (${value.baseline})`;
}

/** Groups, a line each. */
export function describeBreakdown(breakdown: Breakdown): string {
  if (breakdown.groups.length === 0) return 'No spans match.';
  const more = breakdown.totalGroups - breakdown.groups.length;
  return [
    `${breakdown.by.join(', ')}: count, errors, p50, p95, max`,
    ...breakdown.groups.map(({ values, count, errors, p50Ms, p95Ms, maxMs }) => {
      const name = values.map((value) => (value === null ? '(missing)' : cut(value, maxStatementLength))).join(', ');
      return `${name}: ${count}, ${errors}, ${duration(p50Ms)}, ${duration(p95Ms)}, ${duration(maxMs)}`;
    }),
    ...(more > 0 ? [`and ${more} more groups`] : []),
  ].join('\n');
}

/** Entry spans, a line each. */
export function describeTraces(rows: readonly TraceRow[]): string {
  if (rows.length === 0) return 'No spans match.';
  return rows
    .map(({ traceId, service, name, startNs, durationMs, error, highlights }) => {
      const told = Object.entries(highlights).map(([key, value]) => `${key}=${cut(value, 60)}`);
      const when = instant(Number(BigInt(startNs) / 1_000_000n));
      return [traceId, when, `${service} ${name}`, duration(durationMs), ...(error ? ['ERROR'] : []), ...told].join(
        ' ',
      );
    })
    .join('\n');
}

/** Attributes that say what a span did, in the order in which they are shown. */
const toldAttributes = [
  'db.query.text',
  'db.statement',
  'error.type',
  'exception.message',
  'http.response.status_code',
  'hotrod.customer.name',
  'hotrod.customer.id',
  'server.address',
];

/**
 * A trace: first what its duration is made of, because that is the question about a slow trace, then its spans as a
 * tree. Siblings of one service and name fold into a line.
 */
export function describeTrace(trace: Trace): string {
  const model = buildTrace(trace);
  const lines: string[] = [];
  const told = describeSpans(model.roots, lines);
  const left = model.nodes.length - told + (trace.omitted ?? 0);
  return [
    `Trace ${model.traceId}: ${model.nodes.length} spans, ${duration(model.durationNs / 1e6)}, began ${instant(Number(model.startNs / 1_000_000n))}, ${model.errors} failed.`,
    'Longest parts of the critical path:',
    ...longestParts(model.roots),
    'Spans (start after the trace began, duration):',
    ...lines,
    ...(left > 0 ? [`… and ${left} more spans, below those that are told`] : []),
  ].join('\n');
}

function longestParts(roots: readonly Node[]): string[] {
  const longest = roots.toSorted((a, b) => b.end - b.start - (a.end - a.start))[0];
  if (!longest) return [];
  const own = new Map<Node, number>();
  for (const { node, from, to } of criticalPath(longest)) own.set(node, (own.get(node) ?? 0) + to - from);
  return [...own]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([{ span }, ns]) => `  ${duration(ns / 1e6)} in ${span.service} ${span.name}${facts(span)}`);
}

/**
 * Adds the lines of siblings and of what is below them, until there are enough.
 *
 * @returns how many spans it described.
 */
function describeSpans(siblings: readonly Node[], lines: string[]): number {
  let told = 0;
  const kinds = Map.groupBy(siblings, ({ span }) => JSON.stringify([span.service, span.name, span.kind]));
  for (const alike of kinds.values()) {
    if (alike.length >= foldFrom) {
      if (lines.length >= maxSpanLines) return told;
      lines.push(foldedLine(alike));
      told += alike.length;
      continue;
    }
    for (const node of alike) {
      if (lines.length >= maxSpanLines) return told;
      lines.push(spanLine(node));
      told += 1 + describeSpans(node.children, lines);
    }
  }
  return told;
}

function spanLine({ span, depth, start, end }: Node): string {
  const status = span.status === 'error' ? ' ERROR' : '';
  return `${indent(depth)}${span.service} ${span.name}: +${duration(start / 1e6)}, ${duration((end - start) / 1e6)}${status}${facts(span)}`;
}

function foldedLine(alike: readonly Node[]): string {
  const [{ span, depth, start } = { span: { service: '', name: '' }, depth: 0, start: 0 }] = alike;
  const failed = alike.filter((node) => node.span.status === 'error').length;
  const longest = alike.reduce((most, node) => Math.max(most, node.end - node.start), 0);
  const last = alike.reduce((latest, { end }) => Math.max(latest, end), 0);
  return `${indent(depth)}${alike.length} × ${span.service} ${span.name}: +${duration(start / 1e6)} to +${duration(last / 1e6)}, longest ${duration(longest / 1e6)}${failed > 0 ? `, ${failed} failed` : ''}`;
}

/** Deep trees are indented by at most this many levels. */
const maxIndent = 12;

function indent(depth: number): string {
  return '  '.repeat(Math.min(depth, maxIndent));
}

function facts({ attributes }: SpanDetail): string {
  const told = toldAttributes
    .filter((key) => attributes[key] !== undefined && attributes[key] !== null)
    .slice(0, 3)
    .map((key) => {
      const value = attributes[key];
      const length = key.startsWith('db.') ? maxStatementLength : maxValueLength;
      return `${key}=${cut(typeof value === 'string' ? value : JSON.stringify(value), length)}`;
    });
  return told.length > 0 ? ` [${told.join('; ')}]` : '';
}

/** Log records in order of time. @param limit how many at most. */
export function describeLogs(records: readonly LogRecord[], limit: number): string {
  if (records.length === 0) return 'The trace has no log records.';
  const more = records.length - limit;
  return [
    ...records.slice(0, limit).map(({ timeNs, service, severity, body, eventName, attributes }) => {
      const error = attributes['exception.message'] ?? attributes['error.type'];
      const cause = typeof error === 'string' ? ` (${cut(error)})` : '';
      const when = new Date(Number(BigInt(timeNs) / 1_000_000n)).toISOString();
      return `${when} ${severity} ${service}: ${cut(eventName || body, maxBodyLength)}${cause}`;
    }),
    ...(more > 0 ? [`… and ${more} more records`] : []),
  ].join('\n');
}

/** Markers, a line each: when, what, and where it leads. */
export function describeMarkers(markers: readonly Marker[]): string {
  if (markers.length === 0) return 'There are no markers in this time.';
  return markers
    .map(({ startMs, endMs, type, message, url }) => {
      const end = endMs === null ? 'open' : instant(endMs);
      return `${instant(startMs)} to ${end} ${cut(type, 40)}: ${cut(message, 200)}${url === null ? '' : ` ${url}`}`;
    })
    .join('\n');
}

/** Objectives, a line each: attained against wanted, and how fast the budget burns. */
export function describeObjectives(objectives: readonly SloStatus[]): string {
  if (objectives.length === 0) return 'There are no objectives.';
  return objectives
    .map(({ name, objective, attained, budgetLeft, burnRate5m, burnRate1h, bad, total, filter, good, alerts }) => {
      const kept =
        attained === null ? 'no data' : `${(100 * attained).toFixed(2)} % of ${(100 * objective).toFixed(2)} %`;
      const rate = (value: number | null): string => (value === null ? '–' : value.toFixed(1));
      const budget = budgetLeft === null ? '–' : `${(100 * budgetLeft).toFixed(0)} %`;
      const firing = alerts.map(
        ({ severity, startsMs, exemplarTraceId }) =>
          ` ALERT (${severity}) fires since ${instant(startsMs)}${exemplarTraceId === null ? '' : `, for example trace ${exemplarTraceId}`}.`,
      );
      return `${name}:${firing.join('')} ${kept}; budget left ${budget}; burn rate ${rate(burnRate5m)} (5 min), ${rate(burnRate1h)} (1 h); bad ${bad} of ${total}. Counts: ${filter}. Good: ${good}.`;
    })
    .join('\n');
}
