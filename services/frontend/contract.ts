import { customerSchema } from '@hotrod/customer/contract';
import { locationSchema } from '@hotrod/kit/location';
import { z } from 'zod';

/** The answer to an order: who comes, from where, by which way, and when. */
export const dispatchSchema = z.object({
  requestId: z.string(),
  customer: customerSchema,
  driver: z.object({ id: z.string(), location: locationSchema }),
  etaSeconds: z.number(),
  /** The same for people: whole minutes, at least one. */
  etaMinutes: z.int(),
  /** Metres along the streets. */
  distance: z.number(),
  /** The driver's way to the customer, corner by corner. */
  route: z.array(locationSchema),
});
export type Dispatch = z.infer<typeof dispatchSchema>;

/**
 * Something that happened to a ride of this frontend process, as `GET /events` tells it. `id` is the ride's own; every
 * event of a ride has the same one.
 */
const rideEventBase = {
  id: z.string(),
  customerId: z.int(),
  /** The order's own id. Only the client that ordered is told it, and knows its ride by it. */
  requestId: z.string().optional(),
  /** How long ago this happened, in milliseconds; left out if it is now. */
  ageMs: z.number().optional(),
};
const endedRideBase = {
  ...rideEventBase,
  /** From the order to the answer, in milliseconds. */
  latencyMs: z.number(),
  /** 32 hexadecimal digits; null if telemetry is off. */
  traceId: z.string().nullable(),
};
export const rideEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ordered'), ...rideEventBase }),
  z.object({
    kind: z.literal('dispatched'),
    ...endedRideBase,
    driverId: z.string(),
    etaSeconds: z.number(),
    route: z.array(locationSchema),
  }),
  /** `code` is that of the problem document, such as `overloaded`. */
  z.object({ kind: z.literal('failed'), ...endedRideBase, code: z.string() }),
]);
export type RideEvent = z.infer<typeof rideEventSchema>;

/** What the page needs to know before the first ride. */
export const pageConfigSchema = z.object({
  customers: z.array(customerSchema),
  city: z.object({ width: z.number(), height: z.number() }),
  /** A link to a trace, with `{traceId}` where the id goes; null if no viewer is configured. */
  traceUrl: z.string().nullable(),
  /** Where the Observatory is, for a link; null if there is none. */
  observatoryUrl: z.string().nullable(),
  release: z.string(),
  revision: z.string().nullable(),
  environment: z.string(),
});
export type PageConfig = z.infer<typeof pageConfigSchema>;
