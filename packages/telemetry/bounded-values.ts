/** How many characters of a value are kept. */
const longest = 200;

/**
 * Keeps a metric's attribute to a bounded number of values: the first `limit` that are seen, then `other`. A value that
 * strangers choose (baggage!) could otherwise make as many time series as they like.
 */
export function createBoundedValues(limit: number): (value: string | undefined) => string {
  const seen = new Set<string>();
  return (given) => {
    if (given === undefined) return 'unknown';
    const value = given.slice(0, longest);
    if (seen.has(value)) return value;
    if (seen.size >= limit) return 'other';
    seen.add(value);
    return value;
  };
}
