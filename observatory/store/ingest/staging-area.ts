import type { Shape } from '../../records/attribute-shapes.ts';
import type { Database } from '../database.ts';
import type { Side } from '../scripts.ts';
import { createKeyCounts } from './key-counts.ts';
import { pause } from '../../async/pause.ts';
import type { Batches, Signal } from '../../records/records.ts';
import type { Resource } from '../../records/resource.ts';
import type { ResourceNumbering } from './resource-numbers.ts';
import type { SpanRef } from '../../records/span-batch.ts';
import {
  type Filling,
  fill,
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
  /** How many of each signal, and their size on the wire. What was known already counts: it is done with, too. */
  counts: Record<Signal, number>;
  bytes: number;
  /** When the oldest of it was acknowledged; null while there is nothing. */
  sinceMs: number | null;
  newResources: Resource[];
  /** Shapes of its spans, each with its number and how many have it. */
  shapes: Map<Shape, StagedShape>;
  /** Traces that were over and go on. */
  reopened: string[];
  /** Its staging tables that take more, by name. */
  fillings: Map<string, Filling<never>>;
}

/** Records looked at between two pauses, where looking takes about a microsecond. */
const recordsBetweenPauses = 2_048;

/** All items, in slices that others may run between. */
async function* inSlices<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let start = 0; start < items.length; start += recordsBetweenPauses) {
    if (start > 0) await pause();
    yield items.slice(start, start + recordsBetweenPauses);
  }
}

export interface StagingArea {
  /** What is on the side that is being filled. */
  current(): Load;
  /** Stage items on that side. One call at a time. */
  addSpans(spans: readonly SpanRef[]): Promise<void>;
  addLogs(logs: Batches['logs']): Promise<void>;
  addMetrics(metrics: Batches['metrics']): Promise<void>;
  /** Tells what was filled, and goes on with the other side, which must be empty. */
  swap(): Load;
  /** Stages what goes to the file beside the records of a load. */
  addSummary(load: Load, evaluation: Evaluation): Promise<void>;
  /** A load is in the file, or was given up. */
  empty(load: Load): Promise<void>;
}

export function createStagingArea(database: Database, resources: ResourceNumbering): StagingArea {
  const keyCounts = createKeyCounts();
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
    await filling.add(records, pause);
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
        if (shape) shapeOf(load, shape).spans += 1;
      }
      await addTo(tables.spans, spans);
    },
    async addLogs(logs) {
      for await (const slice of inSlices(logs)) {
        for (const { resource, attributes } of slice) {
          addResource(resource);
          keyCounts.count('log', attributes.shape, 1);
        }
      }
      await addTo(tables.logs, logs);
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
      const roots = [
        ...evaluation.fresh.map((row) => ({ ...row, settled: false })),
        ...evaluation.settled.map((row) => ({ ...row, settled: true })),
      ];
      // Before shapes of entry spans join them, which were counted when those came.
      for (const { shape, spans } of filled.shapes.values()) keyCounts.count('span', shape, spans);
      const rootTable = stagedRoots(resources.numberOf, (shape) => shapeOf(filled, shape).number);
      await stage(database, rootTable, roots, pause);
      await stage(database, stagedShapes, [...filled.shapes.values()], pause);
      await stage(database, tables.resources, filled.newResources, pause);
      await stage(database, stagedAttributeKeys, keyCounts.take(), pause);
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
  for (const filling of open) filling.close();
}

function newLoad(side: Side): Load {
  return {
    side,
    counts: { spans: 0, logs: 0, metrics: 0 },
    bytes: 0,
    sinceMs: null,
    newResources: [],
    shapes: new Map(),
    reopened: [],
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
