import type { Origin } from '../../records/resource.ts';
import type { Builders } from '../decoding.ts';
import type { Extent, Wire } from './wire.ts';

/** Reads one item up to its end, and adds what it makes of it to the builders. */
export type ReadItem<I extends Extent = Extent> = (wire: Wire, item: I, origin: Origin, builders: Builders) => void;
