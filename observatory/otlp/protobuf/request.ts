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
import type { AttributeSet } from '../../records/attribute-shapes.ts';
import { createSlices, type Slices } from '../../async/pause.ts';
import type { Origin, Resource } from '../../records/resource.ts';
import { beginItem, countValues } from '../any-value.ts';
import { readLog } from './logs.ts';
import type { ReadItem } from './read-item.ts';
import { points, readPoint } from './metrics.ts';
import { readSpan } from './spans.ts';
import {
  createWire,
  type Extent,
  lengthDelimited,
  lengthField,
  messages,
  skip,
  string,
  tag,
  varint,
  varintField,
  type Wire,
} from './wire.ts';
import { addKeyValue } from './wire-attributes.ts';

/**
 * Bytes between two looks at the clock. What takes long to read has many bytes, except for empty messages of two bytes
 * each.
 */
const bytesBetweenLooks = 16_384;

/** What the three requests differ in. */
interface Kind<T, I extends Extent> {
  /** Where the items of a scope lie; null is none, but a place to pause. */
  items: (wire: Wire, scope: Extent) => Iterable<I | null>;
  readItem: ReadItem<I>;
  take: (builders: Builders) => T;
}

const itemsOf = (wire: Wire, { start, end }: Extent): Iterable<Extent> => messages(wire, start, end, 2);

/** Decoders of the three requests of OTLP in protobuf (opentelemetry-proto 1.x), written by hand for speed. */
export function createProtobufDecoders(builders: Builders): Decoders {
  return {
    spans: (bytes) => decodeRequest(bytes, builders, { items: itemsOf, readItem: readSpan, take: takeSpans }),
    logs: (bytes) => decodeRequest(bytes, builders, { items: itemsOf, readItem: readLog, take: takeLogs }),
    metrics: (bytes) => decodeRequest(bytes, builders, { items: points, readItem: readPoint, take: takeMetrics }),
  };
}

/**
 * All three requests are alike: request { 1: resource items { 1: resource, 2: scope items { 1: scope, 2: item } } }.
 * A resource or scope may stand after its items, so each level is gone through twice.
 */
async function decodeRequest<T, I extends Extent>(
  bytes: Buffer,
  builders: Builders,
  { items, readItem, take }: Kind<T, I>,
): Promise<Decoded<T>> {
  const count: Rejected = { rejected: 0, reason: '' };
  const wire = createWire(bytes);
  const slices = createReadSlices(wire);
  const scopeAttributes = createScopeAttributes();
  try {
    for (const ofResource of messages(wire, 0, bytes.length, 1)) {
      const attributes = readResource(wire, ofResource, builders);
      let resource: Resource | null = null;
      for (const ofScope of messages(wire, ofResource.start, ofResource.end, 2)) {
        const scope = readScope(wire, ofScope, scopeAttributes);
        let origin: Origin | null = null;
        for (const item of items(wire, ofScope)) {
          if (item !== null) {
            origin ??= { resource: (resource ??= toResource(attributes)), ...scope };
            wire.position = item.start;
            beginItem();
            try {
              readItem(wire, item, origin, builders);
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

/** Slices of the reader's work, whose clock is looked at whenever it has come on a little. */
function createReadSlices(wire: Wire): Slices {
  const slices = createSlices(sliceMs, 1);
  let lookedAt = 0;
  return {
    isOver() {
      if (wire.position - lookedAt < bytesBetweenLooks) return false;
      lookedAt = wire.position;
      return slices.isOver();
    },
    next: slices.next,
  };
}

function readResource(wire: Wire, { start, end }: Extent, { other }: Builders): AttributeSet {
  beginItem();
  for (const resource of messages(wire, start, end, 1)) {
    countValues(1);
    for (const attribute of messages(wire, resource.start, resource.end, 1)) {
      countValues(1);
      wire.position = attribute.start;
      addKeyValue(wire, attribute.end, other);
    }
    addDropped(droppedKeys.attributes, droppedOf(wire, resource), other);
  }
  return other.finish();
}

/** How many attributes a resource lacks: its field 2. */
function droppedOf(wire: Wire, { start, end }: Extent): number {
  let dropped = 0;
  wire.position = start;
  while (wire.position < end) {
    const field = tag(wire, end);
    if (field === varintField(2)) dropped = varint(wire, end);
    else skip(wire, field, end);
  }
  return dropped;
}

function readScope(
  wire: Wire,
  { start, end }: Extent,
  attributes: ReturnType<typeof createScopeAttributes>,
): Pick<Origin, 'scope' | 'scopeAttributes'> {
  let name = '';
  let version = '';
  beginItem();
  for (const scope of messages(wire, start, end, 1)) {
    countValues(1);
    wire.position = scope.start;
    while (wire.position < scope.end) {
      const field = tag(wire, scope.end);
      if (field === lengthField(1)) name = string(wire, scope.end);
      else if (field === lengthField(2)) version = string(wire, scope.end);
      else if (field === lengthField(3)) {
        countValues(1);
        addKeyValue(wire, lengthDelimited(wire, scope.end), attributes);
      } else if (field === varintField(4)) {
        addDropped('otel.scope.dropped_attributes_count', varint(wire, scope.end), attributes);
      } else skip(wire, field, scope.end);
    }
  }
  return { scope: scopeText(name, version), scopeAttributes: attributes.finish() };
}

/** How many items a request holds, without reading them: for counting what is refused unread. 0 if it is malformed. */
export async function countItems(bytes: Buffer): Promise<number> {
  const wire = createWire(bytes);
  const slices = createReadSlices(wire);
  let count = 0;
  try {
    for (const ofResource of messages(wire, 0, bytes.length, 1)) {
      for (const ofScope of messages(wire, ofResource.start, ofResource.end, 2)) {
        for (const item of itemsOf(wire, ofScope)) {
          count += 1;
          wire.position = item.end;
          if (slices.isOver()) await slices.next();
        }
        if (slices.isOver()) await slices.next();
      }
      if (slices.isOver()) await slices.next();
    }
  } catch {
    return 0;
  }
  return count;
}
