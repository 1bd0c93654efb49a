import { createHash, timingSafeEqual } from 'node:crypto';
import { ServiceError } from '@hotrod/kit/errors';
import express, { type Request, type RequestHandler, Router } from 'express';
import type { HoneycombMarker } from '../contract/contract.ts';
import { markerBody } from '../contract/parameters.ts';
import {
  addMarker,
  datasetMarkers,
  OrderError,
  removeMarker,
  updateMarker,
  type MarkerText,
  type StoredMarker,
} from '../store/markers/markers.ts';
import type { ApiContext } from './context.ts';
import { invalid, refuseOtherMethods } from './problem.ts';

function readBody(request: Request): MarkerText {
  const parsed = markerBody.safeParse(request.body ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const parameter = String(issue?.path[0] ?? 'body');
    throw invalid(`"${parameter}": ${issue?.message ?? 'not valid'}`, parameter);
  }
  const { start_time, end_time, message, type, url } = parsed.data;
  return {
    startMs: start_time ? Math.floor(start_time) * 1000 : undefined,
    endMs: end_time ? Math.floor(end_time) * 1000 : undefined,
    message: message ?? '',
    type: type ?? '',
    url: url ? url : undefined,
  };
}

/** Runs what stores a marker; only the store knows the start of one that does not say it. */
async function inOrder<T>(store: Promise<T>): Promise<T> {
  try {
    return await store;
  } catch (error) {
    if (error instanceof OrderError) throw invalid(error.message, 'end_time');
    throw error;
  }
}

function readName(request: Request, parameter: string): string {
  const name = String(request.params[parameter]);
  if (!/^[\w .:@-]{1,128}$/.test(name)) {
    throw invalid(`"${parameter}": Expected up to 128 letters, digits and _ . : @ -`, parameter);
  }
  return name;
}

/** A marker in Honeycomb's words: instants in Unix seconds, what is empty left out. */
function toHoneycomb(marker: StoredMarker): HoneycombMarker {
  return {
    id: marker.id,
    created_at: new Date(marker.createdMs).toISOString(),
    updated_at: new Date(marker.updatedMs).toISOString(),
    start_time: Math.floor(marker.startMs / 1000),
    ...(marker.endMs === null ? {} : { end_time: Math.floor(marker.endMs / 1000) }),
    ...(marker.message === '' ? {} : { message: marker.message }),
    ...(marker.type === '' ? {} : { type: marker.type }),
    ...(marker.url === null ? {} : { url: marker.url }),
    color: marker.color,
  };
}

/** If there is a key, refuses every request without it. */
function keyGuard(key: string | undefined): RequestHandler {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return (request, _response, next) => {
    if (key !== undefined && !timingSafeEqual(digest(request.get('X-Honeycomb-Team') ?? ''), digest(key))) {
      throw new ServiceError(
        'unauthorized',
        'The header X-Honeycomb-Team does not carry the key of the markers, which is OBSERVATORY_MARKERS_KEY.',
      );
    }
    next();
  };
}

/**
 * Requests that write must also have JSON as their content type. A stranger's page could send other types without a
 * preflight request.
 */
const onlyJson: RequestHandler = (request, _response, next) => {
  if (!request.is('application/json'))
    throw new ServiceError('unsupported_media_type', 'Send Content-Type: application/json.');
  next();
};

/** Honeycomb's markers API under `/1/markers`, as its `honeymarker` program uses it. */
export function markerRoutes(context: ApiContext): Router {
  const router = Router({ caseSensitive: true });
  const { database } = context.parts;
  const json = [onlyJson, express.json({ limit: '16kb', strict: true })];
  const gone = (id: string): ServiceError =>
    new ServiceError('not_found', `There is no marker "${id}" in this dataset.`);
  router.use(keyGuard(context.markersKey));

  router.get('/:dataset', async (request, response) => {
    const dataset = readName(request, 'dataset');
    const markers = await context.askingAside(request, response, (reader) => datasetMarkers(reader, dataset));
    response.json(markers.map(toHoneycomb));
  });

  router.post('/:dataset', ...json, async (request, response) => {
    const dataset = readName(request, 'dataset');
    const marker = await inOrder(addMarker(database, dataset, readBody(request), context.now()));
    if (!marker) throw new ServiceError('limit_reached', 'There are too many markers; remove some first.');
    response.status(201).json(toHoneycomb(marker));
  });

  router.put('/:dataset/:id', ...json, async (request, response) => {
    const id = readName(request, 'id');
    const dataset = readName(request, 'dataset');
    const marker = await inOrder(updateMarker(database, dataset, id, readBody(request), context.now()));
    if (!marker) throw gone(id);
    response.json(toHoneycomb(marker));
  });

  router.delete('/:dataset/:id', async (request, response) => {
    const id = readName(request, 'id');
    const marker = await removeMarker(database, readName(request, 'dataset'), id);
    if (!marker) throw gone(id);
    response.json(toHoneycomb(marker));
  });

  refuseOtherMethods(router);
  return router;
}
