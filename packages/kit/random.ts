/** A source of uniform random numbers in [0, 1): `Math.random`, or a seeded one for a test that wants the same again. */
export type Random = () => number;

/** A seeded source (mulberry32, by Tommy Ettinger, public domain): good enough for delays, not for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One draw from Normal(mean, deviation), never below zero (Box–Muller transform); the unit is the caller's. */
export function sampleNormal(random: Random, mean: number, deviation: number): number {
  if (deviation === 0) return mean;
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return Math.max(0, mean + deviation * radius * Math.cos(2 * Math.PI * random()));
}
