import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
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
import { OpenError, openFailure } from './failures.ts';
import { createKeptStatements, type KeptStatements } from './kept-statements.ts';
import { createGate, type Gate } from '../async/gate.ts';
import { createSlices } from '../async/pause.ts';
import { createQueue } from '../async/queue.ts';
import { script, type Side, sides, stagingScript, summaryScript, tablesScript } from './scripts.ts';
import type { Bindable, Sql } from './sql.ts';

export interface DatabaseOptions {
  /** The file; its directory is made. */
  path: string;
  /** What DuckDB may hold in memory, MiB; beyond it, it spills to a directory beside the file. */
  memoryLimitMb: number;
  threads: number;
  /** Is told how long each statement of the reader and aside took, however it ended, waiting included, in seconds. */
  onQuery?: (name: string, seconds: number) => void;
}

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
  /** Runs SQL that is written in this workspace's source, where a file of its own would be too much. */
  run<T = Row>(text: Sql, parameters?: Readonly<Record<string, Bindable>>): Promise<T[]>;
}

/** Writes rows into a table in memory, in chunks, without a statement for each. */
export interface Loader {
  /**
   * At most `loaderRows` rows at a time: an array for each column, in the order of the table. A few milliseconds. Where it
   * throws, none of them is in the table.
   */
  append(columns: readonly DuckDBValue[][]): void;
  close(): void;
}
export const loaderRows = 512;

export interface Database {
  /** For questions. */
  reader: Runner;
  /** For short looks at the store that should not wait for a question. */
  aside: Runner;
  /** For what changes the store: markers, retention. Waits for a running flush, about a second at most. */
  writer: Runner;
  /** Runs `work` alone on the writer's connection, in one transaction that is undone if it throws. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Runs `work` alone on the writer's connection, outside of any transaction. */
  exclusively<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Stops the questions under way, which fail with a {@link YieldError}, and lets no other begin until the answer is called.
   * So what comes in gets the memory and the processor that they take.
   */
  holdQuestions(): () => void;
  /**
   * Lets go of the file and opens it again: after a checkpoint that failed DuckDB takes nothing for it before that. What is
   * staged stays as it is; what was committed is in the write-ahead log.
   *
   * @throws {OpenError} where it cannot be opened now; it may be tried again.
   */
  reattach(): Promise<void>;
  /** A loader of a table of the in-memory catalogue, which `types` describes. */
  load(table: string, types: readonly DuckDBType[]): Promise<Loader>;
  /** Empties the staging tables of a side, and those that a flush fills as a whole, and gives their memory back. */
  emptyStaging(side: Side): Promise<void>;
  /** Empties those that a flush fills as a whole. */
  emptySummary(): Promise<void>;
  /**
   * Waits for what is queued, moves the write-ahead log into the file and closes it. Where that fails (a full disk), the log
   * stays, and is read at the next start.
   *
   * @param options.leaveAsIs whether the file is not written to: one that may be damaged is kept as it is.
   */
  close(options?: { leaveAsIs?: boolean }): Promise<void>;
}

/** The files of SQL below this folder by name, without `.sql`. */
const statementFiles = findStatements(import.meta.dirname);
const statements = new Map<string, string>();

function findStatements(directory: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.sql')) continue;
    const name = basename(file, '.sql');
    const other = found.get(name);
    if (other !== undefined) throw new Error(`two statements are called ${name}: ${other} and ${file}`);
    found.set(name, file);
  }
  return found;
}

function statement(name: string): string {
  let text = statements.get(name);
  if (text === undefined) {
    const file = statementFiles.get(name);
    if (file === undefined) throw new Error(`no such statement: ${name}`);
    text = readFileSync(join(import.meta.dirname, file), 'utf8');
    statements.set(name, text);
  }
  return text;
}

function fill(name: string, fragments: Readonly<Record<string, Sql>>): string {
  return statement(name).replaceAll(/\{\{(\w+)\}\}/g, (_gap, fragment: string) => {
    const text = fragments[fragment];
    if (text === undefined) throw new Error(`${name}.sql: no SQL given for {{${fragment}}}`);
    return text;
  });
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

/** Grows by one with each change of schema.sql that a file of before does not have. */
const schemaVersion = 2;

/** Makes the tables that are missing; a file of another version is left as it is. */
async function makeTables(connection: DuckDBConnection, path: string): Promise<void> {
  const found = await ask(
    connection,
    "SELECT 1 FROM duckdb_tables() WHERE database_name = 'store' AND table_name = 'schema_version'",
    {},
  );
  const [row] =
    found.length === 0
      ? []
      : await ask<{ version: number }>(connection, 'SELECT version FROM store.schema_version', {});
  if (row && row.version !== schemaVersion) {
    throw new OpenError(`${path} was made by another version of the Observatory: move it away, or start that version.`);
  }
  await connection.run(tablesScript());
  if (!row) await connection.run(`INSERT INTO store.schema_version VALUES (${schemaVersion})`);
}

/** The path is the configuration's; DuckDB's ATTACH takes no parameters. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "''")}'`;
}

/** Answers of no more values are read out at once: some 20 milliseconds. */
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

async function ask<T>(connection: DuckDBConnection, text: string, input: StatementInput, kept?: KeptStatements) {
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

/** A question was stopped, because what comes in needs the database for itself. */
export class YieldError extends Error {
  override readonly name = 'YieldError';

  constructor() {
    super('The store is busy with what comes in.');
  }
}

interface ConnectionSession extends Session {
  /** Lets go of the statements that are kept prepared: they hold the file. */
  forget(): void;
}

function createSession(connection: DuckDBConnection): ConnectionSession {
  const kept = createKeptStatements(connection);
  return {
    forget: () => kept.forget(),
    rows: (name, input = {}) =>
      ask(connection, fill(name, input.fragments ?? {}), input, input.kept ? kept : undefined),
    run: (text, parameters = {}) => ask(connection, text, { parameters }),
  };
}

/** Files that this process has open: DuckDB's lock keeps other processes out, but not a second one in the same. */
const openPaths = new Set<string>();

/**
 * A quarter of DuckDB's own: a checkpoint writes the last group of each table anew, every few seconds, and retention frees
 * whole groups alone.
 */
export const rowGroupSize = 30_720;

/**
 * How new blocks are written. DuckDB's own default is that of version 1.0, whose compressed texts are unpacked one by one
 * where some are NULL: grouping by such a column takes four times as long. A file of before is read as it is.
 */
const storageVersion = 'v1.4.0';

async function attach(connection: DuckDBConnection, path: string): Promise<void> {
  const options = `ROW_GROUP_SIZE ${rowGroupSize}, STORAGE_VERSION '${storageVersion}'`;
  await connection.run(`ATTACH ${quoted(path)} AS store (${options})`);
}

/** Files that DuckDB may still open when all others are closed to it: the store's, and those that it keeps beside it. */
function ownFiles(path: string): string {
  return ['', '.wal', '.wal.checkpoint', '.wal.recovery'].map((suffix) => quoted(path + suffix)).join(', ');
}

/** How long a question that was stopped has to notice, before it is stopped again, milliseconds. */
const interruptEveryMs = 20;

/** The connection of questions of a kind, which wait for one another, and for whoever holds them off. */
function createQuestions(connection: DuckDBConnection, gate: Gate, onQuery: DatabaseOptions['onQuery']) {
  const queue = createQueue();
  const session = createSession(connection);
  let running = false;
  const runner: Runner = {
    rows: async (name, input) => {
      const start = performance.now();
      try {
        const rows = await queue(async () => {
          await gate.opened(input?.signal);
          running = true;
          const closings = gate.closings();
          try {
            return await session.rows(name, input);
          } catch (error) {
            input?.signal?.throwIfAborted();
            throw gate.closings() > closings ? new YieldError() : error;
          } finally {
            running = false;
          }
        });
        // The queue does not know what type of row its work tells.
        return rows as never;
      } finally {
        onQuery?.(name, (performance.now() - start) / 1000);
      }
    },
  };
  return {
    runner,
    interrupt: () => {
      if (running) connection.interrupt();
    },
    isRunning: () => running,
    forget: session.forget,
    close: () => queue(async () => connection.closeSync()),
  };
}

/**
 * Opens the store's file, makes what is missing in it, and hands out ways to run statements; never a connection.
 *
 * @throws {OpenError} where the file is not a DuckDB database, or is held by another process or in this one.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const path = resolve(options.path);
  if (openPaths.has(path)) throw new OpenError(`${path} is in use: another Observatory runs on it in this process.`);
  openPaths.add(path);
  try {
    return await open({ ...options, path });
  } catch (error) {
    openPaths.delete(path);
    throw openFailure(path, error);
  }
}

async function open(options: DatabaseOptions): Promise<Database> {
  await mkdir(dirname(options.path), { recursive: true });
  // The file is attached to a database in memory, which holds the staging tables and the views.
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryLimitMb}MiB`,
    threads: String(options.threads),
    temp_directory: `${options.path}.spill`,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'false',
    allocator_background_threads: 'true',
    allocator_flush_threshold: '16MB',
    // The ingest does checkpoints itself. One within a COMMIT that fails would take the transaction with it.
    checkpoint_threshold: '1TB',
  });
  try {
    const writing = await instance.connect();
    await attach(writing, options.path);
    await makeTables(writing, options.path);
    // Made once: a flush runs them again and again.
    const stagingScripts = { a: stagingScript('a'), b: stagingScript('b') };
    for (const side of sides) await writing.run(stagingScripts[side]);
    await writing.run(script('views.sql'));
    // From here on no statement reaches another file, whatever it says.
    // Not by itself either, when it lets go of the file: it may be damaged, or its disk full.
    await writing.run('PRAGMA disable_checkpoint_on_shutdown');
    await writing.run(`SET allowed_paths = [${ownFiles(options.path)}]`);
    await writing.run('SET enable_external_access = false; SET lock_configuration = true');
    const gate = createGate();
    const questions = createQuestions(await instance.connect(), gate, options.onQuery);
    const looksAside = createQuestions(await instance.connect(), gate, options.onQuery);
    const loading = await instance.connect();
    const chunks = new Map<string, DuckDBDataChunk>();
    // Never two statements at once on one connection: DuckDB's client has crashed of it.
    const writeQueue = createQueue();
    const writeSession = createSession(writing);
    const asking = [questions, looksAside];
    const holdQuestions = (): (() => void) => {
      const release = gate.close();
      for (const each of asking) each.interrupt();
      return release;
    };
    const reattach = async (): Promise<void> => {
      const release = holdQuestions();
      try {
        while (asking.some((each) => each.isRunning())) {
          await setTimeout(interruptEveryMs);
          for (const each of asking) each.interrupt();
        }
        for (const each of [...asking, writeSession]) each.forget();
        await writing.run('ROLLBACK').catch(() => undefined);
        await writing.run('DETACH DATABASE IF EXISTS store');
        await attach(writing, options.path);
      } catch (error) {
        throw openFailure(options.path, error);
      } finally {
        release();
      }
    };
    const exclusively = <T>(work: (session: Session) => Promise<T>): Promise<T> => writeQueue(() => work(writeSession));
    return {
      reader: questions.runner,
      aside: looksAside.runner,
      holdQuestions,
      reattach: () => writeQueue(reattach),
      writer: { rows: (name, input) => writeQueue(() => writeSession.rows(name, input)) },
      exclusively,
      transaction: (work) =>
        exclusively(async (session) => {
          await writing.run('BEGIN');
          try {
            const result = await work(session);
            await writing.run('COMMIT');
            return result;
          } catch (error) {
            await writing.run('ROLLBACK').catch(() => undefined);
            throw error;
          }
        }),
      load: async (table, types) => {
        const appender = await loading.createAppender(table);
        // One chunk for ever: its memory, more than a megabyte, is DuckDB's, so the garbage collector sees no hurry to
        // free one that is used no more.
        const chunk = chunks.get(table) ?? DuckDBDataChunk.create(types);
        chunks.set(table, chunk);
        return {
          append: (columns) => {
            chunk.reset();
            chunk.setColumns(columns);
            try {
              appender.appendDataChunk(chunk);
              // Left to the end, this would hold the event loop for a tenth of a second.
              appender.flushSync();
            } catch (error) {
              // Else the next ones would go to the table with these.
              appender.clear();
              throw error;
            }
          },
          close: () => appender.closeSync(),
        };
      },
      emptyStaging: (side) =>
        exclusively(async () => {
          await writing.run(stagingScripts[side]);
        }),
      emptySummary: () =>
        exclusively(async () => {
          await writing.run(summaryScript());
        }),
      close: async ({ leaveAsIs = false } = {}) => {
        loading.closeSync();
        for (const each of asking) await each.close();
        await writeQueue(async () => {
          if (!leaveAsIs) await writing.run('CHECKPOINT store').catch(() => undefined);
          writing.closeSync();
        });
        instance.closeSync();
        openPaths.delete(options.path);
      },
    };
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}
