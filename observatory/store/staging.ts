import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBType,
  type DuckDBValue,
  INTEGER,
  UBIGINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';

import {
  type AttributeSet,
  joinedKeys,
  shapeText,
  unusedSeparator,
  unusualSeparator,
  usualSeparator,
} from './attribute-shapes.ts';
import { type Database, loaderRows, type Side } from './database.ts';
import type { LogEntry, MetricPoint, Resource, SpanRecord } from './records.ts';
import type { RootRow } from './traces.ts';

/** How a column of a staging table is filled from a record. */
type Column<T> = readonly [type: DuckDBType, value: (record: T) => DuckDBValue];

/** A staging table (staging.sql), its columns in the table's order. */
export interface Staged<T, Prepared = T> {
  table: string;
  /** Makes of a record what the columns are filled from. */
  prepare(record: T): Prepared;
  columns: readonly Column<Prepared>[];
}
const asItIs = <T>(record: T): T => record;

/** The file's number for a resource, or for any record of it. */
export type ResourceNumbers = (resource: Resource) => number;

/** A staging table that is being filled. */
export interface Filling<T> {
  /** In slices that `pause` lets others run between. */
  add(records: readonly T[], pause: () => Promise<void>): Promise<void>;
  close(): void;
}

export async function fill<T, Prepared>(
  database: Pick<Database, 'load'>,
  { table, prepare, columns }: Staged<T, Prepared>,
  suffix: '' | `_${Side}` = '',
): Promise<Filling<T>> {
  const types = columns.map(([type]) => type);
  const loader = await database.load(table + suffix, types);
  return {
    async add(records, pause) {
      for (let start = 0; start < records.length; start += loaderRows) {
        if (start > 0) await pause();
        const slice = records.slice(start, start + loaderRows).map(prepare);
        loader.append(columns.map(([, value]) => slice.map(value)));
      }
    },
    close: () => loader.close(),
  };
}

/** Fills a staging table with all there is for it. */
export async function stage<T, Prepared>(
  database: Pick<Database, 'load'>,
  staged: Staged<T, Prepared>,
  records: readonly T[],
  pause: () => Promise<void>,
): Promise<void> {
  if (records.length === 0) return;
  const filling = await fill(database, staged);
  try {
    await filling.add(records, pause);
  } finally {
    filling.close();
  }
}

/** The three columns that become a MAP. */
const attributeColumns = <T>(attributesOf: (record: T) => AttributeSet): Column<T>[] => [
  [VARCHAR, (record) => joinedKeys(attributesOf(record))],
  [VARCHAR, (record) => attributesOf(record).values],
  [VARCHAR, (record) => unusualSeparator(attributesOf(record))],
];

/** A span as it is staged: its texts in one, because each text that goes to DuckDB by itself costs as much as this one. */
interface PackedSpan {
  span: SpanRecord;
  texts: string;
  /** Where it is not the usual one. */
  separator: string | null;
}

/** Before a text that is empty or begins with it: nothing at all is a text that is missing. `text_or_null`, staging.sql. */
const escape = '\u001e';

function optional(text: string | null | undefined): string {
  if (text === null || text === undefined) return '';
  return text === '' || text.startsWith(escape) ? escape + text : text;
}

/** In the order in which staging.sql takes them out again; hot attributes that are missing at the end are left out. */
function packSpan(span: SpanRecord): PackedSpan {
  const { promoted, shape } = span.attributes;
  const { types, promoted: places } = shapeText(shape);
  const texts = [
    span.traceId,
    span.spanId,
    optional(span.parentSpanId),
    span.resource.service,
    span.name,
    span.kind,
    span.status,
    optional(span.statusMessage),
    optional(span.scope),
    optional(span.resource.version),
    optional(types),
    optional(span.events),
    optional(span.links),
  ];
  let joined = texts.join(usualSeparator);
  for (const { gap, index } of places) joined += gap + optional(promoted[index]);
  const count = texts.length + (places.at(-1)?.slot ?? -1) + 1;
  if (countOf(usualSeparator, joined) === count - 1) return { span, texts: joined, separator: null };
  const all = [...texts, ...Array.from({ length: count - texts.length }, () => '')];
  for (const { slot, index } of places) all[texts.length + slot] = optional(promoted[index]);
  const separator = unusedSeparator(all);
  return { span, texts: all.join(separator), separator };
}

function countOf(part: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) count += 1;
  return count;
}

const ofSpan = (numberOf: ResourceNumbers): Column<PackedSpan>[] => [
  [VARCHAR, ({ texts }) => texts],
  [VARCHAR, ({ separator }) => separator],
  [BIGINT, ({ span }) => span.startNs],
  [BIGINT, ({ span }) => span.durationNs],
  [BOOLEAN, ({ span }) => span.status === 'error'],
  [INTEGER, ({ span }) => numberOf(span.resource)],
  ...attributeColumns(({ span }: PackedSpan) => span.attributes),
];

export function stagedSpans(numberOf: ResourceNumbers): Staged<SpanRecord, PackedSpan> {
  return { table: 'staged_spans', prepare: packSpan, columns: ofSpan(numberOf) };
}

/** A row of `roots` and whether its trace is over. */
export interface StagedRoot extends RootRow {
  settled: boolean;
}

const serviceNames = (root: StagedRoot): string =>
  [...root.serviceNs.keys()].map((name) => name.replaceAll(usualSeparator, ' ')).join(usualSeparator);

export function stagedRoots(numberOf: ResourceNumbers): Staged<StagedRoot, StagedRoot & PackedSpan> {
  return {
    table: 'staged_roots',
    prepare: (root) => ({ ...root, ...packSpan(root.span) }),
    columns: [
      ...ofSpan(numberOf),
      [BIGINT, (root) => root.traceStartNs],
      [BIGINT, (root) => root.traceEndNs],
      [INTEGER, (root) => root.spanCount],
      [INTEGER, (root) => root.errorCount],
      [VARCHAR, (root) => root.services.join(', ')],
      [VARCHAR, (root) => root.slowestStatement],
      [BIGINT, (root) => (root.slowestStatementNs === null ? null : BigInt(root.slowestStatementNs))],
      [VARCHAR, serviceNames],
      [VARCHAR, (root) => [...root.serviceNs.values()].join(' ')],
      [BOOLEAN, (root) => root.settled],
    ],
  };
}

export function stagedLogs(numberOf: ResourceNumbers): Staged<LogEntry> {
  return {
    table: 'staged_logs',
    prepare: asItIs,
    columns: [
      [BIGINT, (log) => log.timeNs],
      [VARCHAR, (log) => log.traceId],
      [VARCHAR, (log) => log.spanId],
      [VARCHAR, (log) => log.resource.service],
      [VARCHAR, (log) => log.severity],
      [UTINYINT, (log) => log.severityNumber],
      [VARCHAR, (log) => log.body],
      [VARCHAR, (log) => log.eventName],
      [VARCHAR, (log) => log.scope],
      [INTEGER, (log) => numberOf(log.resource)],
      [VARCHAR, (log) => shapeText(log.attributes.shape).types],
      ...attributeColumns((log: LogEntry) => log.attributes),
    ],
  };
}

export function stagedMetrics(numberOf: ResourceNumbers): Staged<MetricPoint> {
  return {
    table: 'staged_metrics',
    prepare: asItIs,
    columns: [
      [BIGINT, (point) => point.timeNs],
      [BIGINT, (point) => point.startNs],
      [VARCHAR, (point) => point.resource.service],
      [VARCHAR, (point) => point.name],
      [VARCHAR, (point) => point.unit],
      [VARCHAR, (point) => point.kind],
      [VARCHAR, (point) => point.temporality],
      [BOOLEAN, (point) => point.monotonic],
      [DOUBLE, (point) => point.value],
      [BIGINT, (point) => point.valueInteger],
      [UBIGINT, (point) => point.count],
      [DOUBLE, (point) => point.sum],
      [DOUBLE, (point) => point.min],
      [DOUBLE, (point) => point.max],
      [VARCHAR, (point) => point.distribution],
      [VARCHAR, (point) => point.scope],
      [INTEGER, (point) => numberOf(point.resource)],
      [VARCHAR, (point) => shapeText(point.attributes.shape).types],
      ...attributeColumns((point: MetricPoint) => point.attributes),
    ],
  };
}

export function stagedResources(numberOf: ResourceNumbers): Staged<Resource> {
  return {
    table: 'staged_resources',
    prepare: asItIs,
    columns: [
      [INTEGER, numberOf],
      [VARCHAR, (resource) => resource.fingerprint],
      [VARCHAR, (resource) => resource.service],
      [VARCHAR, (resource) => shapeText(resource.attributes.shape).types],
      ...attributeColumns((resource: Resource) => resource.attributes),
    ],
  };
}

/** How often a key occurred, by type of value: a row of the catalogue of keys. */
export interface KeyCount {
  key: string;
  place: 'span' | 'resource' | 'log';
  strings: number;
  numbers: number;
  booleans: number;
  others: number;
}

export const stagedAttributeKeys: Staged<KeyCount> = {
  table: 'staged_attribute_keys',
  prepare: asItIs,
  columns: [
    [VARCHAR, (count) => count.key],
    [VARCHAR, (count) => count.place],
    [BIGINT, (count) => BigInt(count.strings)],
    [BIGINT, (count) => BigInt(count.numbers)],
    [BIGINT, (count) => BigInt(count.booleans)],
    [BIGINT, (count) => BigInt(count.others)],
  ],
};
