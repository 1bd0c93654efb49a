import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { DatabaseError, Pool, type PoolClient, type QueryResultRow } from 'pg';

import { currentDeadline, throwIfNobodyWaits, whileSomebodyWaits } from './deadline.ts';
import { ServiceError } from './errors.ts';
import { createMovingMean, refuseLongWait } from './expected-wait.ts';
import type { Logger } from './logging.ts';

/** A prepared statement: its name becomes the name of its span, so names are few and never hold data. */
export interface Statement {
  name: string;
  text: string;
}

/**
 * One connection, for statements that belong together. If nobody waits for a statement any more, it is not begun. If it
 * runs already, it is given up: its connection is closed, and Postgres ends it as soon as it notices
 * (`client_connection_check_interval`, which our own Postgres has at a second), by `statement_timeout` at the latest.
 */
export interface Session {
  query<R extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<R[]>;
}

/** A pool of connections to Postgres, and the schema that a service owns in it. */
export interface Database extends Session {
  /** Runs `work` on one connection: one wait for the pool, however many statements. */
  withSession<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Brings the service's schema up to date; safe to run by several processes at once, and again. Migrations of a newer
   * release that are there already are left alone: after a rollback the older release runs on the newer schema, which is
   * why a migration may only add.
   */
  migrate(directory: string): Promise<void>;
  /** Resolves if Postgres answers. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** A key for Postgres' advisory lock, so that two processes never migrate at once. Any constant will do. */
const migrationLock = 4_722_366;

/**
 * @param schema the service's own schema; created by {@link Database.migrate}. A plain identifier.
 * @param poolSize how many connections at most; more requests wait, and the wait is a span (`pg-pool.connect`).
 * @param connectTimeoutMs how long one may wait for a connection.
 * @param maxWaitMs whoever would probably wait longer for a connection is refused at once, with `overloaded`.
 * @param statementTimeoutMs after how long Postgres ends a statement (its `statement_timeout`).
 * @param startTimeoutMs how long {@link Database.migrate} waits for a Postgres that does not answer yet; 0: not at all.
 */
export function createDatabase(options: {
  url: string;
  schema: string;
  poolSize: number;
  connectTimeoutMs: number;
  maxWaitMs: number;
  statementTimeoutMs: number;
  startTimeoutMs?: number;
  logger: Logger;
}): Database {
  const { schema, logger } = options;
  if (!/^[a-z_]+$/.test(schema)) throw new Error(`"${schema}" is not a plain schema name`);
  const { hostname, port, pathname, username, password, searchParams } = new URL(options.url);
  const pool = new Pool({
    host: hostname.replace(/^\[(.*)\]$/, '$1'), // an IPv6 address stands in brackets in a URL, and nowhere else
    port: port === '' ? 5432 : Number(port),
    database: decodeURIComponent(pathname.slice(1)),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    ssl: ['require', 'verify-full'].includes(searchParams.get('sslmode') ?? '') || undefined,
    max: options.poolSize,
    connectionTimeoutMillis: options.connectTimeoutMs,
    application_name: `hotrod-${schema}`,
    statement_timeout: options.statementTimeoutMs,
  });
  const heldMs = createMovingMean();
  // Without a listener, a Postgres that stops ends this process with an unhandled 'error' event.
  pool.on('error', (error) => logger.warn({ err: error }, 'An idle connection to Postgres was lost'));

  async function connect(): Promise<PoolClient> {
    const ahead = pool.waitingCount - pool.idleCount; // negative: how many are free
    if (ahead >= 0 && pool.totalCount >= options.poolSize) {
      const waitMs = ((ahead + 1) * heldMs.value()) / options.poolSize;
      const what = `one of ${options.poolSize} connections to Postgres (DATABASE_POOL_SIZE)`;
      refuseLongWait({ waitMs, maxWaitMs: options.maxWaitMs, what });
    }
    throwIfNobodyWaits();
    const connecting = pool.connect();
    try {
      return await whileSomebodyWaits(connecting);
    } catch (error) {
      connecting.then((client) => client.release()).catch(() => {}); // it comes when nobody wants it any more
      if (error instanceof ServiceError) throw error;
      throw new ServiceError('unavailable', 'Postgres gave no connection in time.', { cause: error });
    }
  }

  const withClient: WithClient = async (work, discardAfterwards = false) => {
    let discard = discardAfterwards;
    const client = await connect();
    const sinceMs = performance.now();
    // A connection that breaks while it is lent out says so here too; the statement under way rejects by itself.
    const onError = (error: Error) => logger.warn({ err: error }, 'A connection to Postgres was lost');
    client.on('error', onError);
    try {
      return await work(client);
    } catch (error) {
      // Postgres closes the connection after such an error: the next one must not get it in the meantime.
      if (error instanceof DatabaseError && error.severity === 'FATAL') discard = true;
      // A statement that was given up may still run in it.
      if (currentDeadline()?.signal.aborted) discard = true;
      throw explain(error);
    } finally {
      client.off('error', onError);
      client.release(discard);
      heldMs.add(performance.now() - sinceMs);
    }
  };

  const withSession: Database['withSession'] = (work) =>
    withClient((client) => work({ query: (statement, values) => run(client, statement, values) }));

  return {
    withSession,
    query: (statement, values) => withSession((session) => session.query(statement, values)),
    migrate: async (directory) => {
      await untilPostgresAnswers(connect, options.startTimeoutMs ?? 0, logger);
      await migrate(withClient, schema, directory, logger);
    },
    ready: async () => {
      await pool.query('SELECT 1');
    },
    close: () => pool.end(),
  };
}

/**
 * Explains a failure of Postgres, or of the connection to it, in words that name Postgres. Other errors stay as they
 * are. SQLSTATE codes: https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ServiceError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === '57014') {
    return new ServiceError('deadline_exceeded', 'Postgres ended a statement that took too long.', { cause: error });
  }
  // 57P01 to 57P03 and class 08: it stops, starts, or lost one of its processes. Without a code: the socket closed.
  const isLost =
    /^(57P0[123]|08...|ECONN[A-Z]+|EPIPE)$/.test(code) || error.message.startsWith('Connection terminated');
  return isLost
    ? new ServiceError('unavailable', 'Postgres ended the connection; try again in a moment.', { cause: error })
    : error;
}

/** Lends a connection to `work`. Afterwards the connection is kept for the next caller, or ended if `discard` is set. */
type WithClient = <T>(work: (client: PoolClient) => Promise<T>, discard?: boolean) => Promise<T>;

/** How often a Postgres that does not answer is asked again, in milliseconds. */
const answerPollMs = 500;

/** @throws what `connect` threw last, when Postgres does not answer in time, or refuses the user. */
async function untilPostgresAnswers(
  connect: () => Promise<PoolClient>,
  timeoutMs: number,
  logger: Logger,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  let said = '';
  for (;;) {
    try {
      (await connect()).release();
      return;
    } catch (error) {
      const reason = error instanceof Error ? error.cause : undefined;
      if (isRefusal(reason) || performance.now() >= endMs) throw error;
      const message = reason instanceof Error ? reason.message : String(reason);
      if (message !== said) logger.warn({ reason: message }, 'Waiting for Postgres');
      said = message;
      await sleep(answerPollMs);
    }
  }
}

/** Whether Postgres itself said no, for example to the password. A Postgres that is starting up does not count. */
function isRefusal(error: unknown): boolean {
  return error instanceof DatabaseError && error.code !== '57P03';
}

async function run<R extends QueryResultRow>(
  client: PoolClient,
  statement: Statement,
  values: readonly unknown[],
): Promise<R[]> {
  throwIfNobodyWaits();
  const { rows } = await whileSomebodyWaits(
    client.query<R>({ name: statement.name, text: statement.text, values: [...values] }),
  );
  return rows;
}

/**
 * Applies `001-….sql`, `002-….sql`, … in order, each once, each in a transaction of its own.
 *
 * @throws an error that names the file that failed, with Postgres' reason as its cause; nothing of that file is left.
 */
async function migrate(withClient: WithClient, schema: string, directory: string, logger: Logger): Promise<void> {
  const files = (await readdir(directory)).filter((file) => /^\d{3}-.*\.sql$/.test(file)).toSorted();
  // Discarded: with the connection go its lock, its search path and an open transaction.
  await withClient(async (client) => {
    await client.query('SET statement_timeout TO 0'); // a migration takes as long as it takes
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(`SET search_path TO ${schema}, public`);
    await client.query(
      'CREATE TABLE IF NOT EXISTS migrations (file text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
    );
    const { rows } = await client.query<{ file: string }>('SELECT file FROM migrations');
    const applied = new Set(rows.map((row) => row.file));
    for (const file of files.filter((name) => !applied.has(name))) {
      await apply(client, join(directory, file), file);
      logger.info({ schema, file }, 'Migration applied');
    }
  }, true);
}

async function apply(client: PoolClient, path: string, file: string): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(await readFile(path, 'utf8'));
    await client.query('INSERT INTO migrations (file) VALUES ($1)', [file]);
    await client.query('COMMIT');
  } catch (error) {
    throw new Error(`The migration ${file} failed.`, { cause: error });
  }
}
