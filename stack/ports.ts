import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

import { findSuite } from './neighbour.ts';
import { Refusal, systemCode } from './refusal.ts';
import { shellWord } from './shell-word.ts';

/** A port that a part of the suite is going to listen on. */
export interface PortClaim {
  /** Who: "frontend". */
  name: string;
  port: number;
}

/**
 * Makes sure that nobody listens on any of the ports, all on 127.0.0.1.
 *
 * @throws {Refusal} that names the first one that is taken, and says what to do.
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
    const runPages = claims.find((claim) => claim.name === 'run pages')?.port;
    const suite = runPages === undefined ? null : await findSuite(runPages);
    if (suite) {
      throw new Refusal(
        `Port ${port} (${name}) is taken by another HotROD, which runs from ${suite.dataDir} (process ${suite.pid}): stop it with npm start -- stop --data-dir ${shellWord(suite.dataDir)}, or start this one beside it, for example: npm start -- --port-base ${await freePortBase()} --data-dir DIR.`,
      );
    }
    throw new Refusal(
      `Port ${port} (${name}) is taken by another program: stop it, or choose other ports, for example: npm start -- --port-base ${await freePortBase()} (for a second suite also --data-dir DIR).`,
    );
  }
}

/** Where to look for a suite's ports when others are taken: far from those that programs like, below the ephemeral. */
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

/** IANA's dynamic ports (RFC 6335). Systems take these unless they say otherwise. */
const usualEphemeralPorts = { first: 49_152, last: 65_535 };

/** Which ports the system gives to the near ends of connections: ip(7), ip_local_port_range. */
function ephemeralPorts(): { first: number; last: number } {
  const [first, last] = readText('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  return first && last ? { first, last } : usualEphemeralPorts;
}

/** A warning if a connection of any program may take one of these ports by chance; null if none can. */
export function ephemeralWarning(ports: readonly number[], range = ephemeralPorts()): string | null {
  const within = ports.filter((port) => port >= range.first && port <= range.last);
  if (within.length === 0) return null;
  return `The ports ${Math.min(...within)} to ${Math.max(...within)} are among those that the system gives to outgoing connections (${range.first} to ${range.last}), so that one may be taken by chance: --port-base with a port below ${range.first} is safer.`;
}

/** Null if one can listen on this port, else the code of the system's error. */
function listenFault(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemCode(error) ?? 'unknown'));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
