import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBResultReader,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  type DuckDBValueConverter,
  type JS,
  JSDuckDBValueConverter,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api';

import { createSlices } from '../async/pause.ts';
import { createKeptStatements, type KeptStatements } from './kept-statements.ts';
import type { Bindable, Sql } from './sql.ts';
import { fill } from './statement-files.ts';

/** Values of a statement's placeholders, and SQL for the `{{name}}` gaps of its file. */
export interface StatementInput {
  parameters?: Readonly<Record<string, Bindable>>;
  fragments?: Readonly<Record<string, Sql>>;
  /** Whether it stays prepared: for statements that are quick, asked often, and the same text each time. */
  kept?: boolean;
  /** Interrupts the statement, or keeps it from starting while it waits; the promise then rejects with its reason. */
  signal?: AbortSignal;
}

/**
 * A row as plain values: BIGINT and HUGEINT are bigint, a MAP is an object, NULL is null. Cast in SQL what should be a
 * number (`count(*)::INTEGER`, `x::DOUBLE`).
 */
export type Row = Record<string, unknown>;

/** Runs the statement of the file `<name>.sql` in any folder below `store`; statements of one runner wait for one another. */
export interface Runner {
  rows<T = Row>(name: string, input?: StatementInput): Promise<T[]>;
}

/** Several statements that nothing of the same connection may come between. */
export interface Session extends Runner {
  /** Runs SQL that is written in this workspace's source, for statements that are too short for a file of their own. */
  run<T = Row>(text: Sql, parameters?: Readonly<Record<string, Bindable>>): Promise<T[]>;
}

export interface ConnectionSession extends Session {
  /** Lets go of the statements that are kept prepared: they hold the file. */
  forget(): void;
}

/** Runs statements on a connection: binds parameters, reads rows, stops when the signal aborts. */
export function createSession(connection: DuckDBConnection): ConnectionSession {
  const kept = createKeptStatements(connection);
  return {
    forget: () => kept.forget(),
    rows: (name, input = {}) =>
      ask(connection, fill(name, input.fragments ?? {}), input, input.kept ? kept : undefined),
    run: (text, parameters = {}) => ask(connection, text, { parameters }),
  };
}

/** Whether DuckDB's INTEGER holds it. */
function isSmallInteger(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31;
}

function bindings(
  parameters: Readonly<Record<string, Bindable>>,
): [Record<string, DuckDBValue>, Record<string, DuckDBType>] {
  const values: Record<string, DuckDBValue> = {};
  const types: Record<string, DuckDBType> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'bigint') {
      // Not HUGEINT, the client's own choice: a comparison of BIGINT with HUGEINT reads every block.
      values[name] = value;
      types[name] = BIGINT;
    } else if (typeof value === 'number' && !isSmallInteger(value)) {
      // Not BIGINT, the client's own choice for whole numbers, which fails from 2^63 on.
      values[name] = value;
      types[name] = DOUBLE;
    } else if (Array.isArray(value)) {
      values[name] = listValue(value as string[]);
      types[name] = LIST(VARCHAR);
    } else values[name] = value as DuckDBValue;
  }
  return [values, types];
}

const plain: DuckDBValueConverter<JS> = (value, type, converter) => {
  if (value !== null && type.typeId === DuckDBTypeId.MAP) {
    const entries = (value as unknown as { entries: { key: DuckDBValue; value: DuckDBValue }[] }).entries;
    return Object.fromEntries(entries.map((entry) => [String(entry.key), entry.value as JS]));
  }
  return JSDuckDBValueConverter(value, type, converter);
};

/** Answers with at most this many values are read out at once, in some 20 milliseconds. */
const fewValues = 20_000;
/** How long rows are read out of an answer before others have the event loop, milliseconds. */
const sliceMs = 20;
/** Between two looks at the clock. */
const rowsBetweenLooks = 32;

/** The rows of an answer; thousands of wide ones, which take a tenth of a second and more, in slices. */
async function toRows(answer: DuckDBResultReader): Promise<Row[]> {
  if (answer.currentRowCount * answer.columnCount <= fewValues) return answer.convertRowObjects(plain);
  const names = answer.deduplicatedColumnNames();
  const types = answer.columnTypes();
  const rows: Row[] = [];
  const slices = createSlices(sliceMs, rowsBetweenLooks);
  for (let index = 0; index < answer.currentRowCount; index += 1) {
    if (slices.isOver()) await slices.next();
    const row: Row = {};
    for (const [column, name] of names.entries()) {
      row[name] = plain(answer.value(column, index), types[column] ?? VARCHAR, plain);
    }
    rows.push(row);
  }
  return rows;
}

/** Runs SQL on a connection. @throws the reason of the signal when that aborts. */
export async function ask<T>(connection: DuckDBConnection, text: string, input: StatementInput, kept?: KeptStatements) {
  const { parameters = {}, signal } = input;
  signal?.throwIfAborted();
  const [values, types] = bindings(parameters);
  const interrupt = () => connection.interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    const answer = await (kept?.run(text, values, types) ?? connection.runAndReadAll(text, values, types));
    return (await toRows(answer)) as T[];
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}
