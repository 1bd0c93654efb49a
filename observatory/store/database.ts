import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import {
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';

import { createGate } from '../async/gate.ts';
import { createQueue } from '../async/queue.ts';
import { OpenError, openFailure } from './failures.ts';
import { createQuestionsConnection } from './questions-connection.ts';
import { rowGroupSize } from './row-group.ts';
import { script, type Side, sideOf, stagingScript, stagingTables, tablesScript } from './scripts.ts';
import { ask, createSession, type Runner, type Session } from './session.ts';

export interface DatabaseOptions {
  /** The file; its directory is made. */
  path: string;
  /** What DuckDB may hold in memory, MiB; beyond it, it spills to a directory beside the file. */
  memoryLimitMb: number;
  threads: number;
  /** Is called with the duration of each statement of the reader and aside took, however it ended, waiting included, in seconds. */
  onQuery?: (name: string, seconds: number) => void;
}

/** Writes rows into a table in memory, in chunks, without a statement for each. */
export interface Loader {
  /**
   * At most `loaderRows` rows at a time: an array for each column, in the order of the table. A few milliseconds. If it
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
   * Stops the questions under way, which fail with a {@link YieldError}, and lets no other begin until the answer is
   * called. So the ingest gets the memory and the processor time that they use.
   */
  holdQuestions(): () => void;
  /**
   * Lets go of the file and opens it again. After a failed checkpoint DuckDB accepts no writes to the file until then.
   * Staged rows stay as they are; committed rows are in the write-ahead log.
   *
   * @throws {OpenError} if it cannot be opened now; it may be tried again.
   */
  reattach(): Promise<void>;
  /** A loader of a table of the in-memory catalogue, which `types` describes. */
  load(table: string, types: readonly DuckDBType[]): Promise<Loader>;
  /** Empties the staging tables of a side, and those that a flush fills as a whole, and gives their memory back. */
  emptyStaging(side: Side): Promise<void>;
  /** Empties the staging tables that a flush fills as a whole. */
  emptySummary(): Promise<void>;
  /**
   * Waits for what is queued, moves the write-ahead log into the file and closes it. If that fails (a full disk), the
   * log stays, and is read at the next start.
   *
   * @param options.leaveAsIs whether the file is not written to: one that may be damaged is kept as it is.
   */
  close(options?: { leaveAsIs?: boolean }): Promise<void>;
}

/** Grows by one with each change of schema.sql that older files do not have. */
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

/** Files that this process has open: DuckDB's lock keeps other processes out, but not a second one in the same. */
const openPaths = new Set<string>();

/**
 * How new blocks are written. DuckDB's own default is that of version 1.0, which unpacks compressed texts one by one if
 * some are NULL: grouping by such a column takes four times as long. Older files are read as they are.
 */
const storageVersion = 'v1.4.0';

/**
 * Bytes of a block of a new file, a quarter of DuckDB's own. Until a checkpoint each column of each table that was written to
 * holds a block in memory, however little is in it: 130 MiB of what DuckDB may have, with its own size. Questions take as long
 * as with that, and the file is a fifth smaller.
 */
const blockSize = 65_536;

async function attach(connection: DuckDBConnection, path: string): Promise<void> {
  const isNew = (await stat(path).catch(() => null)) === null;
  const options = [
    `ROW_GROUP_SIZE ${rowGroupSize}`,
    `STORAGE_VERSION '${storageVersion}'`,
    // A file keeps the size that it was made with, and DuckDB refuses any other.
    ...(isNew ? [`BLOCK_SIZE ${blockSize}`] : []),
  ];
  await connection.run(`ATTACH ${quoted(path)} AS store (${options.join(', ')})`);
}

/** Files that DuckDB may still open when all others are closed to it: the store's, and those that it keeps beside it. */
function ownFiles(path: string): string {
  return ['', '.wal', '.wal.checkpoint', '.wal.recovery'].map((suffix) => quoted(path + suffix)).join(', ');
}

/** How long a question that was stopped has to notice, before it is stopped again, milliseconds. */
const interruptEveryMs = 20;

/**
 * Opens the store's file, makes what is missing in it, and hands out ways to run statements; never a connection.
 *
 * @throws {OpenError} if the file is not a DuckDB database, or is open in this or another process.
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
    await writing.run(stagingScript());
    await writing.run(script('views.sql'));
    // From here on no statement reaches another file, whatever it says. Nor may DuckDB write to the file by itself when
    // it lets go of it: the file may be damaged, or its disk full.
    await writing.run('PRAGMA disable_checkpoint_on_shutdown');
    await writing.run(`SET allowed_paths = [${ownFiles(options.path)}]`);
    await writing.run('SET enable_external_access = false; SET lock_configuration = true');
    const gate = createGate();
    const questions = createQuestionsConnection(await instance.connect(), gate, options.onQuery);
    const looksAside = createQuestionsConnection(await instance.connect(), gate, options.onQuery);
    const loading = await instance.connect();
    const chunks = new Map<string, DuckDBDataChunk>();
    // Never two statements at once on one connection: DuckDB's client has crashed because of that.
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
    const tables = stagingTables();
    /** Staging tables that may hold rows. */
    const filled = new Set<string>();
    /** Empties the staging tables that are meant. */
    const makeAnew = (isMeant: (table: string) => boolean): Promise<void> =>
      exclusively(async () => {
        for (const table of [...filled].filter(isMeant)) {
          await writing.run(tables.get(table) ?? '');
          filled.delete(table);
        }
      });
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
        filled.add(table);
        const appender = await loading.createAppender(table);
        // One chunk is used for ever. Its memory of more than a megabyte is DuckDB's, so the garbage collector would
        // not hurry to free chunks that are no longer used.
        const chunk = chunks.get(table) ?? DuckDBDataChunk.create(types);
        chunks.set(table, chunk);
        return {
          append: (columns) => {
            chunk.reset();
            chunk.setColumns(columns);
            try {
              appender.appendDataChunk(chunk);
              // If this were left to the end, it would hold the event loop for a tenth of a second.
              appender.flushSync();
            } catch (error) {
              // Otherwise these rows would go to the table together with the next ones.
              appender.clear();
              throw error;
            }
          },
          close: () => appender.closeSync(),
        };
      },
      emptyStaging: (side) => makeAnew((table) => [side, null].includes(sideOf(table))),
      emptySummary: () => makeAnew((table) => sideOf(table) === null),
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
