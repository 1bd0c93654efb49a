import type { ServiceClient } from '@hotrod/kit/client';
import { z } from 'zod';

import { customerSchema, type Customers } from './contract.ts';

/** The customer service, over HTTP. */
export function createCustomersClient(client: ServiceClient): Customers {
  return {
    find: (id) => client.get('/customer', { customer: id }, customerSchema),
    list: () => client.get('/customers', {}, z.array(customerSchema)),
  };
}
