import type { Shape } from '../../records/attribute-shapes.ts';
import type { Database } from '../database.ts';
import type { Side } from '../scripts.ts';
import { createKeyCounts, type KeyCountsOptions } from './key-counts.ts';
import { pause } from '../../async/pause.ts';
import type { LogEntry, MetricPoint, Signal } from '../../records/records.ts';
import type { Resource } from '../../records/resource.ts';
import type { ResourceNumbering } from './resource-numbers.ts';
import type { SpanRef } from '../../records/span-batch.ts';
import {
  type Filling,
  fill,
  type KeyCount,
  type Staged,
  type StagedShape,
  stage,
  stagedAttributeKeys,
  stagedLogs,
  stagedMetrics,
  stagedResources,
  stagedRoots,
  stagedShapes,
  stagedSpans,
} from './staging.ts';
import type { Evaluation } from './traces.ts';

/** What was staged on one side: it goes to the file in one transaction. */
export interface Load {
  side: Side;
  /** How many of each signal, and their size on the wire. Duplicates count, too: nothing is left to do for them. */
  counts: Record<Signal, number>;
  /** How many of those the store refused. */
  givenUp: Record<Signal, number>;
  /** New traces of which the next load has the other spans (schema.sql), and how many spans of them this one has. */
  cut: string[];
  cutSpans: number;
  /** Whether it has the other spans of those that were cut before. */
  completes: boolean;
  bytes: number;
  /** When the oldest of it was acknowledged; null while there is nothing. */
  sinceMs: number | null;
  newResources: Resource[];
  /** Shapes of its spans, each with its number and how many have it. */
  shapes: Map<Shape, StagedShape>;
  /** Traces that were over and go on. */
  reopened: string[];
  /** How often keys occur in it; null until that was counted. */
  keyCounts: KeyCount[] | null;
  /** Its staging tables that are still open for more records, by name. */
  fillings: Map<string, Filling<never>>;
}

export interface StagingArea {
  /** What is on the side that is being filled. */
  current(): Load;
  /**
   * Stage items on that side. One call at a time; if it throws, the items of the slice under way are not staged. Slices
   * are of `loaderRows` items.
   */
  addSpans(spans: readonly SpanRef[]): Promise<void>;
  addLogs(logs: readonly LogEntry[]): Promise<void>;
  addMetrics(metrics: readonly MetricPoint[]): Promise<void>;
  /** Returns what was filled, and goes on with the other side, which must be empty. */
  swap(): Load;
  /** Stages what goes to the file beside the records of a load. If it throws, it may be tried again. */
  addSummary(load: Load, evaluation: Evaluation): Promise<void>;
  /** A load is in the file, or was given up. */
  empty(load: Load): Promise<void>;
}

/** @param knownKeys the keys that the catalogue has already. */
export function createStagingArea(
  database: Database,
  resources: ResourceNumbering,
  knownKeys: readonly string[],
  keys: KeyCountsOptions,
): StagingArea {
  const keyCounts = createKeyCounts(knownKeys, keys);
  let load = newLoad('a');
  const tables = {
    spans: stagedSpans(resources.numberOf, (shape) => shapeOf(load, shape).number),
    logs: stagedLogs(resources.numberOf),
    metrics: stagedMetrics(resources.numberOf),
    resources: stagedResources(resources.numberOf),
  };

  async function addTo<T>(table: Staged<T>, records: readonly T[]): Promise<void> {
    if (records.length === 0) return;
    const { fillings } = load;
    let filling = fillings.get(table.table) as Filling<T> | undefined;
    if (!filling) {
      filling = await fill(database, table, `_${load.side}`);
      fillings.set(table.table, filling);
    }
    try {
      await filling.add(records, pause);
    } catch (error) {
      // The next records get an appender of their own: after a failure it is unknown what this one still holds.
      fillings.delete(table.table);
      letGo(filling);
      throw error;
    }
  }

  function addResource(resource: Resource): void {
    if (!resources.add(resource)) return;
    load.newResources.push(resource);
    keyCounts.count('resource', resource.attributes.shape, 1);
  }

  return {
    current: () => load,
    async addSpans(spans) {
      let last: Resource | undefined;
      for (const { batch, index } of spans) {
        const resource = batch.resources[index];
        if (resource && resource !== last) addResource(resource);
        last = resource;
        const shape = batch.shapes[index];
        if (shape) shapeOf(load, shape);
      }
      await addTo(tables.spans, spans);
      for (const { batch, index } of spans) {
        const shape = batch.shapes[index];
        if (shape) shapeOf(load, shape).spans += 1;
      }
    },
    async addLogs(logs) {
      for (const { resource } of logs) addResource(resource);
      await addTo(tables.logs, logs);
      for (const { attributes } of logs) keyCounts.count('log', attributes.shape, 1);
    },
    async addMetrics(metrics) {
      for (const { resource } of metrics) addResource(resource);
      await addTo(tables.metrics, metrics);
    },
    swap() {
      const filled = load;
      load = newLoad(filled.side === 'a' ? 'b' : 'a');
      return filled;
    },
    async addSummary(filled, evaluation) {
      closeFillings(filled);
      if (filled.keyCounts) await database.emptySummary();
      else {
        // This comes before the shapes of entry spans are added, because those were counted when the spans came.
        for (const { shape, spans } of filled.shapes.values()) keyCounts.count('span', shape, spans);
        filled.keyCounts = await keyCounts.take(pause);
      }
      const roots = [
        ...evaluation.fresh.map((row) => ({ ...row, settled: false })),
        ...evaluation.settled.map((row) => ({ ...row, settled: true })),
      ];
      const rootTable = stagedRoots(resources.numberOf, (shape) => shapeOf(filled, shape).number);
      await stage(database, rootTable, roots, pause);
      await stage(database, stagedShapes, [...filled.shapes.values()], pause);
      await stage(database, tables.resources, filled.newResources, pause);
      await stage(database, stagedAttributeKeys, filled.keyCounts, pause);
    },
    async empty(filled) {
      closeFillings(filled);
      await database.emptyStaging(filled.side);
    },
  };
}

function closeFillings({ fillings }: Load): void {
  const open = [...fillings.values()];
  fillings.clear();
  for (const filling of open) letGo(filling);
}

/** Each slice was written when it was added, so nothing is left that could fail. */
function letGo(filling: Filling<never>): void {
  try {
    filling.close();
  } catch {
    // Its slice failed already when it was added.
  }
}

function newLoad(side: Side): Load {
  return {
    side,
    counts: { spans: 0, logs: 0, metrics: 0 },
    givenUp: { spans: 0, logs: 0, metrics: 0 },
    cut: [],
    cutSpans: 0,
    completes: false,
    bytes: 0,
    sinceMs: null,
    newResources: [],
    shapes: new Map(),
    reopened: [],
    keyCounts: null,
    fillings: new Map(),
  };
}

function shapeOf({ shapes }: Load, shape: Shape): StagedShape {
  let staged = shapes.get(shape);
  if (!staged) {
    staged = { shape, number: shapes.size, spans: 0 };
    shapes.set(shape, staged);
  }
  return staged;
}
