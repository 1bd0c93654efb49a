import { moveTo } from '../../records/growing-arrays.ts';
import type { SpanBatch, SpanRef } from '../../records/span-batch.ts';

/** The standing of a span in its trace: `unknown` until every span above it is there; the others are final. */
export const standings = { unknown: 0, caller: 1, entry: 2, inside: 3 } as const;

/** No node, no entry span, no parent found yet. */
export const none = -1;

/**
 * What is remembered of the spans of open traces: each is a place in these arrays, a node. As objects they would take
 * most of JavaScript's heap, and live just long enough to keep the garbage collector busy.
 */
export interface TraceNodes {
  /** Four words a node, as in `SpanBatch.ids`. */
  readonly ids: Uint32Array;
  readonly startNs: BigInt64Array;
  readonly durationNs: Float64Array;
  /** `spanFlags` */
  readonly flags: Uint8Array;
  /** `standings` */
  readonly standing: Uint8Array;
  /** The node of its parent. */
  readonly parent: Int32Array;
  /** The node of the entry span that it is or is inside of. */
  readonly entry: Int32Array;
  /** The next node of its trace. */
  readonly next: Int32Array;
  readonly services: string[];
  readonly statements: (string | null)[];
  /** The span itself; let go once it cannot become an entry span. */
  readonly batches: (SpanBatch | null)[];
  readonly indices: Int32Array;
}

export interface TraceNodesStore {
  /** The arrays as they are now: others after `add`. */
  current(): TraceNodes;
  /** A node for a span, behind `last` of its trace. */
  add(batch: SpanBatch, index: number, last: number): number;
  /** Gives back the nodes of a trace, from its first. */
  free(first: number): void;
}

const firstRoom = 4_096;

function createArrays(room: number) {
  return {
    ids: new Uint32Array(room * 4),
    startNs: new BigInt64Array(room),
    durationNs: new Float64Array(room),
    flags: new Uint8Array(room),
    standing: new Uint8Array(room),
    parent: new Int32Array(room),
    entry: new Int32Array(room),
    next: new Int32Array(room),
    indices: new Int32Array(room),
  };
}

export function createTraceNodes(): TraceNodesStore {
  let room = firstRoom;
  let arrays = createArrays(room);
  const services: string[] = [];
  const statements: (string | null)[] = [];
  const batches: (SpanBatch | null)[] = [];
  let nodes: TraceNodes = { ...arrays, services, statements, batches };
  /** How many nodes were ever used, and the first free node among them; free nodes are chained by `next`. */
  let used = 0;
  let freed = none;

  function grow(): void {
    room *= 2;
    arrays = moveTo(createArrays(room), arrays);
    nodes = { ...arrays, services, statements, batches };
  }

  function take(): number {
    if (freed !== none) {
      const node = freed;
      freed = arrays.next[node] ?? none;
      return node;
    }
    if (used === room) grow();
    used += 1;
    return used - 1;
  }

  return {
    current: () => nodes,
    add(batch, index, last) {
      const node = take();
      for (let word = 0; word < 4; word += 1) arrays.ids[node * 4 + word] = batch.ids[index * 4 + word] ?? 0;
      arrays.startNs[node] = batch.startNs[index] ?? 0n;
      arrays.durationNs[node] = Number(batch.durationNs[index]);
      arrays.flags[node] = batch.flags[index] ?? 0;
      arrays.standing[node] = standings.unknown;
      arrays.parent[node] = none;
      arrays.entry[node] = none;
      arrays.next[node] = none;
      if (last !== none) arrays.next[last] = node;
      arrays.indices[node] = index;
      services[node] = batch.resources[index]?.service ?? '';
      statements[node] = batch.statements[index] ?? null;
      batches[node] = batch;
      return node;
    },
    free(first) {
      for (let node = first; node !== none;) {
        const next = arrays.next[node] ?? none;
        statements[node] = null;
        batches[node] = null;
        arrays.next[node] = freed;
        freed = node;
        node = next;
      }
    },
  };
}

/** @throws if the span was let go. */
export function spanOf({ batches, indices }: TraceNodes, node: number): SpanRef {
  const batch = batches[node];
  if (!batch) throw new Error('the span of this node was let go');
  return { batch, index: indices[node] ?? 0 };
}
