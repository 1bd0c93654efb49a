import type { Database, Statement } from '@hotrod/kit/database';
import { type Delay, drawDelayMs } from '@hotrod/kit/delays';
import { ServiceError } from '@hotrod/kit/errors';
import type { Random } from '@hotrod/kit/random';

import type { Customer, Customers } from './contract.ts';

// pg_sleep stands for a database that has work to do; inside the statement, so that the statement's span shows it.
const findCustomer: Statement = {
  name: 'find-customer',
  text: `SELECT c.id, c.name, c.location[0] AS x, c.location[1] AS y
FROM customer.customers AS c, pg_sleep($2 / 1000.0)
WHERE c.id = $1`,
};

const findCustomerWithHistory: Statement = {
  name: 'find-customer-with-history',
  text: `SELECT c.id, c.name, c.location[0] AS x, c.location[1] AS y, count(r.id) AS rides, max(r.ordered_at) AS last_ride
FROM customer.customers AS c LEFT JOIN customer.ride_history AS r ON lower(r.customer_name) = lower(c.name), pg_sleep($2 / 1000.0)
WHERE c.id = $1
GROUP BY c.id`,
};

const listCustomers: Statement = {
  name: 'list-customers',
  text: 'SELECT id, name, location[0] AS x, location[1] AS y FROM customer.customers ORDER BY name',
};

interface Row {
  id: number;
  name: string;
  x: number;
  y: number;
}

/** Customers in Postgres. */
export function createCustomersDatabase(options: {
  database: Database;
  random: Random;
  delay: Delay;
  slowFactor: number;
}): Customers {
  const { database, random, delay, slowFactor } = options;
  return {
    async find(id) {
      let statement = findCustomer;
      let factor = 1;
      // Loyal customers get their history looked up with them.
      if ((id === 57319 || id === 88654) && random() < 0.5) {
        statement = findCustomerWithHistory;
        factor = slowFactor;
      }
      const [row] = await database.query<Row>(statement, [id, drawDelayMs(random, delay, factor)]);
      if (!row) throw new ServiceError('not_found', `There is no customer ${id}.`);
      return toCustomer(row);
    },
    async list() {
      const rows = await database.query<Row>(listCustomers, []);
      return rows.map(toCustomer);
    },
  };
}

function toCustomer({ id, name, x, y }: Row): Customer {
  return { id, name, location: { x, y } };
}
