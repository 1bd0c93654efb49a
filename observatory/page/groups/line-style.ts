/** The look of the n-th line over time. Pure. */
import { serviceColour } from '../show/service-colour.ts';

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

/** Services have their own colour; all else takes the palette in turn. */
export function lineStyle(index: number, by: readonly string[], values: readonly (string | null)[]): LineStyle {
  const only = values[0];
  if (by.length === 1 && (by[0] === 'service' || by[0] === 'service.name') && typeof only === 'string') {
    return { css: serviceColour(only), dash: [] };
  }
  return { css: colours[index % colours.length] ?? 'var(--muted)', dash: index < colours.length ? [] : [6, 4] };
}
