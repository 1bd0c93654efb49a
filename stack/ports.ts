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
        `Port ${port} (${name}) may not be used by this user: choose ports above 1023, for example: npm start -- --port-base ${await freePortBase()}`,
      );
    }
    const holder = portHolder(port);
    throw new Refusal(
      `Port ${port} (${name}) is taken by ${holder ?? 'another program'}: stop it, or choose other ports, for example: npm start -- --port-base ${await freePortBase()} (for a second suite also --data-dir DIR).`,
    );
  }
}

/** Where a suite's ports are looked for, when others are taken: far from those that programs like, below the ephemeral. */
const firstOffer = 18_080;
const offerEvery = 100;
/** A suite's ports: the base and those after it (stack/options.ts). */
const portsOfSuite = 10;

/** A base whose ports were all free a moment ago. */
async function freePortBase(): Promise<number> {
  for (let base = firstOffer; base < 32_000; base += offerEvery) {
    const faults = await Promise.all(Array.from({ length: portsOfSuite }, (_, index) => listenFault(base + index)));
    if (faults.every((fault) => fault === null)) return base;
  }
  return firstOffer;
}

/** IANA's dynamic ports (RFC 6335), which systems take that do not say otherwise. */
const usualEphemeralPorts = { first: 49_152, last: 65_535 };

/** Which ports the system gives to the near ends of connections: ip(7), ip_local_port_range. */
function ephemeralPorts(): { first: number; last: number } {
  const [first, last] = readText('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  return first && last ? { first, last } : usualEphemeralPorts;
}

/** A warning where a connection of any program may take one of these ports by chance; null where none can. */
export function ephemeralWarning(ports: readonly number[], range = ephemeralPorts()): string | null {
  const within = ports.filter((port) => port >= range.first && port <= range.last);
  if (within.length === 0) return null;
  return `The ports ${Math.min(...within)} to ${Math.max(...within)} are among those that the system gives to outgoing connections (${range.first} to ${range.last}), so that one may be taken by chance: --port-base with a port below ${range.first} is safer.`;
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
