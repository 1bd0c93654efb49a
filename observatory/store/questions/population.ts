import type { Scope } from '../../contract/contract.ts';
import type { Expression } from '../../filter/ast.ts';
import { filterSql } from '../filter-sql.ts';
import type { Runner } from '../session.ts';
import { createBinder, joinSql, sql, type Binder, type Sql } from '../sql.ts';

/** Whom to ask, and until when: an aborted signal interrupts the statement. */
export interface Asking {
  reader: Runner;
  signal?: AbortSignal;
}

/** The spans that a question is about. */
export interface Population {
  /** Unix milliseconds, inclusive. */
  fromMs: number;
  /** Unix milliseconds, exclusive. */
  toMs: number;
  scope: Scope;
  filter: Expression | undefined;
}

/** Bounds on start (Unix milliseconds) and duration (milliseconds), each low end inclusive, each high end exclusive. */
export interface Box {
  fromMs?: number | undefined;
  toMs?: number | undefined;
  minMs?: number | undefined;
  maxMs?: number | undefined;
}

/** Milliseconds, fractional, as whole nanoseconds. */
export function nanoseconds(milliseconds: number): bigint {
  // Converted in two parts, because a double cannot hold the nanoseconds of today's instants.
  const whole = Math.trunc(milliseconds);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((milliseconds - whole) * 1e6));
}

/** The view that holds a scope's spans; its rows go by the name `s`. */
export function viewOf(scope: Scope): Sql {
  return scope === 'roots' ? sql`roots` : sql`spans`;
}

/** The tables behind the view of a scope. */
const tablesOf: Readonly<Record<Scope, readonly Sql[]>> = {
  roots: [sql`store.settled_roots`, sql`store.fresh_roots`],
  spans: [sql`store.spans`],
};

/**
 * `SELECT <list> FROM … s WHERE <where>` of the rows `s` of a scope. A statement that needs them several times is planned
 * sooner than with the view, whose columns, nearly a hundred, are looked up in each table each time.
 */
export function rowsSql(scope: Scope, list: Sql, where: Sql): Sql {
  const tables = tablesOf[scope].map((table) => sql`SELECT ${list} FROM ${table} s WHERE ${where}`);
  return joinSql(tables, sql` UNION ALL `);
}

/** The condition that a row `s` is of the population. */
function whereSql(population: Population, binder: Binder): Sql {
  const from = binder.bind(nanoseconds(population.fromMs));
  const to = binder.bind(nanoseconds(population.toMs));
  const matches = filterSql(population.filter, population.scope, binder);
  return sql`s.start_ns >= ${from} AND s.start_ns < ${to} AND ${matches}`;
}

/** The condition that a row `s` is in the box. */
export function boxSql(box: Box, binder: Binder): Sql {
  let condition = sql`true`;
  if (box.fromMs !== undefined) condition = sql`${condition} AND s.start_ns >= ${binder.bind(nanoseconds(box.fromMs))}`;
  if (box.toMs !== undefined) condition = sql`${condition} AND s.start_ns < ${binder.bind(nanoseconds(box.toMs))}`;
  if (box.minMs !== undefined)
    condition = sql`${condition} AND s.duration_ns >= ${binder.bind(nanoseconds(box.minMs))}`;
  if (box.maxMs !== undefined) condition = sql`${condition} AND s.duration_ns < ${binder.bind(nanoseconds(box.maxMs))}`;
  return sql`(${condition})`;
}

/** Binder, view and condition of a population, for the `{{view}}` and `{{where}}` of a query's file. */
export function populationSql(population: Population): { binder: Binder; view: Sql; where: Sql } {
  const binder = createBinder();
  return { binder, view: viewOf(population.scope), where: whereSql(population, binder) };
}

/** Whether statements about a population are worth being kept prepared: without a filter their text is always the same. */
export function isKept(population: Population): boolean {
  return population.filter === undefined;
}

/**
 * Runs a query with the parameters of its binder, and the signal of who asks.
 *
 * @param kept whether the statement is kept prepared; its fragments must be the same each time.
 */
export function askRows<T>(
  asking: Asking,
  name: string,
  binder: Binder,
  fragments: Readonly<Record<string, Sql>>,
  kept = false,
): Promise<T[]> {
  const { reader, signal } = asking;
  return reader.rows<T>(name, { parameters: binder.parameters, fragments, kept, ...(signal ? { signal } : {}) });
}
