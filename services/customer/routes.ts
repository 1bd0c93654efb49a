import { ServiceError } from '@hotrod/kit/errors';
import type { Express } from 'express';
import { z } from 'zod';

import type { Customers } from './contract.ts';
import { telemetry } from './telemetry.ts';

const id = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

/** `GET /customer?customer=ID` and `GET /customers`. */
export function customerRoutes(customers: Customers): (app: Express) => void {
  return (app) => {
    app.get('/customer', async (request, response) => {
      const parsed = id.safeParse(request.query['customer']);
      if (!parsed.success)
        throw new ServiceError('invalid_argument', 'The parameter "customer" must be a whole number, such as 123.');
      telemetry.customerAsked(parsed.data);
      const customer = await customers.find(parsed.data);
      telemetry.customerFound(customer);
      response.json(customer);
    });
    app.get('/customers', async (_request, response) => {
      response.json(await customers.list());
    });
  };
}
