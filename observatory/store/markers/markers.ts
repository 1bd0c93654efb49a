import { randomInt } from 'node:crypto';
import type { Marker } from '../../contract/contract.ts';
import type { Database } from '../database.ts';
import type { Asking } from '../questions/population.ts';

/** What a marker says; undefined is "not given". Instants in Unix milliseconds. */
export interface MarkerText {
  startMs: number | undefined;
  endMs: number | undefined;
  message: string;
  type: string;
  url: string | undefined;
}

/** A marker with what the store adds to it. */
export interface StoredMarker extends Marker {
  createdMs: number;
  updatedMs: number;
}

/** More markers than this are refused: nobody reads ten thousand lines in a chart. */
const mostMarkers = 10_000;
/** How many markers a chart is given. */
const mostInRange = 500;
const idCharacters = 'abcdefghijkmnpqrstuvwxyz23456789';
/** Honeycomb's own ids are as long; `honeymarker list` lays its table out for it. */
const idLength = 11;
/** Okabe and Ito's colours without red-like and black: red is for errors, black for text. */
const colors = ['#0072B2', '#009E73', '#CC79A7', '#56B4E9', '#E69F00'];

interface Row {
  id: string;
  dataset: string;
  start_ms: bigint;
  end_ms: bigint | null;
  message: string;
  type: string;
  url: string | null;
  color: string;
  created_ms: bigint;
  updated_ms: bigint;
}

function toMarker(row: Row): StoredMarker {
  return {
    id: row.id,
    dataset: row.dataset,
    startMs: Number(row.start_ms),
    endMs: row.end_ms === null ? null : Number(row.end_ms),
    message: row.message,
    type: row.type,
    url: row.url,
    color: row.color,
    createdMs: Number(row.created_ms),
    updatedMs: Number(row.updated_ms),
  };
}

/** Markers of one type have one colour. */
function colorOf(type: string): string {
  let hash = 0;
  for (const character of type) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_536;
  return colors[hash % colors.length] ?? '#0072B2';
}

function newId(): string {
  return Array.from({ length: idLength }, () => idCharacters[randomInt(idCharacters.length)]).join('');
}

function parametersOf(text: MarkerText) {
  return {
    end_ms: text.endMs === undefined ? null : BigInt(text.endMs),
    message: text.message,
    type: text.type,
    url: text.url ?? null,
    color: colorOf(text.type),
  };
}

/** A marker that would end before it starts. */
export class OrderError extends Error {
  override readonly name = 'OrderError';
}

/**
 * The start of a marker; if it is not given, the time at which the marker was made, in whole seconds like all of
 * Honeycomb's instants.
 */
function startOf(text: MarkerText, createdMs: number): number {
  const start = text.startMs ?? Math.floor(createdMs / 1000) * 1000;
  if (text.endMs !== undefined && text.endMs < start) throw new OrderError('The end lies before the start.');
  return start;
}

/**
 * Stores a new marker; a start that is not given is now. Undefined if there are too many already.
 * @throws OrderError
 */
export async function addMarker(
  database: Pick<Database, 'aside' | 'writer'>,
  dataset: string,
  text: MarkerText,
  nowMs: number,
): Promise<StoredMarker | undefined> {
  const start = startOf(text, nowMs);
  const [count] = await database.aside.rows<{ markers: number }>('marker-count');
  if ((count?.markers ?? 0) >= mostMarkers) return undefined;
  const id = newId();
  const parameters = {
    ...parametersOf(text),
    id,
    dataset,
    start_ms: BigInt(start),
    now_ms: BigInt(nowMs),
  };
  await database.writer.rows('marker-insert', { parameters });
  return {
    id,
    dataset,
    startMs: start,
    endMs: text.endMs ?? null,
    message: text.message,
    type: text.type,
    url: text.url ?? null,
    color: parameters.color,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
}

/**
 * Replaces what a marker says. A start that is not given becomes the default; everything else that is not given is
 * erased. Undefined if there is no such marker.
 * @throws OrderError
 */
export async function updateMarker(
  { writer }: Pick<Database, 'writer'>,
  dataset: string,
  id: string,
  text: MarkerText,
  nowMs: number,
): Promise<StoredMarker | undefined> {
  const [made] = await writer.rows<Pick<Row, 'created_ms'>>('marker-created', { parameters: { dataset, id } });
  if (!made) return undefined;
  const parameters = {
    ...parametersOf(text),
    id,
    dataset,
    start_ms: BigInt(startOf(text, Number(made.created_ms))),
    now_ms: BigInt(nowMs),
  };
  const [row] = await writer.rows<Row>('marker-update', { parameters });
  return row && toMarker(row);
}

/** Removes a marker and returns it. Undefined if there is no such marker. */
export async function removeMarker(
  { writer }: Pick<Database, 'writer'>,
  dataset: string,
  id: string,
): Promise<StoredMarker | undefined> {
  const [row] = await writer.rows<Row>('marker-delete', { parameters: { dataset, id } });
  return row && toMarker(row);
}

/** The markers of one dataset, in order of start. */
export async function datasetMarkers({ reader, signal }: Asking, dataset: string): Promise<StoredMarker[]> {
  const rows = await reader.rows<Row>('marker-list', {
    parameters: { dataset, limit: mostMarkers },
    ...(signal ? { signal } : {}),
  });
  return rows.map(toMarker);
}

/** The markers of every dataset that overlap a range of Unix milliseconds. */
export async function listMarkers({ reader, signal }: Asking, fromMs: number, toMs: number): Promise<Marker[]> {
  const rows = await reader.rows<Row>('marker-range', {
    parameters: { from_ms: BigInt(Math.floor(fromMs)), to_ms: BigInt(Math.ceil(toMs)), limit: mostInRange },
    ...(signal ? { signal } : {}),
  });
  return rows.map((row) => {
    const { createdMs: _created, updatedMs: _updated, ...marker } = toMarker(row);
    return marker;
  });
}
