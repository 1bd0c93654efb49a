import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { waitUntilGone } from '../process-group.ts';
import { commandLine, isAlive } from '../process-identity.ts';
import { Refusal } from '../refusal.ts';
import { type Account, postgresAccount } from './account.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { type Cluster, databaseName, openCluster } from './cluster.ts';
import { databaseHome } from './home.ts';

/** A Postgres that is ready to be started as a process. */
export interface PostgresServer {
  command: string;
  args: string[];
  cwd: string;
  /** The account it runs as; null for the caller. */
  account: Account | null;
  /** Where a role connects, with its password. */
  url(role: string): string;
  /** The same without a password, to be shown. */
  shownUrl: string;
  /** Whether the server with this process id takes connections. */
  isReady: (pid: number) => boolean;
  /** Stops what an earlier start left behind. Resolves to whether there was something. */
  stopLeftover: () => Promise<boolean>;
}

/** How long a leftover server has for a fast shutdown, in milliseconds, before it is forced to end. */
const leftoverPatienceMs = 4_000;

/**
 * Everything but the start: finds the binaries, makes the database if there is none.
 *
 * @param dataDir absolute and existing; the database is in its `postgres`.
 * @param roles a role a service, each with its own schema.
 * @throws {Refusal} with what to do.
 */
export async function preparePostgres(options: {
  dataDir: string;
  port: number;
  roles: readonly string[];
  /** How many connections at most: the pools of all services, and some to spare. */
  maxConnections: number;
  /** Is called with the directory before a new database is made. */
  onCreate?: (home: string) => void;
}): Promise<PostgresServer> {
  const { port } = options;
  const account = postgresAccount(join(options.dataDir, 'postgres', 'data'));
  const home = databaseHome(options.dataDir, account);
  const binaries = findBinaries(account, home);
  const leftover = { directory: join(home, 'data'), account, binaries };
  await stopLeftover(leftover);
  const cluster = await openCluster({
    home,
    binaries,
    account,
    roles: options.roles,
    ...(options.onCreate ? { onCreate: options.onCreate } : {}),
  });
  return {
    command: binaries.postgres,
    args: ['-D', cluster.directory, ...settingArgs(settings(port, options.maxConnections))],
    cwd: home,
    account,
    url: (role) => `postgres://${role}:${cluster.passwords[role]}@127.0.0.1:${port}/${databaseName}`,
    shownUrl: `postgres://127.0.0.1:${port}/${databaseName}`,
    isReady: (pid) => statusOf(cluster, pid) === 'ready',
    stopLeftover: () => stopLeftover(leftover),
  };
}

function settings(port: number, maxConnections: number): Record<string, string | number> {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: maxConnections,
    shared_buffers: '32MB',
    jit: 'off',
    // Reads that time out are part of the show, several a second; the services say which they were.
    log_min_error_statement: 'panic',
    // Sample data: a power cut may cost the last half second, but never consistency.
    synchronous_commit: 'off',
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_wal_size: '128MB',
    min_wal_size: '32MB',
    // Ends statements whose service has gone: nobody waits for them. Windows cannot tell.
    ...(process.platform === 'win32' ? {} : { client_connection_check_interval: '1s' }),
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
}

function settingArgs(values: Record<string, string | number>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** postmaster.pid: process id, data directory, start, port, socket directory, address, shared memory, status. */
function postmaster(directory: string): { pid: number; status: string } | null {
  try {
    const lines = readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, status: lines[7]?.trim() ?? '' } : null;
  } catch {
    return null;
  }
}

function statusOf(cluster: Cluster, pid: number): string {
  const found = postmaster(cluster.directory);
  return found?.pid === pid ? found.status : '';
}

/** A server survives the `kill -9` of its parent, and holds on to the directory and the port. */
async function stopLeftover(options: {
  directory: string;
  account: Account | null;
  binaries: Binaries;
}): Promise<boolean> {
  const { directory } = options;
  const found = postmaster(directory);
  if (!found) return false;
  if (!isAlive(found.pid) || !isPostgresOf(found.pid, directory)) {
    // Its process id may be somebody else's by now, and Postgres would then refuse to start.
    rmSync(join(directory, 'postmaster.pid'), { force: true });
    return false;
  }
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    stopPostmaster(found.pid, directory, options, signal);
    if (await waitUntilGone(found.pid, leftoverPatienceMs)) return true;
  }
  throw new Refusal(`An earlier Postgres (process ${found.pid}) does not stop: end it, and start again.`);
}

function stopPostmaster(
  pid: number,
  directory: string,
  options: { binaries: Binaries },
  signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL',
): void {
  if (process.platform === 'win32') {
    // No signals there; pg_ctl speaks to the server by a named pipe.
    const mode = signal === 'SIGINT' ? 'fast' : 'immediate';
    spawnSync(options.binaries.pgCtl, ['stop', '-D', directory, '-m', mode, '-W'], { windowsHide: true });
    return;
  }
  try {
    process.kill(pid, signal);
  } catch {
    // gone already, which the caller finds out
  }
}

function isPostgresOf(pid: number, directory: string): boolean {
  const line = commandLine(pid);
  return line === null ? process.platform === 'win32' : line.includes('postgres') && line.includes(directory);
}
