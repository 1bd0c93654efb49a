/** What was asked for cannot be: nothing has been sent. */
export class InvalidInputError extends Error {}

/** Where markers are kept: Honeycomb, or the Observatory, which serves the same API. */
export interface MarkerApi {
  /** Base URL, http or https, without credentials. */
  host: string;
  /** Sent as `X-Honeycomb-Team`. */
  key?: string;
  /** For a whole exchange, in milliseconds. */
  timeoutMs?: number;
}

/** Everything that the API keeps of a marker, by its names: instants are Unix seconds. */
export interface MarkerFields {
  start_time: number;
  end_time?: number;
  message: string;
  type: string;
  url?: string;
}

/** A marker that the API knows, with all that a later update must send again. */
export interface Marker extends MarkerFields {
  dataset: string;
  id: string;
}

const defaultTimeoutMs = 10_000;
/** An answer is a marker or a complaint: both are short. */
const maxAnswerBytes = 64 * 1024;
const shownAnswerLength = 200;

/**
 * Draws a marker on the charts of a dataset; `__all__` means those of every dataset.
 *
 * @throws InvalidInputError before anything is sent; Error where the API does not answer in time, or not with 201.
 */
export async function createMarker(api: MarkerApi, dataset: string, fields: MarkerFields): Promise<Marker> {
  const answer = await send(api, 'POST', [dataset], fields, 201);
  const id = answer['id'];
  if (!isMarkerId(id)) throw new Error(`${origin(api)} answered without the id of a marker`);
  return { ...fields, dataset, id };
}

/**
 * Ends a marker: the line becomes a window. Sends every field again, because the API erases what an update leaves out.
 *
 * @param endTime Unix seconds; a clock that went back does not end a marker before its start, which the API refuses.
 * @throws as {@link createMarker} does, with 200 in place of 201.
 */
export async function closeMarker(api: MarkerApi, marker: Marker, endTime: number): Promise<Marker> {
  const { dataset, id, ...fields } = marker;
  const closed = { ...fields, end_time: Math.max(endTime, fields.start_time) };
  await send(api, 'PUT', [dataset, id], closed, 200);
  return { ...closed, dataset, id };
}

/** Of Honeycomb and the Observatory; what cannot be a step up in a path. */
export function isMarkerId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,128}$/.test(value);
}

async function send(
  api: MarkerApi,
  method: 'POST' | 'PUT',
  path: readonly [dataset: string, id?: string],
  fields: MarkerFields,
  expected: number,
): Promise<Record<string, unknown>> {
  const { key } = api;
  const base = httpUrl(api.host, 'The address of the markers API');
  if (fields.url !== undefined) httpUrl(fields.url, "The marker's url");
  if (/^\.{0,2}$/.test(path[0])) throw new InvalidInputError('The dataset needs a name');
  // fetch would repeat a key that no header can hold in the message of its error.
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new InvalidInputError('The API key is empty or has characters that no header may have');
  }
  const target = [
    base.origin + base.pathname.replace(/\/+$/, ''),
    '1/markers',
    ...path.map((part) => encodeURIComponent(part ?? '')),
  ];
  let status: number;
  let text: string;
  try {
    const response = await fetch(target.join('/'), {
      method,
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'x-honeycomb-team': key }) },
      body: JSON.stringify(fields),
      redirect: 'error', // the key is for this host alone
      signal: AbortSignal.timeout(api.timeoutMs ?? defaultTimeoutMs),
    });
    status = response.status;
    text = await readBounded(response);
  } catch (error) {
    throw new Error(`${origin(api)} did not answer: ${oneLine(reason(error), key)}`, { cause: error });
  }
  if (status !== expected) {
    const said = oneLine(text, key).slice(0, shownAnswerLength);
    throw new Error(`${origin(api)} answered ${status}${said && `: ${said}`}`);
  }
  return parseObject(text) ?? fail(`${origin(api)} answered ${status}, but not with a marker`);
}

function httpUrl(text: string, name: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new InvalidInputError(`${name} must be an http or https URL`);
  }
  if (url.username || url.password) throw new InvalidInputError(`${name} must not hold credentials`);
  return url;
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** JSON that is an object; null for anything else. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function origin({ host }: MarkerApi): string {
  return new URL(host).origin;
}

/** fetch says "fetch failed"; why, says its cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error.cause instanceof Error)) return error.message;
  return error.cause.message || ('code' in error.cause ? String(error.cause.code) : error.message);
}

/** Text of others for a line of ours: no control characters, and not the key, should they repeat it. */
function oneLine(text: string, key: string | undefined): string {
  return (key === undefined ? text : text.replaceAll(key, '…')).replaceAll(/[\p{C}\s]+/gu, ' ').trim();
}

function fail(message: string): never {
  throw new Error(message);
}
