import { z } from 'zod';

/** One order: who wants to be picked up, and who asks. */
export interface Order {
  customerId: number;
  /** The browser or virtual user. */
  clientId: string;
  requestId: string;
}

/** Ids that strangers choose end up in logs and traces: printable, and short. */
export const foreignId = z.string().regex(/^[\x21-\x7e]{1,64}$/);
