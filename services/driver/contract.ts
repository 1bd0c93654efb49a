import { type Location, locationSchema } from '@hotrod/kit/location';
import { z } from 'zod';

export const driverSchema = z.object({ id: z.string(), location: locationSchema });
export type Driver = z.infer<typeof driverSchema>;

export const nearestDriversSchema = z.object({
  drivers: z.array(driverSchema),
  /** Reads of single drivers that failed and were tried again. */
  failedReads: z.int(),
});
export type NearestDrivers = z.infer<typeof nearestDriversSchema>;

/** How many drivers a ride can choose from. */
export const candidates = 10;

/** What the driver service does for others. */
export interface Drivers {
  /** The nearest free drivers, nearest first, at most {@link candidates}. */
  findNearest(location: Location): Promise<NearestDrivers>;
  /**
   * Takes a driver for one ride; the driver comes free again by itself when the ride is over.
   *
   * @param rideId who asks: the same ride may ask again and gets the same answer.
   * @throws {ServiceError} `conflict` if another ride was first, `not_found` if there is no such driver.
   */
  claim(driverId: string, rideId: string): Promise<void>;
}
