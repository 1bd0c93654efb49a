import type { CloseOptions } from '@hotrod/kit/server';

/** A port on which OTLP is taken. */
export interface Receiver {
  url: string;
  /** Takes no more requests, lets those in flight finish. */
  close(options?: CloseOptions): Promise<void>;
}

/** What the kinds of requests are called in OTLP's paths and services, and what they hold. */
export const signalOf = { traces: 'spans', logs: 'logs', metrics: 'metrics' } as const;
export type Path = keyof typeof signalOf;

/** The URL of a port on `host`, which may be an IPv6 address. */
export function toUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
