import type { Scope } from '../contract/contract.ts';
import { attributeColumn, intrinsicColumn } from './attributes.ts';
import { joinSql, sql, type Binder, type Sql } from './sql.ts';
import {
  durationNanoseconds,
  type BuiltInField,
  type Comparison,
  type Expression,
  type Field,
  type Literal,
  type Test,
} from '../filter/ast.ts';
import { instantNanoseconds } from '../filter/check.ts';

const columns: Readonly<Record<BuiltInField, Sql>> = {
  duration: sql`s.duration_ns`,
  name: sql`s.name`,
  service: sql`s.service`,
  kind: sql`s.kind`,
  status: sql`s.status`,
  error: sql`s.error`,
  start: sql`s.start_ns`,
  'trace.id': sql`s.trace_id`,
  'span.id': sql`s.span_id`,
};

const operators: Readonly<Record<Comparison, Sql>> = {
  '=': sql`=`,
  '!=': sql`IS DISTINCT FROM`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
};

/** The SQL expression for a field of the row `s` as text; NULL if it is missing. */
export function fieldText(field: Field, scope: Scope, binder: Binder): Sql {
  if (field.type === 'attribute') return attributeColumn(field.key, scope, binder);
  if (field.type === 'intrinsic') return intrinsicColumn(field.name, scope, binder);
  const column = columns[field.name];
  return field.name === 'error' ? sql`${column}::VARCHAR` : column;
}

/** Whether the column behind the field can be NULL, so that a test of it must say what it makes of that. */
function canBeMissing(field: Field): boolean {
  return field.type !== 'field';
}

/** A literal as the value that a built-in field's column is compared with. */
function builtInValue(name: BuiltInField, literal: Literal): string | bigint | boolean {
  if (literal.type === 'boolean') return literal.value;
  if (literal.type === 'duration') return BigInt(durationNanoseconds(literal.text) ?? 0);
  const text = literal.type === 'string' ? literal.value : literal.text;
  if (name === 'start') return instantNanoseconds(text) ?? 0n;
  return name === 'trace.id' || name === 'span.id' ? text.toLowerCase() : text;
}

/** Integers that a double cannot hold are compared as the text that they are. */
function isExactText(literal: Literal): boolean {
  return literal.type === 'number' && /^-?\d+$/.test(literal.text) && !Number.isSafeInteger(Number(literal.text));
}

function literalText(literal: Literal): string {
  if (literal.type === 'string') return literal.value;
  return literal.type === 'boolean' ? String(literal.value) : literal.text;
}

/**
 * The condition that a text is a number and `condition` holds for it. The cast alone would take " 7 ", "1_0", "nan" and
 * "infinity" for numbers. The form of the text is checked only if the condition holds, because the check takes longer
 * than the cast.
 */
function ofNumber(text: Sql, condition: (number: Sql) => Sql): Sql {
  const isNumber = sql`regexp_full_match(${text}, '-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?')`;
  return sql`CASE WHEN ${condition(sql`TRY_CAST(${text} AS DOUBLE)`)} THEN ${isNumber} ELSE false END`;
}

/** `x <operator> value`, as numbers if the value is one, else as text. */
function comparison(field: Field, operator: Comparison, literal: Literal, scope: Scope, binder: Binder): Sql {
  const operation = operators[operator];
  if (field.type === 'field') {
    return sql`${columns[field.name]} ${operation} ${binder.bind(builtInValue(field.name, literal))}`;
  }
  const text = fieldText(field, scope, binder);
  const equality = operator === '=' || operator === '!=';
  if (literal.type === 'number' && !(equality && isExactText(literal))) {
    const value = sql`${binder.bind(Number(literal.text))}::DOUBLE`;
    if (operator === '!=') return sql`NOT ${ofNumber(text, (number) => sql`${number} = ${value}`)}`;
    return ofNumber(text, (number) => sql`${number} ${operation} ${value}`);
  }
  return sql`${text} ${operation} ${binder.bind(literalText(literal))}`;
}

function membership(field: Field, values: readonly Literal[], scope: Scope, binder: Binder): Sql {
  const list = (literals: readonly Literal[], bind: (literal: Literal) => Sql): Sql =>
    joinSql(literals.map(bind), sql`, `);
  if (field.type === 'field') {
    return sql`${columns[field.name]} IN (${list(values, (literal) => binder.bind(builtInValue(field.name, literal)))})`;
  }
  const text = fieldText(field, scope, binder);
  const numbers = values.filter((literal) => literal.type === 'number' && !isExactText(literal));
  const texts = values.filter((literal) => !numbers.includes(literal));
  const parts: Sql[] = [];
  if (texts.length > 0) parts.push(sql`${text} IN (${list(texts, (literal) => binder.bind(literalText(literal)))})`);
  if (numbers.length > 0) {
    const asNumbers = list(numbers, (literal) => sql`${binder.bind(Number(literalText(literal)))}::DOUBLE`);
    parts.push(ofNumber(text, (number) => sql`${number} IN (${asNumbers})`));
  }
  return sql`(${joinSql(parts, sql` OR `)})`;
}

/** The positive form of a test, and whether the test is its negation. NULL stands for "missing". */
function positive(test: Test, scope: Scope, binder: Binder): { condition: Sql; negated: boolean } {
  switch (test.type) {
    case 'compare':
      return { condition: comparison(test.field, test.operator, test.value, scope, binder), negated: false };
    case 'exists': {
      const present = canBeMissing(test.field) ? sql`${fieldText(test.field, scope, binder)} IS NOT NULL` : sql`true`;
      return { condition: present, negated: test.negated };
    }
    case 'in':
      return { condition: membership(test.field, test.values, scope, binder), negated: test.negated };
    default: {
      const text = fieldText(test.field, scope, binder);
      const value = binder.bind(test.value);
      if (test.operator === 'md5') return { condition: sql`md5(${text}) = ${value}`, negated: false };
      const negated = test.operator.startsWith('!');
      const condition = test.operator.endsWith('contains')
        ? sql`contains(${text}, ${value})`
        : sql`regexp_matches(${text}, ${value})`;
      return { condition, negated };
    }
  }
}

/**
 * A filter as a condition on the row `s` of the view `spans` or `roots`. Every value and key is bound.
 *
 * A test of a missing attribute is false, and the negative operators are the exact opposites of the positive ones, so
 * they are true of it. NULL is made false only below a negation, because the negation of NULL is NULL again; elsewhere
 * WHERE does that.
 */
export function filterSql(expression: Expression | undefined, scope: Scope, binder: Binder, negated = false): Sql {
  if (expression === undefined) return sql`true`;
  switch (expression.type) {
    case 'and':
    case 'or': {
      const terms = expression.terms.map((term) => filterSql(term, scope, binder, negated));
      return sql`(${joinSql(terms, expression.type === 'and' ? sql` AND ` : sql` OR `)})`;
    }
    case 'not':
      return sql`NOT ${filterSql(expression.term, scope, binder, true)}`;
    default: {
      const test = positive(expression, scope, binder);
      const certain = negated || test.negated ? sql`coalesce(${test.condition}, false)` : sql`(${test.condition})`;
      return test.negated ? sql`(NOT ${certain})` : certain;
    }
  }
}

/** The patterns of a filter with their positions. Only the database knows whether it can read them. */
export function patternsOf(expression: Expression | undefined): { pattern: string; position: number }[] {
  if (expression === undefined) return [];
  if (expression.type === 'and' || expression.type === 'or') return expression.terms.flatMap(patternsOf);
  if (expression.type === 'not') return patternsOf(expression.term);
  const isPattern = expression.type === 'text' && expression.operator.endsWith('matches');
  return isPattern ? [{ pattern: expression.value, position: expression.position }] : [];
}
