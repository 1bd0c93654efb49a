/** How long dispatches took, in bounded memory: counts in steps of 2 %, so that a percentile is off by 1 % at most. */
export interface Latencies {
  add(milliseconds: number): void;
  readonly count: number;
  /** The value, in milliseconds, that this share (0 to 1) of all does not exceed; 0 if there is none. */
  percentile(share: number): number;
}

const step = Math.log(1.02);
/** 2 % steps from 1 ms reach 5 minutes in this many; what is longer counts as that. */
const steps = Math.ceil(Math.log(300_000) / step);

export function createLatencies(): Latencies {
  const counts = new Uint32Array(steps + 1);
  let count = 0;
  return {
    add(milliseconds) {
      const index = milliseconds <= 1 ? 0 : Math.ceil(Math.log(milliseconds) / step);
      const bounded = Math.min(index, steps);
      counts[bounded] = (counts[bounded] ?? 0) + 1;
      count += 1;
    },
    get count() {
      return count;
    },
    percentile(share) {
      if (count === 0) return 0;
      const rank = Math.max(1, Math.ceil(share * count));
      let seen = 0;
      for (let index = 0; index <= steps; index += 1) {
        seen += counts[index] ?? 0;
        if (seen >= rank) return Math.exp((index - 0.5) * step);
      }
      return Math.exp(steps * step);
    },
  };
}
