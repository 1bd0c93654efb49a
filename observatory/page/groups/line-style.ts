/** The look of lines over time: a group keeps its own for as long as the page lives. */
import { serviceColour } from '../format/service-colour.ts';

/** How many groups get a line. */
export const linesShown = 10;

const colours = ['frontend', 'customer', 'driver', 'route', 'postgres', 'other-2', 'other-1'].map(
  (name) => `var(--service-${name})`,
);

export interface LineStyle {
  /** A CSS colour, as a variable of the tokens. */
  css: string;
  /** Lengths of strokes and gaps; empty for a full line. Once the colours are used up, dashes tell lines apart. */
  dash: number[];
}

/** Every look there is, the most distinct first; more than there are lines, so that those shown never share one. */
export const looks: readonly LineStyle[] = [[], [7, 4], [2, 3]].flatMap((dash) =>
  colours.map((css) => ({ css, dash })),
);

interface Group {
  values: readonly (string | null)[];
  filter: string;
}

/**
 * Hands out looks, first come first served, and remembers whose each is: live answers change the order of groups and
 * which of them get a line, and what was blue must stay blue. Only when all are taken does a group that is not shown
 * lose its own.
 *
 * @returns the looks of the groups shown, by their filter.
 */
export function createLineStyles() {
  const ownersByKeys = new Map<string, (string | undefined)[]>();
  return (by: readonly string[], shown: readonly Group[]): Map<string, LineStyle> => {
    if (by.length === 1 && (by[0] === 'service' || by[0] === 'service.name')) {
      return new Map(shown.map(({ values, filter }) => [filter, { css: serviceColour(values[0] ?? ''), dash: [] }]));
    }
    const keys = JSON.stringify(by);
    const owners = ownersByKeys.get(keys) ?? looks.map(() => undefined);
    ownersByKeys.set(keys, owners);
    const present = new Set(shown.map(({ filter }) => filter));
    const claim = (filter: string): number => {
      const known = owners.indexOf(filter);
      if (known >= 0) return known;
      const unused = owners.indexOf(undefined);
      const place = unused >= 0 ? unused : owners.findIndex((owner) => owner !== undefined && !present.has(owner));
      owners[place] = filter;
      return place;
    };
    return new Map(shown.map(({ filter }) => [filter, looks[claim(filter)] ?? { css: 'var(--muted)', dash: [] }]));
  };
}

/** The page's one memory of looks: the table and the picture agree by it. */
export const lineStyles = createLineStyles();

/** The look of the n-th line, if the lines do not stand for groups. */
export function lookOf(index: number): LineStyle {
  return looks[index] ?? { css: 'var(--muted)', dash: [] };
}
