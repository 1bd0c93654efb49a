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

/** `#rrggbb` as numbers; black for any other text. */
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
    return `rgb(${mixed(low, high, place - Math.floor(place)).join(' ')})`;
  });
}

/** A colour that lies between two: 0 is the first, 1 the second. */
export function mixed(one: Rgb, other: Rgb, part: number): Rgb {
  const mix = (a: number, b: number): number => Math.round(a + (b - a) * part);
  return [mix(one[0], other[0]), mix(one[1], other[1]), mix(one[2], other[2])];
}

/** The contrast of two colours as WCAG 2 defines it: 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
