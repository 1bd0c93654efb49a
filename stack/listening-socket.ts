import net from 'node:net';

import { Refusal } from './refusal.ts';

/** A bound socket that outlives the processes that listen on it. */
export interface ListeningSocket {
  /** To be handed to a child, as one of its `stdio`. */
  readonly fd: number;
  close(): void;
}

type BindSocket = (address: string, port: number, addressType: 4 | 6) => unknown;

/**
 * Binds a port without listening: a child listens on the descriptor. So two processes, the old one and its successor, can
 * listen on one socket at once, and no connection that waits in its queue is lost when one of them ends.
 *
 * Node's public API can bind only together with listening, and whoever listens accepts. So this is the function that
 * Node's own cluster module binds with.
 *
 * @returns null if descriptors cannot be handed over (Windows, or a Node without that function).
 * @throws {Refusal} if the port cannot be bound.
 */
export function bindSocket(host: string, port: number): ListeningSocket | null {
  const { _createServerHandle: bind } = net as { _createServerHandle?: BindSocket };
  if (process.platform === 'win32' || bind === undefined) return null;
  const handle = bind(host, port, host.includes(':') ? 6 : 4);
  if (typeof handle === 'number') throw new Refusal(`Port ${port} cannot be bound (error ${handle}).`);
  return isHandle(handle) ? { fd: handle.fd, close: () => handle.close() } : null;
}

function isHandle(value: unknown): value is { fd: number; close(): void } {
  return (
    typeof value === 'object' && value !== null && 'fd' in value && typeof value.fd === 'number' && 'close' in value
  );
}
