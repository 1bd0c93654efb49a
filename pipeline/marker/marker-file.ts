import { accessSync, constants, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { isMarkerId, type Marker, parseObject } from './marker.ts';

/** To be asked before a marker is made: one that cannot be kept could not be closed. @throws where it cannot be kept. */
export function ensureWritable(path: string): void {
  accessSync(dirname(path), constants.W_OK);
}

/** Keeps a marker for the process that will close it. The file is there as a whole or as it was. */
export function writeMarkerFile(path: string, marker: Marker): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(marker, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** @throws where there is no such file, or it is not one of {@link writeMarkerFile}'s. */
export function readMarkerFile(path: string): Marker {
  const marker = parseObject(readFileSync(path, 'utf8'));
  if (!marker || !isMarker(marker)) throw new Error(`${path} does not hold a marker`);
  return marker;
}

function isMarker(value: object): value is Marker {
  const { dataset, id, start_time, end_time, message, type, url }: { [Name in keyof Marker]?: unknown } = value;
  return (
    isMarkerId(id) &&
    Number.isSafeInteger(start_time) &&
    (end_time === undefined || Number.isSafeInteger(end_time)) &&
    [dataset, message, type].every((each) => typeof each === 'string') &&
    (url === undefined || typeof url === 'string')
  );
}
