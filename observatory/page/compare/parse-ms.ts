/** Milliseconds of `1.5 s`, `800ms`, `2m`; a number alone means milliseconds; null if it is none of these. */
export function parseMs(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|min)?\s*$/.exec(text);
  if (match === null) return null;
  const unit: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, min: 60_000 };
  return Number(match[1]) * (unit[match[2] ?? 'ms'] ?? 1);
}
