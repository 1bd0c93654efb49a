/**
 * A permutation test over blocks of time. Requests of the same seconds share their luck (a garbage collection, a
 * neighbour on the machine), so single requests are not exchangeable, and a test that takes them for independent calls
 * chance a difference. Whole blocks are: if the releases do not differ, the blocks of the new one might as well have
 * been any others of all blocks.
 *
 * Many statistics are tested at once by the largest of them (Westfall and Young's maxT, "Resampling-Based Multiple
 * Testing", 1993). The chance that any of a family is called a difference although there is none is then the one asked
 * for, however many there are and however they hang together.
 */

/** One statistic: what each block adds to it. It is centred: over all blocks it adds up to 0. */
export interface Statistic {
  /** Which others it is tested together with. */
  family: string;
  /** One number a block. */
  scores: Float64Array;
  /**
   * How many times the variance of a stretch of neighbouring blocks is that of as many blocks drawn at random: 1 if
   * neighbours have nothing to do with each other ({@link varianceInflation}).
   */
  inflation: number;
}

export interface TestedStatistic {
  /** Its sum over the new release's blocks, in standard deviations of what chance does. */
  z: number;
  /** The chance that the largest of its family is at least as far from 0 when nothing differs. */
  p: number;
}

/** More permutations are not worth their time: with these, a p-value of 0.0005 is known to ± 0.0002. */
export const permutations = 20_000;

/**
 * @param candidate for each block whether it is the new release's.
 * @param statistics all over the same blocks.
 * @param seed the same evidence gets the same answer.
 */
export function testBlocks(
  candidate: readonly boolean[],
  statistics: readonly Statistic[],
  seed = 1,
): TestedStatistic[] {
  const blocks = candidate.length;
  const chosen = candidate.flatMap((isCandidate, block) => (isCandidate ? [block] : []));
  const count = chosen.length;
  const width = statistics.length;
  // The deviation of a sum of `count` numbers, drawn without replacement from `blocks` numbers that add up to 0.
  const deviations = statistics.map(({ scores }) => {
    const squares = scores.reduce((sum, score) => sum + score * score, 0);
    return Math.sqrt((squares / (blocks - 1)) * count * (1 - count / blocks));
  });
  // A row a block, so that a permutation reads whole rows.
  const rows = new Float64Array(blocks * width);
  for (const [column, { scores }] of statistics.entries()) {
    const deviation = deviations[column] ?? 0;
    for (let block = 0; block < blocks; block += 1) {
      rows[block * width + column] = deviation > 0 ? (scores[block] ?? 0) / deviation : 0;
    }
  }
  const families = [...new Set(statistics.map(({ family }) => family))];
  const familyOf = Uint16Array.from(statistics, ({ family }) => families.indexOf(family));

  const sums = new Float64Array(width);
  const add = (subset: ArrayLike<number>, length: number): void => {
    sums.fill(0);
    for (let each = 0; each < length; each += 1) {
      const start = (subset[each] ?? 0) * width;
      for (let column = 0; column < width; column += 1)
        sums[column] = (sums[column] ?? 0) + (rows[start + column] ?? 0);
    }
  };
  add(chosen, count);
  const observed = sums.map((sum, column) => sum / Math.sqrt(statistics[column]?.inflation ?? 1));

  const largest = families.map(() => new Float64Array(permutations));
  const random = createRandom(seed);
  const order = Uint32Array.from({ length: blocks }, (_, block) => block);
  // The sum over a set is minus the sum over all others. Adding up the smaller of the two is quicker.
  const drawn = Math.min(count, blocks - count);
  for (let permutation = 0; permutation < permutations; permutation += 1) {
    for (let place = 0; place < drawn; place += 1) {
      const other = place + Math.floor(random() * (blocks - place));
      const swapped = order[place] ?? 0;
      order[place] = order[other] ?? 0;
      order[other] = swapped;
    }
    add(order, drawn);
    for (let column = 0; column < width; column += 1) {
      const of = largest[familyOf[column] ?? 0];
      const size = Math.abs(sums[column] ?? 0);
      if (of && size > (of[permutation] ?? 0)) of[permutation] = size;
    }
  }
  for (const of of largest) of.sort();

  return statistics.map((_, column) => {
    const z = observed[column] ?? 0;
    const of = largest[familyOf[column] ?? 0] ?? new Float64Array();
    // A difference that comes from rounding alone must not decide.
    const asFar = of.length - lowerBound(of, Math.abs(z) - 1e-9);
    return { z, p: (asFar + 1) / (permutations + 1) };
  });
}

/**
 * How much more the sum over neighbouring blocks varies than that over blocks drawn at random: from the autocovariance
 * of the blocks with Bartlett's weights, which are exact for a stretch of this length. Never less than 1.
 *
 * @param series stretches of blocks in order of time, each centred; undefined if a block is missing.
 * @param length of the stretch, in blocks.
 */
export function varianceInflation(series: readonly (readonly (number | undefined)[])[], length: number): number {
  const covariance = (lag: number): number => {
    let sum = 0;
    let pairs = 0;
    for (const blocks of series) {
      for (let block = 0; block + lag < blocks.length; block += 1) {
        const first = blocks[block];
        const second = blocks[block + lag];
        if (first === undefined || second === undefined) continue;
        sum += first * second;
        pairs += 1;
      }
    }
    return pairs === 0 ? 0 : sum / pairs;
  };
  const variance = covariance(0);
  if (variance === 0) return 1;
  let inflation = 1;
  for (let lag = 1; lag < length; lag += 1) inflation += 2 * (1 - lag / length) * (covariance(lag) / variance);
  return Math.max(1, inflation);
}

/** How many of ascending values are below `limit`. */
function lowerBound(ascending: Float64Array, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Numbers from 0 to 1, 1 excluded, always the same for a seed: mulberry32 of Tommy Ettinger (public domain). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
