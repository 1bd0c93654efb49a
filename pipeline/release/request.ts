import { UsageError } from './command.ts';

/** A place that speaks JSON over HTTP. */
export interface JsonPlace {
  /** Base URL, http or https, without credentials; its path is put before that of every request. */
  url: string;
  /** What only this place may see. It is never repeated in a message, even if the place's answer repeats it. */
  secrets?: readonly string[];
  headers?: Readonly<Record<string, string>>;
  /** How long a whole exchange may take, milliseconds. Default 10,000. */
  timeoutMs?: number;
  /** Largest answer that is read. Default 64 KiB. */
  maxBytes?: number;
  /** Ends the exchange from outside. */
  signal?: AbortSignal;
}

export interface JsonAnswer {
  status: number;
  /** The parsed body; undefined if it is not JSON. */
  json: unknown;
  text: string;
}

const defaultTimeoutMs = 10_000;
const defaultMaxBytes = 64 * 1024;
const shownAnswerLength = 200;

/**
 * One exchange. It follows no redirection, because a key is for the place that was named alone.
 *
 * @param path below the place's URL, its parts already encoded; empty for that URL itself.
 * @throws {UsageError} before anything is sent, if URL or headers cannot be. Error, in one line that names the place by
 *   its origin alone, if it does not answer in time or answers with too much.
 */
export async function requestJson(place: JsonPlace, method: string, path = '', body?: unknown): Promise<JsonAnswer> {
  const base = httpUrl(place.url, 'The address');
  for (const value of Object.values(place.headers ?? {})) {
    // If no header can hold the key, fetch would repeat the key in the message of its error.
    if (!/^[\x20-\x7e]+$/.test(value)) throw new UsageError('A key or token has characters that no header may have');
  }
  const target = path === '' ? base.href : `${base.origin}${base.pathname.replace(/\/+$/, '')}/${path}`;
  const timeout = AbortSignal.timeout(place.timeoutMs ?? defaultTimeoutMs);
  try {
    const response = await fetch(target, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...place.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: place.signal ? AbortSignal.any([timeout, place.signal]) : timeout,
    });
    const text = await readBounded(response, place.maxBytes ?? defaultMaxBytes);
    return { status: response.status, json: parseJson(text), text };
  } catch (error) {
    throw new Error(`${base.origin} did not answer: ${oneLine(reason(error), place.secrets)}`, { cause: error });
  }
}

/** The error for an answer that was not the expected one, with the beginning of what was said. */
export function unexpected(place: JsonPlace, answer: JsonAnswer): Error {
  const said = oneLine(answer.text, place.secrets).slice(0, shownAnswerLength);
  return new Error(`${new URL(place.url).origin} answered ${answer.status}${said && `: ${said}`}`);
}

/**
 * @param name what it is the URL of, as the first words of a sentence.
 * @throws {UsageError} if it is not http or https, or carries credentials.
 */
export function httpUrl(text: string, name: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol)) throw new UsageError(`${name} must be an http or https URL`);
  if (url.username || url.password) throw new UsageError(`${name} must not hold credentials`);
  return url;
}

/** Whether a parsed value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Text of others for a line of ours: without control characters, and without a secret, if the text repeats one. */
export function oneLine(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  for (const secret of secrets) if (secret !== '') shown = shown.replaceAll(secret, '…');
  return shown.replaceAll(/[\p{C}\s]+/gu, ' ').trim();
}

async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Why fetch failed. Its own message says only "fetch failed"; its cause says why. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error.cause instanceof Error)) return error.message;
  return error.cause.message || ('code' in error.cause ? String(error.cause.code) : error.message);
}
