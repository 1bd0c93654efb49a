import { type Location, locationSchema } from '@hotrod/kit/location';
import { z } from 'zod';

export const routeSchema = z.object({
  /** Seconds from pickup to dropoff. */
  etaSeconds: z.number(),
  /** Metres along the streets. */
  distanceMeters: z.number(),
  /** The way, corner by corner. */
  path: z.array(locationSchema),
});
export type Route = z.infer<typeof routeSchema>;

/** What the route service does for others. */
export interface Routes {
  compute(pickup: Location, dropoff: Location): Promise<Route>;
}
