/** Conditions of the filter language about a field by its name. Pure. */
import { parseField } from '../../filter/parse.ts';
import { fieldName, printField, quote } from '../../filter/print.ts';

/** An attribute as lists and the address name it: in quotes if a field has the same name. */
export function attributeName(key: string): string {
  return fieldName({ type: 'attribute', key });
}

/** A field as filters write it. @param key as the API's lists and the address name it. */
export function fieldText(key: string): string {
  return printField(parseField(key));
}

/** A condition that selects one value of a field, or the spans that lack it. */
export function conditionOf(key: string, value: string | null): string {
  return value === null ? `${fieldText(key)} !exists` : `${fieldText(key)} = ${quote(value)}`;
}
