/** The parts of compare-values.sql that depend on which attributes there are and how each is counted. */
import type { Expression, Field } from '../filter/ast.ts';
import { binSql } from './compare-bins.ts';
import { columnName, isOwnColumn, type Column } from './compare-columns.ts';
import { resourceColumn } from './attributes.ts';
import { handlingKey, type Handling, type Handlings } from './compare-sample.ts';
import { joinSql, sql, type Binder, type Sql } from './sql.ts';

/** Whether a filter reads the MAP of attributes, which is dear. */
export function readsAttributes(expression: Expression | undefined): boolean {
  if (expression === undefined) return false;
  if (expression.type === 'and' || expression.type === 'or') return expression.terms.some(readsAttributes);
  return expression.type === 'not' ? readsAttributes(expression.term) : readsMap(expression.field);
}

function readsMap(field: Field): boolean {
  return field.type === 'attribute' && !isOwnColumn(field.key);
}

function attributeKeys<K extends Handling['kind']>(handlings: Handlings, kind: K): [string, Handling & { kind: K }][] {
  const found: [string, Handling & { kind: K }][] = [];
  for (const [name, handling] of handlings) {
    if (name.startsWith('attribute ') && isOfKind(handling, kind))
      found.push([name.slice('attribute '.length), handling]);
  }
  return found;
}

function isOfKind<K extends Handling['kind']>(handling: Handling, kind: K): handling is Handling & { kind: K } {
  return handling.kind === kind;
}

/** How the column `kind` of the join below tells a key's handling: small numbers compare quickest. */
const SKIP = '0';
const BINS = '1';
const BUCKETS = '2';

/**
 * The keys and values of the MAP: without those that are handled elsewhere or ids, and with numbers told by their bins
 * and texts of very many values by a bucket of their hash.
 */
export function ownSql(handled: readonly string[], handlings: Handlings, binder: Binder): Sql {
  const bins = attributeKeys(handlings, 'bins');
  const buckets = attributeKeys(handlings, 'buckets');
  const skipped = [...handled, ...attributeKeys(handlings, 'id').map(([key]) => key)];
  const kinds = new Map([
    ...bins.map(([key]) => [key, BINS] as const),
    ...buckets.map(([key]) => [key, BUCKETS] as const),
    ...skipped.map((key) => [key, SKIP] as const),
  ]);
  const cases = bins.map(([key, { edges }]) => sql`WHEN ${binder.bind(key)} THEN ${binText(sql`number`, edges)}`);
  const bin = bins.length === 0 ? sql`NULL` : sql`CASE key ${joinSql(cases, sql` `)} END`;
  return sql`
    SELECT
      selected,
      key,
      CASE WHEN kind IS NULL THEN value WHEN kind = 1 THEN ${bin} ELSE ${bucketText(sql`value`)} END AS value,
      coalesce(kind, 0)::UTINYINT AS kind
    FROM (
      SELECT selected, pairs.key, value, kind, CASE WHEN kind = 1 THEN TRY_CAST(value AS DOUBLE) END AS number
      FROM pairs
      LEFT JOIN (
        SELECT
          unnest(${binder.bind([...kinds.keys()])}) AS key,
          unnest(${binder.bind([...kinds.values()])})::UTINYINT AS kind
      ) kinds ON kinds.key = pairs.key
      WHERE kind IS DISTINCT FROM 0
    )`;
}

/** The bucket of a text: one of 4,096, so that a frequent value makes its bucket stand out. */
export function bucketText(text: Sql): Sql {
  return sql`(hash(${text}) & 4095)::VARCHAR`;
}

/** The place of a number's bin as text; NULL where it is none or not finite. */
function binText(number: Sql, edges: readonly number[]): Sql {
  return sql`CASE WHEN isfinite(${number}) THEN ${binSql(number, edges)} END`;
}

/** The branch of compare-values.sql that counts one column; nothing where it holds ids. */
export function branchSql({ key, inherits }: Column, index: number, handlings: Handlings, binder: Binder): Sql {
  const column = columnName(index);
  const handling = handlings.get(handlingKey(true, key));
  // What a resource tells is looked up once for each group of spans, not once for each span.
  const told = inherits ? sql`coalesce(${column}, ${resourceColumn(key, sql`s.resource_id`, binder)})` : column;
  let value = told;
  let kind = sql`0`;
  if (handling?.kind === 'id') return sql``;
  if (handling?.kind === 'bins') {
    value = binText(sql`TRY_CAST(${told} AS DOUBLE)`, handling.edges);
    kind = sql`1`;
  }
  if (handling?.kind === 'buckets') {
    value = bucketText(told);
    kind = sql`2`;
  }
  if (!inherits) {
    return sql`UNION ALL
    SELECT true, ${binder.bind(key)}, ${value} AS value, ${kind}, count_if(selected), count_if(NOT selected)
    FROM s WHERE ${column} IS NOT NULL GROUP BY value`;
  }
  return sql`UNION ALL
    SELECT true, ${binder.bind(key)}, ${value} AS value, ${kind}, sum(selected), sum(baseline)
    FROM (
      SELECT ${column}, resource_id, count_if(selected) AS selected, count_if(NOT selected) AS baseline
      FROM s GROUP BY ${column}, resource_id
    ) s
    WHERE ${told} IS NOT NULL GROUP BY value`;
}
