import { UsageError } from '../command.ts';
import { httpUrl, isObject, type JsonAnswer, type JsonPlace, requestJson, unexpected } from '../request.ts';
import { type MarkerFields, type MarkerPlace, messageOfRun, runOfMessage } from './place.ts';

/** Where markers are kept: Honeycomb, or the Observatory, which serves the same API. */
export interface MarkerApi {
  /** Base URL, http or https, without credentials. */
  host: string;
  /** Sent as `X-Honeycomb-Team`. */
  key?: string;
  /** How long a whole exchange may take, milliseconds. */
  timeoutMs?: number;
}

/** A marker that the API knows, with all that a later update must send again. */
export interface Marker extends MarkerFields {
  dataset: string;
  id: string;
}

/** Room for ten thousand markers with long messages, as many as the Observatory keeps. */
const maxListBytes = 8 * 1024 * 1024;

/** Markers of one dataset; `__all__` means those of every dataset. */
export function createHoneycombPlace(name: string, api: MarkerApi, dataset: string): MarkerPlace {
  return {
    name,
    async open(fields, run) {
      const { id } = await createMarker(api, dataset, { ...fields, message: messageOfRun(fields.message, run) });
      return { ...fields, id, run };
    },
    async mark(fields) {
      await createMarker(api, dataset, fields);
    },
    async close({ id, run, ...fields }, endTime) {
      await closeMarker(api, { ...fields, message: messageOfRun(fields.message, run), dataset, id }, endTime);
    },
    async listOpen() {
      const markers = await listMarkers(api, dataset);
      return markers.flatMap((marker) => {
        const run = runOfMessage(marker.message);
        if (run === null || marker.end_time !== undefined) return [];
        const { id, dataset: _dataset, message, ...fields } = marker;
        return [{ ...fields, id, run, message: message.slice(0, -messageOfRun('', run).length) }];
      });
    },
  };
}

/**
 * Draws a marker on the charts of a dataset.
 *
 * @throws {UsageError} before anything is sent; Error if the API does not answer in time, or not with 201.
 */
export async function createMarker(api: MarkerApi, dataset: string, fields: MarkerFields): Promise<Marker> {
  const answer = await send(api, 'POST', [dataset], 201, fields);
  const id = isObject(answer) ? answer['id'] : undefined;
  if (!isMarkerId(id)) throw new Error(`${new URL(api.host).origin} answered without the id of a marker`);
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
  await send(api, 'PUT', [dataset, id], 200, closed);
  return { ...closed, dataset, id };
}

/** The markers of a dataset. Entries without the API's shape are left out. @throws as {@link createMarker} does. */
export async function listMarkers(api: MarkerApi, dataset: string): Promise<Marker[]> {
  const answer = await send(api, 'GET', [dataset], 200);
  if (!Array.isArray(answer)) throw new Error(`${new URL(api.host).origin} answered without a list of markers`);
  return answer.flatMap((each: unknown) => {
    if (!isObject(each) || !isMarkerId(each['id']) || !Number.isFinite(each['start_time'])) return [];
    const { id, start_time, end_time, message, type, url } = each;
    return [
      {
        dataset,
        id,
        start_time: Number(start_time),
        message: textOf(message),
        type: textOf(type),
        ...(Number.isFinite(end_time) && end_time !== 0 ? { end_time: Number(end_time) } : {}),
        ...(typeof url === 'string' && url !== '' ? { url } : {}),
      },
    ];
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Whether a value can be a marker's id, of Honeycomb or the Observatory. It can be no step up in a path. */
export function isMarkerId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,128}$/.test(value);
}

async function send(
  api: MarkerApi,
  method: 'GET' | 'POST' | 'PUT',
  path: readonly [dataset: string, id?: string],
  expected: number,
  fields?: MarkerFields,
): Promise<JsonAnswer['json']> {
  const { key } = api;
  httpUrl(api.host, 'The address of the markers API');
  if (fields?.url !== undefined) httpUrl(fields.url, "The marker's url");
  if (/^\.{0,2}$/.test(path[0])) throw new UsageError('The dataset needs a name');
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new UsageError('The API key is empty or has characters that no header may have');
  }
  const place: JsonPlace = {
    url: api.host,
    ...(key === undefined ? {} : { headers: { 'x-honeycomb-team': key }, secrets: [key] }),
    ...(api.timeoutMs === undefined ? {} : { timeoutMs: api.timeoutMs }),
    ...(method === 'GET' ? { maxBytes: maxListBytes } : {}),
  };
  const parts = path.map((part) => encodeURIComponent(part ?? ''));
  const answer = await requestJson(place, method, ['1/markers', ...parts].join('/'), fields);
  if (answer.status !== expected) throw unexpected(place, answer);
  if (typeof answer.json !== 'object' || answer.json === null) {
    throw new Error(`${new URL(api.host).origin} answered ${answer.status}, but not with a marker`);
  }
  return answer.json;
}
