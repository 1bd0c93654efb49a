import type { AttributeValue } from './attribute-value.ts';

/** An event of a span, in the shape that the store keeps as JSON. */
export interface SpanEvent {
  /** Unix nanoseconds, decimal. */
  timeNs: string;
  name: string;
  attributes: Record<string, AttributeValue>;
}

/** A link to another span, in the shape that the store keeps as JSON. Ids are lower-case hex. */
export interface SpanLink {
  traceId: string;
  spanId: string;
  attributes: Record<string, AttributeValue>;
}
