import { keyCountsDefaults, type KeyCountsOptions } from './key-counts.ts';

export interface IngestOptions {
  /** How long an item waits for others, ms. A crash loses the items of this time and of one flush. */
  flushIntervalMs: number;
  /** Items that may wait; more are not taken. */
  queueItems: number;
  /** Their size on the wire, bytes; also a bound. */
  queueBytes: number;
  checkpointIntervalMs: number;
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
  queueItems: 65_536,
  queueBytes: 128 * 2 ** 20,
  checkpointIntervalMs: 5_000,
  retryMs: 1_000,
  windowMs: 4_000,
  yieldMs: 6_000,
  keys: keyCountsDefaults,
};

export interface IngestLog {
  error(data: object, message: string): void;
}
