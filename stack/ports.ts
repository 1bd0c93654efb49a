import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

import { commandLine } from './process-identity.ts';
import { Refusal, systemCode } from './refusal.ts';

/** A port that a part of the suite is going to listen on. */
export interface PortClaim {
  /** Who: "frontend". */
  name: string;
  port: number;
}

/**
 * Makes sure that nobody listens on any of the ports, all on 127.0.0.1.
 *
 * @throws {Refusal} naming the first that is taken, by whom where the system tells, and what to do.
 */
export async function ensureFree(claims: readonly PortClaim[]): Promise<void> {
  for (const { name, port } of claims) {
    const fault = await listenFault(port);
    if (fault === null) continue;
    if (fault === 'EACCES') {
      throw new Refusal(
        `Port ${port} (${name}) may not be used by this user: choose ports above 1023, for example: npm start -- --port-base 18080`,
      );
    }
    const holder = portHolder(port);
    throw new Refusal(
      `Port ${port} (${name}) is taken by ${holder ?? 'another program'}: stop it, or choose other ports, for example: npm start -- --port-base 18080 (for a second suite also --data-dir DIR).`,
    );
  }
}

/** Null where one can listen there, else the code of the system's error. */
function listenFault(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemCode(error) ?? 'unknown'));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** Who listens on a port, for a message: "node (process 4711)". Null where that cannot be known. */
function portHolder(port: number): string | null {
  if (process.platform !== 'linux') return null;
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(readText(table), port)),
  );
  if (inodes.size === 0) return null;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkTarget(`/proc/${pid}/fd/${descriptor}`))?.[1];
      if (inode && inodes.has(inode))
        return `"${(commandLine(Number(pid)) ?? '').slice(0, 80).trim()}" (process ${pid})`;
    }
  }
  return null;
}

/** proc(5), net/tcp: local address in hexadecimal, state 0A (listening), inode in the tenth field. */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === '0A')
    .flatMap((fields) => fields[9] ?? []);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // another user's process, or one that has just ended
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
