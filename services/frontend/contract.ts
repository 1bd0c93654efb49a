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

/** What the page needs to know before the first ride. */
export const pageConfigSchema = z.object({
  customers: z.array(customerSchema),
  city: z.object({ width: z.number(), height: z.number() }),
  /** A link to a trace, with `{traceId}` where the id goes; null where no viewer is configured. */
  traceUrl: z.string().nullable(),
  release: z.string(),
  revision: z.string().nullable(),
  environment: z.string(),
});
export type PageConfig = z.infer<typeof pageConfigSchema>;
