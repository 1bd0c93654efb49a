import {
  addDropped,
  type Builders,
  createScopeAttributes,
  droppedKeys,
  type Decoded,
  type Decoders,
  type Rejected,
  rejectItem,
  rejectRequest,
  scopeText,
  sliceMs,
  takeLogs,
  takeMetrics,
  takeSpans,
  toResource,
} from '../decoding.ts';
import { createSlices } from '../../async/pause.ts';
import type { LogEntry, MetricPoint } from '../../records/records.ts';
import type { Origin, Resource } from '../../records/resource.ts';
import type { SpanBatch } from '../../records/span-batch.ts';
import { beginItem } from '../any-value.ts';
import { type JsonPoint, points, readLog, readPoint, readSpan } from './items.ts';
import type { ReadJsonItem } from './read-json-item.ts';
import { parseJson } from './parse.ts';
import { addKeyValues, eachObject, integer, type JsonObject, object, text } from './value.ts';

/** What the three requests differ in. */
interface Kind<T, I> {
  /** The members that lead to the items. */
  path: readonly [string, string, string];
  /** The items of what is there; null is none, but a place to pause. */
  items: (objects: Iterable<JsonObject>) => Iterable<I | null>;
  readItem: ReadJsonItem<I>;
  take: (builders: Builders) => T;
}

/** Decoders of the three requests of OTLP in JSON. */
export function createJsonDecoders(builders: Builders): Decoders {
  const spans: Kind<SpanBatch, JsonObject> = {
    path: ['resourceSpans', 'scopeSpans', 'spans'],
    items: (objects) => objects,
    readItem: readSpan,
    take: takeSpans,
  };
  const logs: Kind<LogEntry[], JsonObject> = {
    path: ['resourceLogs', 'scopeLogs', 'logRecords'],
    items: (objects) => objects,
    readItem: readLog,
    take: takeLogs,
  };
  const metrics: Kind<MetricPoint[], JsonPoint> = {
    path: ['resourceMetrics', 'scopeMetrics', 'metrics'],
    items: points,
    readItem: readPoint,
    take: takeMetrics,
  };
  return {
    spans: (bytes) => decodeRequest(bytes, builders, spans),
    logs: (bytes) => decodeRequest(bytes, builders, logs),
    metrics: (bytes) => decodeRequest(bytes, builders, metrics),
  };
}

async function decodeRequest<T, I>(
  bytes: Buffer,
  builders: Builders,
  { path: [byResource, byScope, itemsName], items, readItem, take }: Kind<T, I>,
): Promise<Decoded<T>> {
  const count: Rejected = { rejected: 0, reason: '' };
  const slices = createSlices(sliceMs, 1);
  const scopeAttributes = createScopeAttributes();
  try {
    const request = object(await parseJson(bytes, slices), 'the request');
    for (const ofResource of eachObject(request[byResource], byResource)) {
      beginItem();
      const sent = object(ofResource.resource ?? {}, 'resource');
      addKeyValues(sent.attributes, builders.other);
      addDropped(droppedKeys.attributes, integer(sent.droppedAttributesCount, 'count'), builders.other);
      const attributes = builders.other.finish();
      let resource: Resource | null = null;
      for (const ofScope of eachObject(ofResource[byScope], byScope)) {
        const scope = object(ofScope.scope ?? {}, 'scope');
        const scopeName = scopeText(text(scope.name, 'scope.name'), text(scope.version, 'scope.version'));
        addKeyValues(scope.attributes, scopeAttributes);
        addDropped(
          'otel.scope.dropped_attributes_count',
          integer(scope.droppedAttributesCount, 'count'),
          scopeAttributes,
        );
        const ofAll = scopeAttributes.finish();
        let origin: Origin | null = null;
        for (const item of items(eachObject(ofScope[itemsName], itemsName))) {
          if (item !== null) {
            origin ??= { resource: (resource ??= toResource(attributes)), scope: scopeName, scopeAttributes: ofAll };
            beginItem();
            try {
              readItem(item, origin, builders);
            } catch (error) {
              rejectItem(builders, count, error);
            }
          }
          if (slices.isOver()) await slices.next();
        }
        if (slices.isOver()) await slices.next();
      }
      if (slices.isOver()) await slices.next();
    }
  } catch (error) {
    rejectRequest(builders);
    throw error;
  }
  return { items: take(builders), ...count };
}
