import { accessSync, constants, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { httpUrl, isObject, parseJson } from '../request.ts';
import { isMarkerId } from './honeycomb.ts';
import { isRunId, type OpenMarker } from './place.ts';
import { type KeptAddress, placeKinds } from './places.ts';

/** What the process that closes a marker has to know. It holds no key. */
export interface MarkerFile {
  dataset: string;
  markers: { to: KeptAddress; marker: OpenMarker }[];
}

/** To be called before a marker is made: one that cannot be kept could not be closed. @throws if it cannot be kept. */
export function ensureWritable(path: string): void {
  accessSync(dirname(path), constants.W_OK);
}

/** Keeps markers for the process that will close them. The file is there as a whole or as it was. */
export function writeMarkerFile(path: string, file: MarkerFile): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** @throws if there is no such file, or it is not one of {@link writeMarkerFile}'s. */
export function readMarkerFile(path: string): MarkerFile {
  const file = parseJson(readFileSync(path, 'utf8'));
  if (!isMarkerFile(file)) throw new Error(`${path} does not hold markers`);
  return file;
}

function isMarkerFile(value: unknown): value is MarkerFile {
  if (!isObject(value) || typeof value['dataset'] !== 'string' || !Array.isArray(value['markers'])) return false;
  return value['markers'].every(
    (each: unknown) => isObject(each) && isKeptAddress(each['to']) && isOpenMarker(each['marker']),
  );
}

function isKeptAddress(value: unknown): value is KeptAddress {
  if (!isObject(value) || !placeKinds.some((kind) => kind === value['kind'])) return false;
  if (typeof value['fingerprint'] === 'string') return value['url'] === undefined;
  return typeof value['url'] === 'string' && isHttpUrl(value['url']);
}

function isHttpUrl(text: string): boolean {
  try {
    httpUrl(text, 'It');
    return true;
  } catch {
    return false;
  }
}

function isOpenMarker(value: unknown): value is OpenMarker {
  if (!isObject(value)) return false;
  const { id, run, start_time, message, type, url } = value;
  return (
    (id === '' || isMarkerId(id)) &&
    typeof run === 'string' &&
    isRunId(run) &&
    Number.isSafeInteger(start_time) &&
    typeof message === 'string' &&
    typeof type === 'string' &&
    (url === undefined || typeof url === 'string')
  );
}
