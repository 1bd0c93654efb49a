import type { Batches, Signal } from './records.ts';

/** What the receiver needs of the store. */
export interface Intake {
  /** Whether a batch of so many items and bytes may be taken now. */
  hasRoom(items: number, bytes: number): boolean;
  /** Why nothing can be stored now, a sentence; null where all is well. While there is a reason there is no room. */
  failure(): string | null;
  /** Takes a batch; the caller has asked for room. It is stored within about a second. */
  take<S extends Signal>(signal: S, items: Batches[S], bytes: number): void;
}
