import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  DuckDBBlobValue,
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
  type Shape,
  shapeText,
  unusualSeparator,
  usualSeparator,
} from '../../records/attribute-shapes.ts';
import { type Database, loaderRows } from '../database.ts';
import type { Side } from '../scripts.ts';
import type { LogEntry, MetricPoint } from '../../records/records.ts';
import type { Resource } from '../../records/resource.ts';
import { spanBytes, spanFlags, type SpanRef } from '../../records/span-batch.ts';
import type { RootRow } from './roll-up.ts';

/** How a column of a staging table is filled from a record. */
type Column<T> = readonly [type: DuckDBType, value: (record: T) => DuckDBValue];

/** A staging table (staging.sql), its columns in the table's order. */
export interface Staged<T> {
  table: string;
  columns: readonly Column<T>[];
}

/** The file's number for a resource, or for any record of it. */
export type ResourceNumbers = (resource: Resource) => number;

/** A staging table that is being filled. */
export interface Filling<T> {
  /** In slices that `pause` lets others run between. */
  add(records: readonly T[], pause: () => Promise<void>): Promise<void>;
  close(): void;
}

export async function fill<T>(
  database: Pick<Database, 'load'>,
  { table, columns }: Staged<T>,
  suffix: '' | `_${Side}` = '',
): Promise<Filling<T>> {
  const types = columns.map(([type]) => type);
  const loader = await database.load(table + suffix, types);
  return {
    async add(records, pause) {
      for (let start = 0; start < records.length; start += loaderRows) {
        if (start > 0) await pause();
        const slice = records.slice(start, start + loaderRows);
        loader.append(columns.map(([, value]) => slice.map(value)));
      }
    },
    close: () => loader.close(),
  };
}

/** Fills a staging table with all there is for it. */
export async function stage<T>(
  database: Pick<Database, 'load'>,
  staged: Staged<T>,
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

/** Numbers for the shapes of a load, by which its spans find their keys (staged_shapes in staging.sql). */
export type ShapeNumbers = (shape: Shape) => number;

const ofSpan = (numberOf: ResourceNumbers, shapeNumberOf: ShapeNumbers): Column<SpanRef>[] => [
  [BLOB, (ref) => new DuckDBBlobValue(spanBytes(ref))],
  [VARCHAR, ({ batch, index }) => batch.separators.get(index) ?? null],
  [BIGINT, ({ batch, index }) => batch.startNs[index] ?? 0n],
  [BIGINT, ({ batch, index }) => batch.durationNs[index] ?? 0n],
  [BOOLEAN, ({ batch, index }) => ((batch.flags[index] ?? 0) & spanFlags.error) !== 0],
  [INTEGER, ({ batch, index }) => numberOf(batch.resources[index] as Resource)],
  [INTEGER, ({ batch, index }) => shapeNumberOf(batch.shapes[index] as Shape)],
];

export function stagedSpans(numberOf: ResourceNumbers, shapeNumberOf: ShapeNumbers): Staged<SpanRef> {
  return { table: 'staged_spans', columns: ofSpan(numberOf, shapeNumberOf) };
}

/** A shape by the number that spans of a load find it by, and how many of its spans have it. */
export interface StagedShape {
  shape: Shape;
  number: number;
  spans: number;
}

export const stagedShapes: Staged<StagedShape> = {
  table: 'staged_shapes',
  columns: [
    [INTEGER, ({ number }) => number],
    [VARCHAR, ({ shape }) => shapeText(shape).joinedKeys],
    [VARCHAR, ({ shape }) => shapeText(shape).separator],
    [VARCHAR, ({ shape }) => shapeText(shape).types],
  ],
};

/** A row of `roots` and whether its trace is over. */
export interface StagedRoot extends RootRow {
  settled: boolean;
}

/** The times of a root's services by names that can be joined by the separator. */
function serviceTimes({ serviceNs }: StagedRoot): ReadonlyMap<string, number> {
  if (![...serviceNs.keys()].some((name) => name.includes(usualSeparator))) return serviceNs;
  const times = new Map<string, number>();
  for (const [name, ns] of serviceNs) {
    const plain = name.replaceAll(usualSeparator, ' ');
    times.set(plain, Math.max(times.get(plain) ?? 0, ns)); // two may be one now, which a MAP has once
  }
  return times;
}

export function stagedRoots(numberOf: ResourceNumbers, shapeNumberOf: ShapeNumbers): Staged<StagedRoot> {
  const spanColumns = ofSpan(numberOf, shapeNumberOf).map(([type, value]): Column<StagedRoot> => [
    type,
    ({ span }) => value(span),
  ]);
  return {
    table: 'staged_roots',
    columns: [
      ...spanColumns,
      [BIGINT, (root) => root.traceStartNs],
      [BIGINT, (root) => root.traceEndNs],
      [INTEGER, (root) => root.spanCount],
      [INTEGER, (root) => root.errorCount],
      [VARCHAR, (root) => root.services.join(', ')],
      [VARCHAR, (root) => root.slowestStatement],
      [BIGINT, (root) => (root.slowestStatementNs === null ? null : BigInt(root.slowestStatementNs))],
      [VARCHAR, (root) => [...serviceTimes(root).keys()].join(usualSeparator)],
      [VARCHAR, (root) => [...serviceTimes(root).values()].join(' ')],
      [BOOLEAN, (root) => root.settled],
    ],
  };
}

export function stagedLogs(numberOf: ResourceNumbers): Staged<LogEntry> {
  return {
    table: 'staged_logs',
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
  columns: [
    [VARCHAR, (count) => count.key],
    [VARCHAR, (count) => count.place],
    [BIGINT, (count) => BigInt(count.strings)],
    [BIGINT, (count) => BigInt(count.numbers)],
    [BIGINT, (count) => BigInt(count.booleans)],
    [BIGINT, (count) => BigInt(count.others)],
  ],
};
