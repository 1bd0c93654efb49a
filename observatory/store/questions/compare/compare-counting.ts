/** The parts of compare-values.sql that depend on which attributes there are and how each is counted. */
import type { Scope } from '../../../contract/contract.ts';
import type { Expression, Field } from '../../../filter/ast.ts';
import { binSql, countBinsSql } from './compare-bins.ts';
import { columnList, columnName, isHot, usualValue, type Column, type RootColumn } from './compare-columns.ts';
import { resourceColumn } from '../../attributes.ts';
import { handlingKey, type Handling, type Handlings } from './compare-sample.ts';
import { rowsSql } from '../population.ts';
import { joinSql, sql, type Binder, type Sql } from '../../sql.ts';

/** Whether a filter reads the MAP of attributes, which takes long. */
export function readsAttributes(expression: Expression | undefined, scope: Scope): boolean {
  if (expression === undefined) return false;
  if (expression.type === 'and' || expression.type === 'or') {
    return expression.terms.some((term) => readsAttributes(term, scope));
  }
  return expression.type === 'not' ? readsAttributes(expression.term, scope) : readsMap(expression.field, scope);
}

function readsMap(field: Field, scope: Scope): boolean {
  return field.type === 'attribute' && !isHot(field.key, scope);
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

/**
 * The codes of a key's handling in the column `kind` of the join below: small numbers, because they compare quickest.
 */
const skip = '0';
const binsBranch = '1';
const bucketsBranch = '2';

/**
 * The keys and values of the MAP: without ids and the keys that are handled elsewhere. Numbers are replaced by their
 * bins, and texts of very many values by a bucket of their hash.
 */
export function ownSql(handled: readonly string[], handlings: Handlings, binder: Binder): Sql {
  const bins = attributeKeys(handlings, 'bins');
  const buckets = attributeKeys(handlings, 'buckets');
  const skipped = [...handled, ...attributeKeys(handlings, 'id').map(([key]) => key)];
  const kinds = new Map([
    ...bins.map(([key]) => [key, binsBranch] as const),
    ...buckets.map(([key]) => [key, bucketsBranch] as const),
    ...skipped.map((key) => [key, skip] as const),
  ]);
  const cases = bins.map(([key, { edges }]) => sql`WHEN ${binder.bind(key)} THEN ${placeSql(sql`number`, edges)}`);
  const bin = bins.length === 0 ? sql`NULL` : sql`CASE key ${joinSql(cases, sql` `)} END`;
  return sql`
    SELECT
      selected,
      key,
      CASE
        WHEN kind IS NULL THEN value
        WHEN kind = 1 THEN ${bin}
        ELSE ${bucketSql(sql`value`)}::VARCHAR
      END AS value,
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
export function bucketSql(text: Sql): Sql {
  return sql`(hash(${text}) & 4095)`;
}

/** The place of a number's bin as text; NULL if it is not a number, or not finite. */
function placeSql(number: Sql, edges: readonly number[]): Sql {
  return sql`CASE WHEN isfinite(${number}) THEN ${binSql(number, edges)} END`;
}

/** A column as it is counted: its value, or the place of its bin, or its bucket; and which of these (`kind`). */
interface CountedColumn {
  key: string;
  value: Sql;
  kind: Sql;
}

function countedColumn(key: string, told: Sql, handling: Handling | undefined): CountedColumn | null {
  switch (handling?.kind) {
    case 'id':
      return null;
    case 'bins':
      return { key, kind: sql`1`, value: placeSql(sql`TRY_CAST(${told} AS DOUBLE)`, handling.edges) };
    case 'buckets':
      // NULL has a hash, too, but is no value.
      return {
        key,
        kind: sql`2`,
        value: sql`CASE WHEN ${told} IS NOT NULL THEN ${bucketSql(sql`${told}::VARCHAR`)} END`,
      };
    default:
      return { key, kind: sql`0`, value: told };
  }
}

/**
 * This many columns are counted in one pass. With few spans, a branch for each column takes longer to plan than to run.
 * All columns in one pass would need memory for as many tables of groups at once.
 */
const columnsAPass = 8;

/** The branches of compare-values.sql that count the columns; those that hold ids are left out. */
export function branchesSql(columns: readonly Column[], handlings: Handlings, binder: Binder): Sql {
  const own: CountedColumn[] = [];
  const usual: UsualColumn[] = [];
  const numbers: { key: string; value: Sql; edges: readonly number[] }[] = [];
  const branches: Sql[] = [];
  for (const [index, each] of columns.entries()) {
    const { key, inherits } = each;
    const column = columnName(index);
    const handling = handlings.get(handlingKey(true, key));
    // The resource's value is looked up once for each group of spans, not once for each span.
    const told = inherits ? sql`coalesce(${column}, ${resourceColumn(key, sql`s.resource_id`, binder)})` : column;
    const counted = countedColumn(key, told, handling);
    if (counted === null) continue;
    if (inherits) branches.push(inheritingBranch(counted, column, binder));
    else if (handling?.kind === 'usual') usual.push({ ...counted, column: each, usual: handling.value });
    else if (handling?.kind === 'bins' && handling.edges.length > 0) {
      numbers.push({ key, value: column, edges: handling.edges });
    } else own.push(counted);
  }
  if (usual.length > 0) branches.push(usualBranch(usual, binder));
  if (numbers.length > 0) {
    const bins = countBinsSql(numbers, sql`s`, binder);
    branches.push(sql`SELECT true, key, place::VARCHAR, 1, selected, baseline FROM (${bins})`);
  }
  for (let start = 0; start < own.length; start += columnsAPass) {
    branches.push(passSql(own.slice(start, start + columnsAPass), ofSpans, binder));
  }
  return joinSql(
    branches.map((branch) => sql`UNION ALL ${branch}`),
    sql` `,
  );
}

/** A column that has its usual value, or none (null), in nearly all spans. */
interface UsualColumn extends CountedColumn {
  column: Column;
  usual: string | null;
}

/** The condition that a span does not have the usual value of a column. */
function differsSql(value: Sql, column: Column, usual: string | null, binder: Binder): Sql {
  const bound = usual === null ? undefined : usualValue(column, usual);
  if (bound === undefined) return sql`${value} IS NOT NULL`;
  if (typeof bound !== 'string') return sql`${value} IS DISTINCT FROM ${binder.bind(bound)}`;
  // DuckDB asks a function once for each text of a column's dictionary, but compares the text of each span.
  return sql`(list_contains([${binder.bind(bound)}], ${value}) = false OR ${value} IS NULL)`;
}

/** Only the spans that differ are counted; all others have the usual value. */
function usualBranch(columns: readonly UsualColumn[], binder: Binder): Sql {
  const differs = columns.map(({ value, column, usual }) => differsSql(value, column, usual, binder));
  const texts = columns.map(({ value }) => sql`${value}::VARCHAR`);
  const named = columns.flatMap(({ key, usual }) => (usual === null ? [] : [{ key, usual }]));
  const usualKeys = binder.bind(named.map(({ key }) => key));
  const usualTexts = binder.bind(named.map(({ usual }) => usual));
  return sql`(
    WITH unusual AS MATERIALIZED (
      SELECT key, value, count_if(selected) AS selected, count(*) - count_if(selected) AS baseline
      FROM (
        SELECT
          selected, unnest(${binder.bind(columns.map(({ key }) => key))}) AS key,
          unnest([${joinSql(texts, sql`, `)}]) AS value, unnest([${joinSql(differs, sql`, `)}]) AS differs
        FROM s WHERE ${joinSql(differs, sql` OR `)}
      )
      WHERE differs GROUP BY key, value
    )
    SELECT true, key, value, 0, selected, baseline FROM unusual WHERE value IS NOT NULL
    UNION ALL
    SELECT
      true, usual.key, usual.value, 0,
      whole.selected - coalesce(others.selected, 0), whole.baseline - coalesce(others.baseline, 0)
    FROM (SELECT unnest(${usualKeys}) AS key, unnest(${usualTexts}) AS value) usual
    CROSS JOIN (SELECT sum(selected) AS selected, sum(baseline) AS baseline FROM sharing) whole
    LEFT JOIN (SELECT key, sum(selected) AS selected, sum(baseline) AS baseline FROM unusual GROUP BY key) others
      ON others.key = usual.key
    WHERE whole.selected + whole.baseline > coalesce(others.selected + others.baseline, 0)
  )`;
}

/**
 * A row for each trace and entry span: how many spans of the trace are `selected`, how many are `baseline`, and values of
 * the entry span (`c0`, `c1` …). If a trace has several entry spans, it has one row, and each value is that of the first
 * one that has it.
 *
 * @param spans rows with `trace_id` and `selected`.
 * @param values of a row `s` of `roots`.
 */
export function tracesSql(spans: Sql, values: readonly Sql[]): Sql {
  const names = joinSql(
    values.map((_, index) => columnName(index)),
    sql`, `,
  );
  const list = sql`${columnList(values)} s.trace_id, s.start_ns`;
  const first = values.map((_, index) => sql`arg_min(${columnName(index)}, start_ns) AS ${columnName(index)}`);
  // As numbers of 16 bytes the ids need a third of the memory that texts need: enough for the join to stay in memory.
  // `arg_min` needs much for each trace, and most have one entry span. Different traces may have the same trace_key:
  // then they take the longer way.
  return sql`
    WITH several AS MATERIALIZED (
      SELECT trace_key
      FROM (${rowsSql('roots', sql`s.trace_key`, sql`true`)})
      GROUP BY trace_key
      HAVING count(*) > 1
    )
    SELECT selected, baseline, ${names}
    FROM (
      SELECT trace_id::UUID AS id, selected::INTEGER AS selected, baseline::INTEGER AS baseline
      FROM (
        SELECT trace_id, count_if(selected) AS selected, count(*) - count_if(selected) AS baseline
        FROM (${spans})
        GROUP BY trace_id
      )
    ) traces
    JOIN (
      SELECT trace_id::UUID AS id, ${names}
      FROM (${rowsSql('roots', list, sql`s.trace_key NOT IN (FROM several)`)})
      UNION ALL
      SELECT trace_id::UUID, ${joinSql(first, sql`, `)}
      FROM (${rowsSql('roots', list, sql`s.trace_key IN (FROM several)`)})
      GROUP BY trace_id
    ) entries ON entries.id = traces.id`;
}

/** The parts of compare-roots.sql: rows of traces with the values of their entry spans, and the counts of each value. */
export function rootsSql(
  spans: Sql,
  columns: readonly RootColumn[],
  handlings: Handlings,
  binder: Binder,
): { traces: Sql; counted: Sql } {
  const counted = columns.flatMap(({ key, value }) => {
    // A bucket instead of a text makes the table of traces smaller, too.
    return countedColumn(key, value, handlings.get(handlingKey(true, key))) ?? [];
  });
  const told = counted.map((column, index) => ({ ...column, value: columnName(index) }));
  return {
    traces: tracesSql(
      spans,
      counted.map(({ value }) => value),
    ),
    counted: passSql(told, ofTraces, binder),
  };
}

function inheritingBranch({ key, value, kind }: CountedColumn, column: Sql, binder: Binder): Sql {
  return sql`SELECT true, ${binder.bind(key)}, (${value})::VARCHAR AS value, ${kind}, sum(selected), sum(baseline)
    FROM (
      SELECT ${column}, resource_id, count_if(selected) AS selected, count(*) - count_if(selected) AS baseline
      FROM s GROUP BY ${column}, resource_id
    ) s
    WHERE value IS NOT NULL GROUP BY value`;
}

/** How spans are counted in a group of rows. */
interface Counts {
  /** The columns that this needs. */
  needs: Sql;
  selected: Sql;
  baseline: Sql;
}
const ofSpans: Counts = {
  needs: sql`selected`,
  selected: sql`count_if(selected)`,
  baseline: sql`count(*) - count_if(selected)`,
};
const ofTraces: Counts = { needs: sql`selected, baseline`, selected: sql`sum(selected)`, baseline: sql`sum(baseline)` };

/** Counts the rows of `s` by each of some columns. */
function passSql(columns: readonly CountedColumn[], counts: Counts, binder: Binder): Sql {
  const list = (each: (column: CountedColumn, name: Sql) => Sql, between = sql`, `): Sql =>
    joinSql(
      columns.map((column, index) => each(column, columnName(index))),
      between,
    );
  // Each row is grouped by one column, and the others are NULL: grouping() says which.
  return sql`SELECT true AS given, key, value, kind, selected, baseline
    FROM (
      SELECT
        CASE ${list(({ key }, name) => sql`WHEN grouping(${name}) = 0 THEN ${binder.bind(key)}`, sql` `)} END AS key,
        CASE ${list(({ kind }, name) => sql`WHEN grouping(${name}) = 0 THEN ${kind}`, sql` `)} END AS kind,
        -- Groups are fewer than spans: only they are made text.
        coalesce(${list((_, name) => sql`${name}::VARCHAR`)}, NULL) AS value,
        ${counts.selected} AS selected,
        ${counts.baseline} AS baseline
      FROM (SELECT ${counts.needs}, ${list(({ value }, name) => sql`${value} AS ${name}`)} FROM s)
      GROUP BY GROUPING SETS (${list((_, name) => sql`(${name})`)})
    )
    WHERE value IS NOT NULL`;
}
