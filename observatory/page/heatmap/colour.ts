/** How many spans a cell holds, as a colour: by the square root of the count, with the ceiling at the 95th percentile. Pure. */

export type Rgb = readonly [red: number, green: number, blue: number];

/** Below this the last colour would stand for one or two spans, and the first for all others. */
const lowestCeiling = 4;

/** The count that gets the last colour: the 95th percentile of the counts of non-empty cells, at least 4. */
export function ceilingOf(counts: readonly number[]): number {
  const present = counts.filter((count) => count > 0).toSorted((a, b) => a - b);
  return Math.max(lowestCeiling, present[Math.min(present.length - 1, Math.floor(present.length * 0.95))] ?? 0);
}

/** Place on the colour scale, 0 to 1; a single span is at its beginning. */
export function intensity(count: number, ceiling: number): number {
  if (count <= 0) return 0;
  return Math.min(1, (Math.sqrt(count) - 1) / (Math.sqrt(ceiling) - 1));
}

/** `#rrggbb` as numbers; black where the text is no such colour. */
export function parseColour(text: string): Rgb {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim());
  return match === null
    ? [0, 0, 0]
    : [parseInt(match[1] ?? '', 16), parseInt(match[2] ?? '', 16), parseInt(match[3] ?? '', 16)];
}

/** A table of `size` CSS colours that runs evenly through the stops. */
export function ramp(stops: readonly Rgb[], size = 64): string[] {
  return Array.from({ length: size }, (_, index) => {
    const place = (index / Math.max(1, size - 1)) * Math.max(0, stops.length - 1);
    const low = stops[Math.floor(place)] ?? [0, 0, 0];
    const high = stops[Math.min(stops.length - 1, Math.floor(place) + 1)] ?? low;
    const part = place - Math.floor(place);
    const mix = (a: number, b: number): number => Math.round(a + (b - a) * part);
    return `rgb(${mix(low[0], high[0])} ${mix(low[1], high[1])} ${mix(low[2], high[2])})`;
  });
}
