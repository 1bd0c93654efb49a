import {
  type Builders,
  type Decoded,
  type Decoders,
  RejectedError,
  rejectItem,
  rejectRequest,
  scopeText,
  takeLogs,
  takeMetrics,
  takeSpans,
  toResource,
} from './decoding.ts';
import { pause } from '../store/pause.ts';
import type { Origin } from '../store/records.ts';
import { readLog, readMetric, readSpan } from './json-items.ts';
import { addKeyValues, type JsonObject, object, objects, parseRequest, text } from './json-value.ts';

/** Reads one item, and adds what it makes of it to the builders. */
export type ReadJsonItem = (item: JsonObject, origin: Origin, builders: Builders) => void;

const itemsBetweenPauses = 1024;

/** Decoders of the three requests of OTLP in JSON. */
export function createJsonDecoders(builders: Builders): Decoders {
  return {
    spans: (bytes) => decodeRequest(bytes, builders, ['resourceSpans', 'scopeSpans', 'spans'], readSpan, takeSpans),
    logs: (bytes) => decodeRequest(bytes, builders, ['resourceLogs', 'scopeLogs', 'logRecords'], readLog, takeLogs),
    metrics: (bytes) =>
      decodeRequest(bytes, builders, ['resourceMetrics', 'scopeMetrics', 'metrics'], readMetric, takeMetrics),
  };
}

async function decodeRequest<T>(
  bytes: Buffer,
  builders: Builders,
  [byResource, byScope, itemsName]: readonly [string, string, string],
  readItem: ReadJsonItem,
  take: (builders: Builders) => T,
): Promise<Decoded<T>> {
  let rejected = 0;
  let reason = '';
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
            readItem(item, origin, builders);
          } catch (error) {
            if (!(error instanceof RejectedError)) throw error;
            rejectItem(builders);
            rejected += 1;
            reason ||= error.message;
          }
          untilPause -= 1;
          if (untilPause === 0) {
            untilPause = itemsBetweenPauses;
            await pause();
          }
        }
      }
    }
  } catch (error) {
    rejectRequest(builders);
    throw error;
  }
  return { items: take(builders), rejected, reason };
}
