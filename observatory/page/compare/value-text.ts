/** The words of a comparison's rows. Pure. */
import type { CompareAttribute, CompareValue } from '../../contract/contract.ts';
import { formatCount, formatPercent } from '../format/number.ts';

/** Units of numbers, by how keys end: those of HotROD's keys, of the semantic conventions, and of common usage. */
const units: readonly (readonly [RegExp, string])[] = [
  [/[._]ms(?:\.|$)/, 'ms'],
  [/(?:[._]seconds|\.duration|\.eta|\.wait\.(?:max|total))$/, 's'],
  [/^hotrod\..*\.distance$/, 'm'],
  [/(?:[._]bytes|\.size)$/, 'B'],
];

/** The unit of an attribute's numbers, with the space before it; '' if it has none or it is not known. */
export function unitOf(key: string): string {
  const unit = units.find(([pattern]) => pattern.test(key))?.[1];
  return unit === undefined ? '' : ` ${unit}`;
}

/** What a row is about: its value, an interval, "missing", "Other (12)". @param unit of an interval's bounds. */
export function valueLabel(value: CompareValue, unit = ''): string {
  if (value.other !== undefined) return `Other (${formatCount(value.other)})`;
  if (value.low !== undefined || value.high !== undefined) return interval(value.low, value.high, unit);
  if (value.value === null) return 'missing';
  return value.value === '' ? 'empty text' : value.value;
}

function interval(low: number | undefined, high: number | undefined, unit: string): string {
  if (low === undefined) return `below ${compact(high ?? 0)}${unit}`;
  if (high === undefined) return `${compact(low)}${unit} or more`;
  return low === high ? compact(low) + unit : `${compact(low)} to below ${compact(high)}${unit}`;
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

/** `2 fields split alike: a, b`: the attribute and those that say the same; '' if it stands alone. */
export function alikeText({ key, same }: CompareAttribute): string {
  return same.length === 0 ? '' : `${formatCount(same.length + 1)} fields split alike: ${[key, ...same].join(', ')}`;
}
