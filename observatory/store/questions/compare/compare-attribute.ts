import type { CompareAttribute, CompareValue } from '../../../contract/contract.ts';
import type { Field } from '../../../filter/ast.ts';
import { fieldName, printField } from '../../../filter/print.ts';
import type { BinnedNumber } from './compare-bins.ts';
import { evidence, score, type Sides, type Split } from './compare-rank.ts';
import type { Population } from '../population.ts';
import { shownValue, valueFilter } from '../values.ts';

/** How many values are shown before the rest is folded together. */
export const mostShown = 8;

/** A value with its counts; its digest if it is cut. */
interface CountedValue extends Split {
  value: string | null;
  digest: string | null;
}

/** The counts of one attribute. */
export interface Counted extends Split {
  distinct: number;
  /** Values frequent enough to be evidence. */
  supported: CountedValue[] | null;
  /** The values most frequent in the selection, whether frequent enough or not. */
  frequent: CountedValue[] | null;
}

function nameOf(value: CountedValue): string {
  return value.digest ?? JSON.stringify(value.value);
}

/** An attribute compared by its values: those with most evidence, then the others as one. */
export function categories(
  row: Counted,
  field: Field,
  sides: Sides,
): { attribute: CompareAttribute; splits: CountedValue[] } {
  const told = new Map([...(row.supported ?? []), ...(row.frequent ?? [])].map((value) => [nameOf(value), value]));
  const values = [...told.values()];
  const lacking = sides.selected + sides.baseline - row.selected - row.baseline;
  if (lacking > 0) {
    const selected = sides.selected - row.selected;
    values.push({ value: null, digest: null, selected, baseline: lacking - selected });
  }
  const distinct = row.distinct + (lacking > 0 ? 1 : 0);
  const ranked = values
    .map((value) => ({ value, weight: evidence(value, sides) }))
    .toSorted(
      (left, right) => right.weight - left.weight || difference(right.value, sides) - difference(left.value, sides),
    );
  // A single remaining value says more than "Other (1)".
  const shown = ranked.slice(0, distinct === mostShown + 1 ? distinct : mostShown);
  const attribute: CompareAttribute = {
    key: fieldName(field),
    same: [],
    kind: 'categories',
    score: score(values, sides),
    significant: false,
    distinct: row.distinct,
    values: shown.map(({ value, weight }) => ({
      value: shownValue(value.value, value.digest),
      filter: valueFilter(field, value.value, value.digest),
      selected: value.selected,
      baseline: value.baseline,
      evidence: weight,
    })),
  };
  if (distinct > shown.length) attribute.values.push(others(attribute.values, distinct - shown.length, sides));
  return { attribute, splits: values };
}

/** By how much the shares of a value differ. Values without evidence are ordered by this. */
function difference(split: Split, sides: Sides): number {
  return Math.abs(split.selected / Math.max(1, sides.selected) - split.baseline / Math.max(1, sides.baseline));
}

function others(shown: readonly CompareValue[], count: number, sides: Sides): CompareValue {
  return {
    value: `Other (${count})`,
    other: count,
    selected: sides.selected - shown.reduce((sum, value) => sum + value.selected, 0),
    baseline: sides.baseline - shown.reduce((sum, value) => sum + value.baseline, 0),
    evidence: 0,
  };
}

/** A number compared by its bins, in order; empty ones are left out. */
export function binnedAttribute(number: BinnedNumber, sides: Sides): CompareAttribute {
  const { field, edges, splits } = number;
  const values: CompareValue[] = [];
  for (const [bin, split] of splits.entries()) {
    if (split.selected + split.baseline === 0) continue;
    values.push({ ...interval(field, edges[bin - 1], edges[bin]), ...split, evidence: evidence(split, sides) });
  }
  const lacking = {
    selected: sides.selected - splits.reduce((sum, split) => sum + split.selected, 0),
    baseline: sides.baseline - splits.reduce((sum, split) => sum + split.baseline, 0),
  };
  if (lacking.selected + lacking.baseline > 0) {
    const filter = `${printField(field)} !exists`;
    values.push({ value: null, filter, ...lacking, evidence: evidence(lacking, sides) });
  }
  return {
    key: fieldName(field),
    same: [],
    kind: 'bins',
    score: score(values, sides),
    significant: false,
    distinct: values.length,
    values,
  };
}

/** A bin as text, bounds and filter. The outermost bins are open, so that no number falls beside them. */
function interval(
  field: Field,
  low: number | undefined,
  high: number | undefined,
): Pick<CompareValue, 'value' | 'low' | 'high' | 'filter'> {
  const key = printField(field);
  if (low === undefined && high === undefined) return { value: 'any number', filter: `${key} exists` };
  if (low === undefined) return { value: `below ${high}`, high: high as number, filter: `${key} < ${high}` };
  if (high === undefined) return { value: `${low} and above`, low, filter: `${key} >= ${low}` };
  return { value: `${low} to ${high}`, low, high, filter: `${key} >= ${low} and ${key} < ${high}` };
}

const yearMs = 365.25 * 86_400_000;

/** Whether numbers are instants of about the time of the population, in seconds or a finer unit since 1970. */
export function isTimestamp(edges: readonly number[], population: Population): boolean {
  const [first, last] = [edges[0], edges.at(-1)];
  if (first === undefined || last === undefined) return false;
  const [from, to] = [population.fromMs - yearMs, population.toMs + yearMs];
  // Rounded to three digits, boundaries keep the year's magnitude.
  return [1e-3, 1, 1e3, 1e6].some((unit) => first >= from * unit && last <= to * unit && from > 0);
}

/** Whether all values that are shown are instants as ISO 8601 writes them. */
export function isTimestampText(row: Counted): boolean {
  return (row.frequent ?? []).every(({ value }) => /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(value ?? ''));
}
