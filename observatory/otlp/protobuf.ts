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
import { createSlices } from '../store/pause.ts';
import type { Origin } from '../store/records.ts';
import { readLog } from './protobuf-logs.ts';
import { readMetric } from './protobuf-metrics.ts';
import { readSpan } from './protobuf-spans.ts';
import { createWire, lengthDelimited, lengthField, skip, string, tag, type Wire } from './wire.ts';
import { addKeyValue } from './wire-attributes.ts';

/** How long the reader works before it lets others have the event loop, milliseconds. */
const sliceMs = 8;
/** Between two looks at the clock. */
const itemsBetweenLooks = 128;

/** Reads one item up to `end`, and adds what it makes of it to the builders. */
export type ReadItem = (wire: Wire, end: number, origin: Origin, builders: Builders) => void;

/** Decoders of the three requests of OTLP in protobuf (opentelemetry-proto 1.x), written by hand for speed. */
export function createProtobufDecoders(builders: Builders): Decoders {
  return {
    spans: (bytes) => decodeRequest(bytes, builders, readSpan, takeSpans),
    logs: (bytes) => decodeRequest(bytes, builders, readLog, takeLogs),
    metrics: (bytes) => decodeRequest(bytes, builders, readMetric, takeMetrics),
  };
}

/**
 * All three requests are alike: request { 1: resource items { 1: resource, 2: scope items { 1: scope, 2: item } } }.
 * A resource or scope may stand after its items, so each level is gone through twice.
 */
async function decodeRequest<T>(
  bytes: Buffer,
  builders: Builders,
  readItem: ReadItem,
  take: (builders: Builders) => T,
): Promise<Decoded<T>> {
  let rejected = 0;
  let reason = '';
  const wire = createWire(bytes);
  const slices = createSlices(sliceMs, itemsBetweenLooks);
  try {
    for (const ofResource of messages(wire, 0, bytes.length, 1)) {
      const resource = readResource(wire, ofResource, builders);
      for (const ofScope of messages(wire, ofResource.start, ofResource.end, 2)) {
        const origin: Origin = { resource, scope: readScope(wire, ofScope) };
        for (const item of messages(wire, ofScope.start, ofScope.end, 2)) {
          wire.position = item.start;
          try {
            readItem(wire, item.end, origin, builders);
          } catch (error) {
            if (!(error instanceof RejectedError)) throw error;
            rejectItem(builders);
            rejected += 1;
            reason ||= error.message;
          }
          if (slices.isOver()) await slices.next();
        }
      }
    }
  } catch (error) {
    rejectRequest(builders);
    throw error;
  }
  return { items: take(builders), rejected, reason };
}

interface Extent {
  start: number;
  end: number;
}

/** Where the messages of one field lie; all others are stepped over. */
function* messages(wire: Wire, start: number, end: number, number: number): Generator<Extent> {
  let position = start;
  while (position < end) {
    wire.position = position;
    const field = tag(wire, end);
    if (field === lengthField(number)) {
      const messageEnd = lengthDelimited(wire, end);
      position = messageEnd;
      yield { start: wire.position, end: messageEnd };
    } else {
      skip(wire, field, end);
      position = wire.position;
    }
  }
}

function readResource(wire: Wire, { start, end }: Extent, { other }: Builders) {
  for (const resource of messages(wire, start, end, 1)) {
    for (const attribute of messages(wire, resource.start, resource.end, 1)) {
      wire.position = attribute.start;
      addKeyValue(wire, attribute.end, other);
    }
  }
  return toResource(other.finish());
}

function readScope(wire: Wire, { start, end }: Extent): string | null {
  let name = '';
  let version = '';
  for (const scope of messages(wire, start, end, 1)) {
    wire.position = scope.start;
    while (wire.position < scope.end) {
      const field = tag(wire, scope.end);
      if (field === lengthField(1)) name = string(wire, scope.end);
      else if (field === lengthField(2)) version = string(wire, scope.end);
      else skip(wire, field, scope.end);
    }
  }
  return scopeText(name, version);
}

/** How many items a request holds, without reading them: for counting what is refused unread. 0 where it is malformed. */
export function countItems(bytes: Buffer): number {
  const wire = createWire(bytes);
  let count = 0;
  try {
    for (const ofResource of messages(wire, 0, bytes.length, 1)) {
      for (const ofScope of messages(wire, ofResource.start, ofResource.end, 2)) {
        count += [...messages(wire, ofScope.start, ofScope.end, 2)].length;
      }
    }
  } catch {
    return 0;
  }
  return count;
}
