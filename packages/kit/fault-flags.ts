/**
 * The flags that switch faults on, by the keys they have in `faults/flags.json`. Every value is a number: 0 is off, and
 * what another number means is said in the fault's manifest. A test holds this list against the file.
 */
export const faultFlags = [
  'pool-of-one',
  'sequential-lookups',
  'driver-timeouts',
  'retry-storm',
  'small-route-pool',
  'route-failures',
  'broken-context',
  'event-loop-block',
  'memory-leak',
  'slow-release',
  'clock-skew',
  'log-flood',
  'cold-cache',
] as const;

export type FaultFlag = (typeof faultFlags)[number];
