/**
 * Puts filters together from conditions, without any package, so that the page can use it as well as the API.
 * Every function takes and gives filter text.
 */
import type { Expression } from './ast.ts';
import { parseFilter } from './parse.ts';
import { printExpression, printKey, quote } from './print.ts';

/** `key = "value"`, or `key !exists` for a value of null: exactly the spans with this value of this attribute. */
export function isCondition(key: string, value: string | null): string {
  return value === null ? `${printKey(key)} !exists` : `${printKey(key)} = ${quote(value)}`;
}

/** The opposite of a condition or whole filter: exactly the spans that it does not select. */
export function negate(filter: string): string {
  const expression = parseFilter(filter);
  if (expression === undefined) return '';
  switch (expression.type) {
    case 'exists':
    case 'in':
      return printExpression({ ...expression, negated: !expression.negated });
    case 'compare':
      if (expression.operator === '=') return printExpression({ ...expression, operator: '!=' });
      if (expression.operator === '!=') return printExpression({ ...expression, operator: '=' });
      break;
    case 'text':
      if (expression.operator !== 'md5') {
        const { operator } = expression;
        const opposite = {
          contains: '!contains',
          '!contains': 'contains',
          matches: '!matches',
          '!matches': 'matches',
        } as const;
        return printExpression({ ...expression, operator: opposite[operator] });
      }
      break;
    case 'not':
      return printExpression(expression.term);
    default:
  }
  return printExpression({ type: 'not', term: expression });
}

function conjuncts(filter: string): Expression[] {
  const expression = parseFilter(filter);
  if (expression === undefined) return [];
  return expression.type === 'and' ? expression.terms : [expression];
}

/**
 * The spans that pass both filters: `existing and addition`, in parentheses if they are needed. A condition that is
 * there already is not added twice. Either may be empty.
 * @throws FilterError if one of them cannot be read.
 */
export function addCondition(existing: string, addition: string): string {
  const terms = conjuncts(existing);
  const texts = new Set(terms.map(printExpression));
  for (const term of conjuncts(addition)) {
    if (!texts.has(printExpression(term))) terms.push(term);
  }
  return printAll(terms);
}

/** The filter without the condition, if it is one of those joined by `and`; otherwise unchanged. */
export function removeCondition(existing: string, condition: string): string {
  const removed = new Set(conjuncts(condition).map(printExpression));
  return printAll(conjuncts(existing).filter((term) => !removed.has(printExpression(term))));
}

/** The conditions of a filter that are joined by `and`, each as text: what a page shows as removable parts. */
export function splitConditions(filter: string): string[] {
  return conjuncts(filter).map(printExpression);
}

function printAll(terms: Expression[]): string {
  const [first] = terms;
  if (first === undefined) return '';
  return printExpression(terms.length === 1 ? first : { type: 'and', terms });
}
