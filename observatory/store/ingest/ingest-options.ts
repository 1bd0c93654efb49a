import { keyCountsDefaults, type KeyCountsOptions } from './key-counts.ts';

export interface IngestOptions {
  /** How long an item waits for others, ms. A crash loses the items of this time and of one flush. */
  flushIntervalMs: number;
  /** How long it waits if flushes take long, ms. */
  longestFlushIntervalMs: number;
  /** Items that may wait; more are not taken. */
  queueItems: number;
  /** Their size on the wire, bytes; also a bound. */
  queueBytes: number;
  /** How long after a checkpoint the next one comes, ms, when a group of rows has been written since. */
  checkpointIntervalMs: number;
  /** The same when less has been written, ms. */
  quietCheckpointIntervalMs: number;
  /** How long to wait before what could not be stored is tried again, ms. */
  retryMs: number;
  /**
   * Nothing is taken while an item has waited for longer than this to be stored, ms. So a crash loses at most what was
   * acknowledged within this time.
   */
  windowMs: number;
  /** When an item has waited for this long, ms, questions are stopped and held off until it is stored. */
  yieldMs: number;
  /** How many keys the catalogue takes. */
  keys: KeyCountsOptions;
}

export const ingestDefaults: IngestOptions = {
  flushIntervalMs: 400,
  longestFlushIntervalMs: 1_000,
  queueItems: 65_536,
  queueBytes: 128 * 2 ** 20,
  checkpointIntervalMs: 5_000,
  quietCheckpointIntervalMs: 10_000,
  retryMs: 1_000,
  windowMs: 4_000,
  yieldMs: 6_000,
  keys: keyCountsDefaults,
};

export interface IngestLog {
  error(data: object, message: string): void;
}
