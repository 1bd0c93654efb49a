import type { Location } from '@hotrod/kit/location';

import type { Route } from './contract.ts';

/** Metres in one unit of the map. */
const metersPerUnit = 50;

/**
 * The way along the streets, which run north–south and east–west: first across, then up or down. Its length is the
 * Manhattan distance, its time that length at the given speed.
 */
export function computeRoute(pickup: Location, dropoff: Location, speedMetersPerSecond: number): Route {
  const units = Math.abs(pickup.x - dropoff.x) + Math.abs(pickup.y - dropoff.y);
  const distanceMeters = Math.round(units * metersPerUnit);
  return {
    distanceMeters,
    etaSeconds: Math.round(distanceMeters / speedMetersPerSecond),
    path: [pickup, { x: dropoff.x, y: pickup.y }, dropoff],
  };
}
