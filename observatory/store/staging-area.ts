import { setImmediate } from 'node:timers/promises';

import type { AttributeSet } from './attribute-shapes.ts';
import type { Database, Side } from './database.ts';
import { createKeyCounts } from './key-counts.ts';
import type { Batches, Resource, Signal } from './records.ts';
import type { ResourceNumbering } from './resource-numbers.ts';
import {
  type Filling,
  fill,
  type Staged,
  stage,
  stagedAttributeKeys,
  stagedLogs,
  stagedMetrics,
  stagedResources,
  stagedRoots,
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
  /** Traces that were over and go on. */
  reopened: string[];
}

/** Records looked at between two pauses, where looking takes about a microsecond. */
const recordsBetweenPauses = 2_048;
export const pause = (): Promise<void> => setImmediate();

/** All items, in slices that others may run between. */
export async function* inSlices<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let start = 0; start < items.length; start += recordsBetweenPauses) {
    if (start > 0) await pause();
    yield items.slice(start, start + recordsBetweenPauses);
  }
}

export interface StagingArea {
  /** What is on the side that is being filled. */
  current(): Load;
  /** Stages records on that side. One call at a time. */
  add(batches: Batches): Promise<void>;
  /** Tells what was filled, and goes on with the other side, which must be empty. */
  swap(): Load;
  /** Stages what goes to the file beside the records of a load. */
  addSummary(load: Load, evaluation: Evaluation): Promise<void>;
  /** A load is in the file, or was given up. */
  empty(load: Load): Promise<void>;
}

export function createStagingArea(database: Database, resources: ResourceNumbering): StagingArea {
  const keyCounts = createKeyCounts();
  const staged = {
    spans: stagedSpans(resources.numberOf),
    logs: stagedLogs(resources.numberOf),
    metrics: stagedMetrics(resources.numberOf),
    roots: stagedRoots(resources.numberOf),
    resources: stagedResources(resources.numberOf),
  };
  let load = newLoad('a');
  const fillings = new Map<string, Filling<never>>();

  function look(record: { resource: Resource; attributes: AttributeSet }, place: 'span' | 'log' | null): void {
    if (resources.add(record.resource)) {
      load.newResources.push(record.resource);
      keyCounts.count('resource', record.resource.attributes);
    }
    if (place) keyCounts.count(place, record.attributes);
  }

  async function addTo<T extends { resource: Resource; attributes: AttributeSet }, Prepared>(
    table: Staged<T, Prepared>,
    records: readonly T[],
    place: 'span' | 'log' | null,
  ): Promise<void> {
    if (records.length === 0) return;
    for await (const slice of inSlices(records)) for (const record of slice) look(record, place);
    let filling = fillings.get(table.table) as Filling<T> | undefined;
    if (!filling) {
      filling = await fill(database, table, `_${load.side}`);
      fillings.set(table.table, filling);
    }
    await filling.add(records, pause);
  }

  return {
    current: () => load,
    async add(batches) {
      await addTo(staged.spans, batches.spans, 'span');
      await addTo(staged.logs, batches.logs, 'log');
      await addTo(staged.metrics, batches.metrics, null);
    },
    swap() {
      for (const filling of fillings.values()) filling.close();
      fillings.clear();
      const filled = load;
      load = newLoad(filled.side === 'a' ? 'b' : 'a');
      return filled;
    },
    async addSummary({ newResources }, evaluation) {
      const roots = [
        ...evaluation.fresh.map((row) => ({ ...row, settled: false })),
        ...evaluation.settled.map((row) => ({ ...row, settled: true })),
      ];
      await stage(database, staged.roots, roots, pause);
      await stage(database, staged.resources, newResources, pause);
      await stage(database, stagedAttributeKeys, keyCounts.take(), pause);
    },
    empty: ({ side }) => database.emptyStaging(side),
  };
}

function newLoad(side: Side): Load {
  return { side, counts: { spans: 0, logs: 0, metrics: 0 }, bytes: 0, sinceMs: null, newResources: [], reopened: [] };
}
