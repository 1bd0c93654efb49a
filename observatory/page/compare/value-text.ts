/** The words of a comparison's rows. Pure. */
import type { CompareAttribute, CompareValue } from '../../api/contract.ts';
import { formatCount, formatPercent } from '../show/number.ts';

/** What a row is about: its value, an interval, "missing", "Other (12)". */
export function valueLabel(value: CompareValue): string {
  if (value.other !== undefined) return `Other (${formatCount(value.other)})`;
  if (value.low !== undefined || value.high !== undefined) return interval(value.low, value.high);
  if (value.value === null) return 'missing';
  return value.value === '' ? 'empty text' : value.value;
}

function interval(low: number | undefined, high: number | undefined): string {
  if (low === undefined) return `below ${compact(high ?? 0)}`;
  if (high === undefined) return `${compact(low)} or more`;
  return low === high ? compact(low) : `${compact(low)} to below ${compact(high)}`;
}

function compact(number: number): string {
  return number.toLocaleString('en', { maximumSignificantDigits: 4 });
}

/** `51 % against 6 %`. */
export function shares(value: CompareValue, selected: number, baseline: number): string {
  return `${formatPercent(ratio(value.selected, selected))} against ${formatPercent(ratio(value.baseline, baseline))}`;
}

/** `88 of 173, 109 of 1,827`: selection first. */
export function counts(value: CompareValue, selected: number, baseline: number): string {
  const of = (part: number, whole: number): string => `${formatCount(part)} of ${formatCount(whole)}`;
  return `${of(value.selected, selected)}, ${of(value.baseline, baseline)}`;
}

export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** `3 fields split identically`: the attribute and those that say the same; '' where it stands alone. */
export function alikeText(attribute: CompareAttribute): string {
  return attribute.same.length === 0 ? '' : `${formatCount(attribute.same.length + 1)} fields split identically`;
}
