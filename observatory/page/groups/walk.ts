/** Walks the points of lines by the keys. Pure. */

export interface Place {
  line: number;
  index: number;
}

interface Values {
  values: readonly (number | null)[];
}

/**
 * Where a key leads: ← → along the line past its gaps, Home and End to its ends, ↑ ↓ to the next line above or below at
 * the same time. Null for any other key, and if there is no point at all.
 */
export function walk(lines: readonly Values[], at: Place | null, key: string): Place | null {
  if (!/^(?:Arrow(?:Left|Right|Up|Down)|Home|End)$/.test(key)) return null;
  const pointsOf = (line: number): number[] =>
    (lines[line]?.values ?? []).flatMap((value, index) => (value === null ? [] : [index]));
  const line = at?.line ?? lines.findIndex((_, index) => pointsOf(index).length > 0);
  const points = pointsOf(line);
  const last = points.at(-1);
  if (last === undefined) return null;
  if (at === null) return { line, index: last };
  if (key === 'Home') return { line, index: points[0] ?? last };
  if (key === 'End') return { line, index: last };
  if (key === 'ArrowLeft') return { line, index: points.findLast((index) => index < at.index) ?? at.index };
  if (key === 'ArrowRight') return { line, index: points.find((index) => index > at.index) ?? at.index };
  const here = lines[line]?.values[at.index] ?? 0;
  const sign = key === 'ArrowUp' ? 1 : -1;
  const [next] = lines
    .map(({ values }, other) => ({ other, value: values[at.index] ?? null }))
    // Lines that meet in a point are walked in their order.
    .map(({ other, value }) => ({ other, value, ahead: value === null ? 0 : (value - here) * sign }))
    .filter(({ other, value, ahead }) => value !== null && (ahead > 0 || (ahead === 0 && (other - line) * sign < 0)))
    .toSorted((a, b) => a.ahead - b.ahead || (b.other - a.other) * sign);
  return { line: next?.other ?? line, index: at.index };
}
