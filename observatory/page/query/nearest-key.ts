/** Finds the keys of a filter that nothing stored has, and the keys that were probably meant. Pure. */
import type { AttributeKey } from '../../contract/contract.ts';
import { isIntrinsic, type Expression, type Field } from '../../filter/ast.ts';
import { parseField, parseFilter } from '../../filter/parse.ts';
import { fieldName, printExpression } from '../../filter/print.ts';

export interface UnknownKey {
  key: string;
  /** The known key that is nearest to it; null if none is near. */
  nearest: string | null;
}

/** Keys of attributes in a filter that are not among the known ones, each once. */
export function unknownKeys(filter: Expression | undefined, known: readonly AttributeKey[]): UnknownKey[] {
  // Until any key is known, no key can be called unknown.
  if (!known.some(({ spans }) => spans > 0)) return [];
  const names = new Set(known.map(({ key }) => key));
  return [...new Set(attributesOf(filter))]
    .filter((key) => !names.has(fieldName({ type: 'attribute', key })) && !names.has(key) && !isIntrinsic(key))
    .map((key) => ({ key, nearest: nearestKey(key, known) }));
}

function attributesOf(filter: Expression | undefined): string[] {
  if (filter === undefined) return [];
  if (filter.type === 'and' || filter.type === 'or') return filter.terms.flatMap(attributesOf);
  if (filter.type === 'not') return attributesOf(filter.term);
  return filter.field.type === 'attribute' ? [filter.field.key] : [];
}

/** A filter with one attribute in the place of another. @param to as lists name it. @throws FilterError */
export function renameKey(filter: string, from: string, to: string): string {
  const expression = parseFilter(filter);
  return expression === undefined ? filter : printExpression(renamed(expression, from, parseField(to)));
}

function renamed(expression: Expression, from: string, to: Field): Expression {
  if (expression.type === 'and' || expression.type === 'or') {
    return { ...expression, terms: expression.terms.map((term) => renamed(term, from, to)) };
  }
  if (expression.type === 'not') return { ...expression, term: renamed(expression.term, from, to) };
  const { field } = expression;
  return field.type === 'attribute' && field.key === from ? { ...expression, field: to } : expression;
}

/**
 * The known key that a word was probably meant to be: one that ends or begins with it at a dot, then the one that
 * fewest changed letters turn into it, a third of them at most. Of two equally near keys, the one that more spans have.
 */
export function nearestKey(word: string, known: readonly AttributeKey[]): string | null {
  const wanted = word.toLowerCase();
  if (wanted === '') return null;
  let best: { key: string; away: number; spans: number } | null = null;
  for (const { key, spans } of known) {
    const name = key.toLowerCase();
    const parts = name.split('.');
    const tails = parts.map((_, index) => parts.slice(index).join('.'));
    const away =
      name.includes(wanted) && wanted.length > 2 ? 0.5 : Math.min(...tails.map((tail) => distance(wanted, tail)));
    if (away > Math.max(1, Math.floor(wanted.length / 3))) continue;
    if (best === null || away < best.away || (away === best.away && spans > best.spans)) best = { key, away, spans };
  }
  return best === null ? null : best.key;
}

/** How many letters must be put in, taken out or changed to make one word of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
