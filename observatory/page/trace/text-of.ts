import type { AttributeValue } from '../../contract/contract.ts';

/** An attribute's value as text: texts as they are, lists and maps as JSON. Pure. */
export function textOf(value: AttributeValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
