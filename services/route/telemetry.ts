import { createBoundedValues } from '@hotrod/telemetry/bounded-values';
import { createCounter } from '@hotrod/telemetry/metric';
import { activeSpan, baggageValue, enrich } from '@hotrod/telemetry/span';

import type { Route } from './contract.ts';

const calculationTime = createCounter('@hotrod/route', 'hotrod.route.calculation.time');
const boundedCustomer = createBoundedValues(100);

/** What this service tells of its work, in its own words. */
export const telemetry = {
  /** @param seconds how long the calculation took. The baggage, not an argument, says for whom it was. */
  routeComputed(route: Route, seconds: number): void {
    enrich(activeSpan(), { 'hotrod.route.eta': route.etaSeconds, 'hotrod.route.distance': route.distanceMeters });
    calculationTime.add(seconds, { 'hotrod.customer.name': boundedCustomer(baggageValue('hotrod.customer.name')) });
  },
};
