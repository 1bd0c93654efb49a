import type { Origin } from '../../records/resource.ts';
import type { Builders } from '../decoding.ts';

/** Reads one item, and adds what it makes of it to the builders. */
export type ReadJsonItem<I> = (item: I, origin: Origin, builders: Builders) => void;
