import type { SpanKind, SpanStatus } from './records.ts';

/** What a span has beside its ids, origin, texts and attributes. */
export interface SpanNumbers {
  kind: SpanKind;
  status: SpanStatus;
  startNs: bigint;
  /** Never negative. */
  durationNs: bigint;
}

/** Texts of a span beside its ids, origin and attributes. */
export const spanTexts = { name: 0, statusMessage: 1, events: 2, links: 3 } as const;
export type TextPlace = (typeof spanTexts)[keyof typeof spanTexts];
