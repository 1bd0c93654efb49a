import { reservedWords, isBuiltIn, isIntrinsic, type Expression, type Field, type Literal } from './ast.ts';

/** A text in the quotes of the filter language; any text is possible. */
export function quote(text: string): string {
  // JSON's escapes, but those that the filter language does not have, written as \uXXXX.
  return JSON.stringify(text).replace(/\\(["\\nrt])|\\([bf])/g, (whole, same: string | undefined, control: string) =>
    same === undefined ? (control === 'b' ? '\\u0008' : '\\u000c') : whole,
  );
}

function isWord(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text);
}

/** An attribute's key as a filter writes it: bare if that is possible and means the attribute, else quoted. */
export function printKey(key: string): string {
  const bare = isWord(key) && !reservedWords.has(key.toLowerCase()) && !isBuiltIn(key) && !isIntrinsic(key);
  return bare ? key : quote(key);
}

/** A field as a filter writes it; `parseField` reads it back. */
export function printField(field: Field): string {
  if (field.type === 'attribute') return printKey(field.key);
  return isWord(field.name) ? field.name : quote(field.name);
}

/**
 * A field as lists and parameters name it: its key as it is, in quotes only if it would otherwise be read as another
 * field.
 */
export function fieldName(field: Field): string {
  if (field.type !== 'attribute') return field.name;
  const plain =
    field.key !== '' &&
    !isBuiltIn(field.key) &&
    !isIntrinsic(field.key) &&
    !field.key.startsWith('"') &&
    field.key.trim() === field.key;
  return plain ? field.key : quote(field.key);
}

function printLiteral(literal: Literal): string {
  if (literal.type === 'string') return quote(literal.value);
  return literal.type === 'boolean' ? String(literal.value) : literal.text;
}

function printTerm(term: Expression, within: 'and' | 'or' | 'not'): string {
  const text = printExpression(term);
  const binds = term.type === 'and' || term.type === 'or';
  // Nested and-in-and is kept apart too, so that what is printed reads back as the same tree.
  const bare = !binds || (within === 'or' && term.type === 'and');
  return bare ? text : `(${text})`;
}

/** A filter as text; `parseFilter` reads it back as the same tree, positions apart. */
export function printExpression(expression: Expression): string {
  switch (expression.type) {
    case 'and':
    case 'or': {
      const { type } = expression;
      return expression.terms.map((term) => printTerm(term, type)).join(` ${type} `);
    }
    case 'not':
      return `not ${printTerm(expression.term, 'not')}`;
    case 'compare':
      return `${printField(expression.field)} ${expression.operator} ${printLiteral(expression.value)}`;
    case 'text':
      return `${printField(expression.field)} ${expression.operator} ${quote(expression.value)}`;
    case 'exists':
      return `${printField(expression.field)} ${expression.negated ? '!exists' : 'exists'}`;
    default: {
      const operator = expression.negated ? '!in' : 'in';
      return `${printField(expression.field)} ${operator} (${expression.values.map(printLiteral).join(', ')})`;
    }
  }
}
