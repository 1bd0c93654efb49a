import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createTemporaryDirectory, findFreePort, startPostgres } from '../../tests/harness/suite.ts';
import { withDeadline } from './deadline.ts';
import { createDatabase, type Database } from './database.ts';
import { createLogger } from './logging.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let directory: ReturnType<typeof createTemporaryDirectory>;
let lines: string[];
let schemas = 0;
const open: Database[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
});
beforeEach(() => {
  directory = createTemporaryDirectory('migrations');
  lines = [];
  schemas += 1;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  directory.remove();
});
afterAll(async () => {
  await postgres?.stop();
});

/** A database with a schema of this test's own. */
function connect(options: Partial<Parameters<typeof createDatabase>[0]> = {}): Database {
  const connected = createDatabase({
    url: postgres.url('customer'),
    schema: schema(),
    poolSize: 5,
    connectTimeoutMs: 10_000,
    maxWaitMs: 10_000,
    statementTimeoutMs: 10_000,
    logger: createLogger('test', 'info', { write: (line) => void lines.push(line) }),
    ...options,
  });
  open.push(connected);
  return connected;
}
const schema = () => `test_${'abcdefghijklmnopqrstuvwxyz'[schemas]}`;
const write = (file: string, sql: string) => writeFileSync(join(directory.path, file), sql);
const query = (database: Database, text: string, values: unknown[] = []) =>
  database.query<Record<string, unknown>>({ name: text.slice(0, 60), text }, values);
const messages = () => lines.map((line) => (JSON.parse(line) as { msg: string }).msg);

describe('migrate', () => {
  it('applies files in order, each once, and only those that are migrations', async () => {
    write('001-first.sql', 'CREATE TABLE things (id int); INSERT INTO things VALUES (1);');
    write('notes.sql', 'SELECT nonsense;');
    mkdirSync(join(directory.path, 'old'));
    const database = connect();
    await database.migrate(directory.path);
    write('010-third.sql', 'INSERT INTO things SELECT count(*) + 100 FROM things;');
    write('002-second.sql', 'INSERT INTO things VALUES (2);');
    await database.migrate(directory.path);
    await database.migrate(directory.path);
    expect(await query(database, `SELECT id FROM ${schema()}.things ORDER BY id`)).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 102 },
    ]);
    expect(messages()).toEqual(['Migration applied', 'Migration applied', 'Migration applied']);
  });

  it('rolls a failing file back, reports it, and continues there once it is fixed', async () => {
    write('001-first.sql', 'CREATE TABLE things (id int);');
    write('002-second.sql', 'INSERT INTO things VALUES (1); INSERT INTO nowhere VALUES (2);');
    const database = connect();
    await expect(database.migrate(directory.path)).rejects.toThrow('002-second.sql');
    expect(await query(database, `SELECT id FROM ${schema()}.things`)).toEqual([]);
    write('002-second.sql', 'INSERT INTO things VALUES (1);');
    await database.migrate(directory.path);
    expect(await query(database, `SELECT id FROM ${schema()}.things`)).toEqual([{ id: 1 }]);
  });

  it('waits for another process that migrates, and then finds the work done', async () => {
    write('001-first.sql', 'CREATE TABLE things (id int); SELECT pg_sleep(0.3); INSERT INTO things VALUES (1);');
    await Promise.all([connect(), connect(), connect(), connect()].map((each) => each.migrate(directory.path)));
    expect(await query(connect(), `SELECT id FROM ${schema()}.things`)).toEqual([{ id: 1 }]);
  });

  it('lets an older release run on the schema of a newer one, as after a rollback', async () => {
    write('001-first.sql', 'CREATE TABLE things (id int);');
    write('002-second.sql', 'ALTER TABLE things ADD COLUMN name text;');
    await connect().migrate(directory.path);
    rmSync(join(directory.path, '002-second.sql'));
    const older = connect();
    await older.migrate(directory.path);
    await query(older, `INSERT INTO ${schema()}.things (id) VALUES (1)`);
    expect(await query(older, `SELECT file FROM ${schema()}.migrations ORDER BY file`)).toEqual([
      { file: '001-first.sql' },
      { file: '002-second.sql' },
    ]);
  });

  it('waits for a Postgres that does not answer yet, and says so', async () => {
    write('001-first.sql', 'CREATE TABLE things (id int);');
    const port = await findFreePort();
    const url = new URL(postgres.url('customer'));
    url.port = String(port);
    const migrating = connect({ url: url.href, startTimeoutMs: 60_000 }).migrate(directory.path);
    await expect.poll(messages).toContain('Waiting for Postgres');
    const wire = await startWire(postgres.url('customer'), port);
    try {
      await migrating;
    } finally {
      await wire.close();
    }
    expect(messages().filter((message) => message === 'Waiting for Postgres')).toHaveLength(1);
  });

  it('fails at once when Postgres refuses the user, and after the given time when there is no Postgres', async () => {
    write('001-first.sql', 'CREATE TABLE things (id int);');
    const stranger = new URL(postgres.url('customer'));
    stranger.username = 'nobody';
    const refused = connect({ url: stranger.href, startTimeoutMs: 60_000 }).migrate(directory.path);
    await expect(refused).rejects.toMatchObject({ code: 'unavailable', cause: { severity: 'FATAL' } });
    const url = `postgres://customer@127.0.0.1:${await findFreePort()}/hotrod`;
    const absent = connect({ url, startTimeoutMs: 1 }).migrate(directory.path);
    await expect(absent).rejects.toMatchObject({ code: 'unavailable', cause: { code: 'ECONNREFUSED' } });
  });

  it('fails cleanly when Postgres goes away in the middle', async () => {
    write('001-first.sql', 'SELECT pg_sleep(30), 1;');
    const wire = await startWire(postgres.url('customer'));
    const watcher = connect();
    try {
      const migrating = connect({ url: wire.url }).migrate(directory.path);
      const broken = expect(migrating).rejects.toThrow('001-first.sql');
      const asleep = () =>
        query(watcher, "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30), 1;' AND state = 'active'");
      await expect.poll(asleep, { timeout: 20_000, interval: 20 }).toHaveLength(1);
      wire.cut();
      await broken;
      expect(messages()).toContain('A connection to Postgres was lost');
    } finally {
      // Postgres notices only when it wants to answer.
      await cutConnections(watcher, 'SELECT pg_sleep(30), 1;');
      await wire.close();
    }
  });

  it('leaves the connections that it gives back as it found them', async () => {
    write('001-first.sql', 'CREATE TABLE things (id int);');
    const database = connect({ poolSize: 1 });
    await database.migrate(directory.path);
    expect(await query(database, 'SHOW search_path')).toEqual(await query(connect(), 'SHOW search_path'));
  });
});

/** A TCP connection to Postgres that can be cut without a word, as when its machine goes away. */
async function startWire(target: string, port = 0): Promise<{ url: string; cut(): void; close(): Promise<unknown> }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection({ host: '127.0.0.1', port: Number(new URL(target).port) });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: url.href,
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Breaks the connections of other sessions that run a statement like this, as a restart of Postgres would. */
const cutConnections = (database: Database, like: string) =>
  query(
    database,
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()',
    [like],
  );

describe('a pool of connections', () => {
  it('lends one connection for statements that belong together', async () => {
    const database = connect();
    const pids = await database.withSession(async (session) => {
      const statement = { name: 'pid', text: 'SELECT pg_backend_pid() AS pid' };
      return [await session.query(statement, []), await session.query(statement, [])];
    });
    expect(pids[0]).toEqual(pids[1]);
  });

  it('gives connections back whatever happens with them', async () => {
    const database = connect({ poolSize: 1, connectTimeoutMs: 5_000 });
    for (let time = 0; time < 5; time += 1)
      await expect(query(database, 'SELECT nonsense')).rejects.toMatchObject({ code: '42703' });
    await expect(database.withSession(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(await query(database, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('makes the next one wait, and answers unavailable when it waits too long', async () => {
    // The first connection has to be made within the same time.
    const database = connect({ poolSize: 1, connectTimeoutMs: 2_000 });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const lent = database.withSession(() => released);
    try {
      await expect(query(database, 'SELECT 1')).rejects.toMatchObject({ name: 'ServiceError', code: 'unavailable' });
    } finally {
      release();
      await lent;
    }
    expect(await query(database, 'SELECT 2 AS two')).toEqual([{ two: 2 }]);
  });

  it('survives a broken connection, lent out or idle', async () => {
    const database = connect({ poolSize: 2 });
    const asleep = query(database, 'SELECT pg_sleep(60)');
    const broken = expect(asleep).rejects.toThrow();
    await expect.poll(() => cutConnections(database, '%pg_sleep(60)%'), { timeout: 20_000 }).toHaveLength(1);
    await broken;
    await query(database, 'SELECT 3');
    await cutConnections(connect(), 'SELECT 3');
    await expect.poll(() => messages(), { timeout: 20_000 }).toContain('An idle connection to Postgres was lost');
    expect(await query(database, 'SELECT 4 AS four')).toEqual([{ four: 4 }]);
  });

  it('refuses callers at once when the expected wait is too long', async () => {
    const database = connect({ poolSize: 1, maxWaitMs: 300 });
    await query(database, 'SELECT pg_sleep(0.2)'); // so long one holds a connection
    const asked = Array.from({ length: 10 }, () => query(database, 'SELECT pg_sleep(0.2)'));
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(5);
    for (const outcome of refused)
      expect(outcome).toMatchObject({
        reason: { code: 'overloaded', status: 503, message: expect.stringContaining('DATABASE_POOL_SIZE') },
      });
    expect(await query(database, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('ends a statement in Postgres after its time, and says that it was Postgres', async () => {
    const database = connect({ poolSize: 1, statementTimeoutMs: 100 });
    await expect(query(database, 'SELECT pg_sleep(60)')).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringContaining('Postgres'),
      cause: { code: '57014' },
    });
    expect(await query(database, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('lets a migration take longer than a statement may', async () => {
    write('001-slow.sql', 'SELECT pg_sleep(0.3)');
    await connect({ statementTimeoutMs: 50 }).migrate(directory.path);
  });

  it('gives up a statement that nobody waits for, in Postgres, too', async () => {
    const database = connect({ poolSize: 1 });
    const text = 'SELECT pg_sleep(61)';
    await expect(withDeadline(200, () => query(database, text))).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(await query(database, 'SELECT 2 AS two')).toEqual([{ two: 2 }]); // the only connection is a new one
    const running = () => query(connect(), 'SELECT pid FROM pg_stat_activity WHERE query = $1', [text]);
    await expect.poll(running, { timeout: 20_000 }).toEqual([]);
  });

  it('begins nothing for a caller who has gone while it waited for a connection', async () => {
    const database = connect({ poolSize: 1 });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const lent = database.withSession(() => released);
    const late = withDeadline(50, () => query(database, 'SELECT 7'));
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    release();
    await lent;
    expect(await query(database, 'SELECT 3 AS three')).toEqual([{ three: 3 }]);
  });

  it('names Postgres when it ends a connection', async () => {
    const database = connect({ poolSize: 1 });
    const asleep = expect(query(database, 'SELECT pg_sleep(62)')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Postgres'),
    });
    await expect.poll(() => cutConnections(connect(), '%pg_sleep(62)%'), { timeout: 20_000 }).toHaveLength(1);
    await asleep;
  });

  it('passes values as parameters, whatever is in them', async () => {
    const text = "'; DROP SCHEMA customer; --";
    expect(await query(connect(), 'SELECT $1::text AS text', [text])).toEqual([{ text }]);
  });

  it('is not ready, and answers unavailable, without a Postgres', async () => {
    const url = `postgres://customer@127.0.0.1:${await findFreePort()}/hotrod`;
    const database = connect({ url });
    await expect(database.ready()).rejects.toThrow('ECONNREFUSED');
    await expect(query(database, 'SELECT 1')).rejects.toMatchObject({
      code: 'unavailable',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('refuses a schema that is not a plain name', () => {
    expect(() =>
      createDatabase({
        url: 'postgres://x/y',
        schema: 'a; DROP',
        poolSize: 1,
        connectTimeoutMs: 1,
        maxWaitMs: 1,
        statementTimeoutMs: 1,
        logger: createLogger('test', 'silent'),
      }),
    ).toThrow('plain');
  });
});
