import { createHash } from 'node:crypto';

import { UsageError } from '../command.ts';
import { httpUrl } from '../request.ts';
import { createGrafanaPlace } from './grafana.ts';
import { createHoneycombPlace } from './honeycomb.ts';
import type { MarkerPlace } from './place.ts';
import { createWebhookPlace } from './webhook.ts';

export const placeKinds = ['observatory', 'honeycomb', 'grafana', 'webhook'] as const;
type PlaceKind = (typeof placeKinds)[number];

/** A place by its address, without its key. */
export interface PlaceAddress {
  kind: PlaceKind;
  url: string;
}

/** What a marker's file keeps of an address: a webhook's URL is a secret, so only its fingerprint. */
export interface KeptAddress {
  kind: PlaceKind;
  url?: string;
  fingerprint?: string;
}

/** The address of a place that is named without a URL. */
const defaultUrls: Readonly<Partial<Record<PlaceKind, string>>> = {
  observatory: 'http://127.0.0.1:8088',
  honeycomb: 'https://api.honeycomb.io',
};

/** The variable with the key of each kind. A key is sent to no other kind. */
const keyVariables: Readonly<Record<PlaceKind, string>> = {
  observatory: 'OBSERVATORY_MARKERS_KEY',
  honeycomb: 'HONEYCOMB_API_KEY',
  grafana: 'GRAFANA_TOKEN',
  webhook: 'WEBHOOK_TOKEN',
};

/** `KIND` or `KIND=URL`. @throws {UsageError} */
export function parseAddress(text: string): PlaceAddress {
  const at = text.indexOf('=');
  const word = at < 0 ? text : text.slice(0, at);
  const kind = placeKinds.find((each) => each === word);
  if (!kind) throw new UsageError(`--to must begin with one of ${placeKinds.join(', ')}, as in observatory=URL`);
  const url = at < 0 ? defaultUrls[kind] : text.slice(at + 1);
  if (url === undefined) throw new UsageError(`--to ${kind} needs its URL, as in ${kind}=https://…`);
  httpUrl(url, `The address of ${kind}`);
  return { kind, url };
}

/**
 * Where markers go: `--to`, else the variable `MARKER_TO` (several, separated by blanks or commas), else the
 * Observatory on this machine.
 *
 * @throws {UsageError}
 */
export function placesOf(
  to: readonly string[] | undefined,
  env: Readonly<Record<string, string | undefined>>,
): PlaceAddress[] {
  const named = to ?? (env['MARKER_TO'] ?? '').split(/[\s,]+/).filter((each) => each !== '');
  return (named.length > 0 ? named : ['observatory']).map(parseAddress);
}

/** @throws {UsageError} if its key cannot be sent. */
export function createPlace(
  { kind, url }: PlaceAddress,
  env: Readonly<Record<string, string | undefined>>,
  dataset: string,
): MarkerPlace {
  const key = env[keyVariables[kind]] || undefined;
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new UsageError(`${keyVariables[kind]} has characters that no header may have`);
  }
  if (kind === 'grafana') return createGrafanaPlace(url, key);
  if (kind === 'webhook') return createWebhookPlace(url, key);
  const api = { host: url, ...(key === undefined ? {} : { key }) };
  return createHoneycombPlace(`${kind} ${new URL(url).origin}`, api, dataset);
}

export function keptAddress({ kind, url }: PlaceAddress): KeptAddress {
  return kind === 'webhook' ? { kind, fingerprint: fingerprintOf(url) } : { kind, url };
}

/** The address that a marker's file means, with the help of those that are named now; null if it is not among these. */
export function addressOf(kept: KeptAddress, named: readonly PlaceAddress[]): PlaceAddress | null {
  if (kept.url !== undefined) return { kind: kept.kind, url: kept.url };
  return named.find(({ kind, url }) => kind === kept.kind && fingerprintOf(url) === kept.fingerprint) ?? null;
}

function fingerprintOf(url: string): string {
  return createHash('sha256').update(url).digest('hex');
}
