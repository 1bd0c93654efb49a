import { activeSpan, enrich } from '@hotrod/telemetry/span';

import type { NearestDrivers } from './contract.ts';

/** What this service tells of its work, in its own words. */
export const telemetry = {
  driversFound({ drivers, failedReads }: NearestDrivers): void {
    enrich(activeSpan(), { 'hotrod.driver.candidates': drivers.length, 'hotrod.driver.read.failures': failedReads });
  },
  driverClaimed(driverId: string): void {
    enrich(activeSpan(), { 'hotrod.driver.id': driverId });
  },
};
