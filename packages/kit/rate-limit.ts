/** So much a second, and no more than `burst` at once: a token bucket. */
export interface RateLimit {
  /** Takes `amount` if there is room for it. If there is not, returns false and takes nothing. */
  take(amount: number): boolean;
}

/**
 * @param perSecond how much comes free again in a second.
 * @param burst how much there is at most, and at first.
 * @param now a clock in milliseconds.
 */
export function createRateLimit(
  perSecond: number,
  burst: number,
  now: () => number = () => performance.now(),
): RateLimit {
  let left = burst;
  let lastMs = now();
  return {
    take(amount) {
      const nowMs = now();
      left = Math.min(burst, left + ((nowMs - lastMs) / 1000) * perSecond);
      lastMs = nowMs;
      if (amount > left) return false;
      left -= amount;
      return true;
    },
  };
}
