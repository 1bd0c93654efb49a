/**
 * Tells quickly that a trace is certainly not among millions of stored ones: a Bloom filter of 2^26 bits (8 MiB) and 3
 * hashes. With a million traces it errs once in 12,000, with five million once in 130; an error costs one look into the
 * store.
 */
export interface TraceFilter {
  add(traceId: string): void;
  /** False: it was never added. True: ask the store. */
  mayHave(traceId: string): boolean;
}

const bits = 2 ** 26;

export function createTraceFilter(): TraceFilter {
  const field = new Uint32Array(bits / 32);

  function positions(traceId: string): [number, number, number] {
    // FNV-1a, and from it a second hash for the other two places (Kirsch and Mitzenmacher 2006).
    let hash = 0x811c9dc5;
    let other = 0;
    for (let index = 0; index < traceId.length; index += 1) {
      hash = Math.imul(hash ^ traceId.charCodeAt(index), 0x01000193);
      other = Math.imul(other, 31) + hash;
    }
    const first = hash >>> 0;
    const step = (other | 1) >>> 0;
    return [first % bits, (first + step) % bits, (first + 2 * step) % bits];
  }

  return {
    add(traceId) {
      for (const position of positions(traceId))
        field[position >>> 5] = (field[position >>> 5] ?? 0) | (1 << (position & 31));
    },
    mayHave(traceId) {
      return positions(traceId).every((position) => ((field[position >>> 5] ?? 0) & (1 << (position & 31))) !== 0);
    },
  };
}
