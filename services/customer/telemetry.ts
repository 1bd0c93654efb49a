import { formatLocation } from '@hotrod/kit/location';
import { activeSpan, enrich } from '@hotrod/telemetry/span';

import type { Customer } from './contract.ts';

/** What this service tells of its work, in its own words. */
export const telemetry = {
  customerAsked(id: number): void {
    enrich(activeSpan(), { 'hotrod.customer.id': id });
  },
  customerFound(customer: Customer): void {
    enrich(activeSpan(), {
      'hotrod.customer.name': customer.name,
      'hotrod.customer.location': formatLocation(customer.location),
    });
  },
  /** @param hit whether the customer was in the cache of this process. */
  cacheAsked(hit: boolean): void {
    enrich(activeSpan(), { 'hotrod.customer.cache.hit': hit });
  },
  cacheKept(entries: number): void {
    enrich(activeSpan(), { 'hotrod.customer.cache.entries': entries });
  },
};
