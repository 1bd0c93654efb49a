import type { Batches, Signal } from './records.ts';

/** What the receiver needs of the store. */
export interface Intake {
  /** Whether a batch of so many items and bytes may be taken now. */
  hasRoom(items: number, bytes: number): boolean;
  /** Whether there is no room for so many items because of their number, of which a setting says how many may wait. */
  exceedsItems(items: number): boolean;
  /** Why nothing can be stored now, a sentence; null when all is well. There is no room while there is a reason. */
  failure(): string | null;
  /** Takes a batch for which there is room (`hasRoom`). It is stored within about a second. */
  take<S extends Signal>(signal: S, items: Batches[S], bytes: number): void;
}
