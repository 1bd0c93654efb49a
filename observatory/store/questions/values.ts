import type { Field } from '../../filter/ast.ts';
import { printField, quote } from '../../filter/print.ts';

/** How many characters of a value an answer has; a longer value is cut, and selected by its MD5. */
export const longestValue = 1000;

/** A value as answers show it, with an ellipsis if it is cut. */
export function shownValue(value: string | null, digest: string | null): string | null {
  return digest === null || value === null ? value : `${value}…`;
}

/** The filter that selects exactly the spans with this value of a field; null is "missing". */
export function valueFilter(field: Field, value: string | null, digest: string | null): string {
  const key = printField(field);
  if (value === null) return `${key} !exists`;
  if (digest !== null) return `${key} md5 ${quote(digest)}`;
  return field.type === 'field' && field.name === 'error' ? `${key} = ${value}` : `${key} = ${quote(value)}`;
}
