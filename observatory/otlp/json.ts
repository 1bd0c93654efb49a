import { setImmediate } from 'node:timers/promises';

import {
  type Builders,
  type Decoded,
  type Decoders,
  type Origin,
  RejectedError,
  scopeText,
  toResource,
} from './decoding.ts';
import { readLog, readMetric, readSpan } from './json-items.ts';
import { addKeyValues, type JsonObject, object, objects, parseRequest, text } from './json-value.ts';

export type ReadJsonItem<T> = (item: JsonObject, origin: Origin, builders: Builders, items: T[]) => void;

const itemsBetweenPauses = 1024;

/** Decoders of the three requests of OTLP in JSON. */
export function createJsonDecoders(builders: Builders): Decoders {
  return {
    spans: (bytes) => decodeRequest(bytes, builders, ['resourceSpans', 'scopeSpans', 'spans'], readSpan),
    logs: (bytes) => decodeRequest(bytes, builders, ['resourceLogs', 'scopeLogs', 'logRecords'], readLog),
    metrics: (bytes) => decodeRequest(bytes, builders, ['resourceMetrics', 'scopeMetrics', 'metrics'], readMetric),
  };
}

async function decodeRequest<T>(
  bytes: Buffer,
  builders: Builders,
  [byResource, byScope, itemsName]: readonly [string, string, string],
  readItem: ReadJsonItem<T>,
): Promise<Decoded<T>> {
  const decoded: Decoded<T> = { items: [], rejected: 0, reason: '' };
  let untilPause = itemsBetweenPauses;
  try {
    for (const ofResource of objects(parseRequest(bytes)[byResource], byResource)) {
      addKeyValues(object(ofResource.resource ?? {}, 'resource').attributes, builders.other);
      const resource = toResource(builders.other.finish());
      for (const ofScope of objects(ofResource[byScope], byScope)) {
        const scope = object(ofScope.scope ?? {}, 'scope');
        const origin: Origin = {
          resource,
          scope: scopeText(text(scope.name, 'scope.name'), text(scope.version, 'scope.version')),
        };
        for (const item of objects(ofScope[itemsName], itemsName)) {
          try {
            readItem(item, origin, builders, decoded.items);
          } catch (error) {
            if (!(error instanceof RejectedError)) throw error;
            builders.span.clear();
            builders.other.clear();
            decoded.rejected += 1;
            decoded.reason ||= error.message;
          }
          untilPause -= 1;
          if (untilPause === 0) {
            untilPause = itemsBetweenPauses;
            await setImmediate();
          }
        }
      }
    }
  } catch (error) {
    builders.span.clear();
    builders.other.clear();
    throw error;
  }
  return decoded;
}
