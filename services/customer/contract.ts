import { locationSchema } from '@hotrod/kit/location';
import { z } from 'zod';

export const customerSchema = z.object({ id: z.int(), name: z.string(), location: locationSchema });
export type Customer = z.infer<typeof customerSchema>;

/** What the customer service does for others. */
export interface Customers {
  /** @throws {ServiceError} `not_found` if there is no such customer. */
  find(id: number): Promise<Customer>;
  /** All of them, by name. */
  list(): Promise<Customer[]>;
}
