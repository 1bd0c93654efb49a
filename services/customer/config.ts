import { databaseSettings, listenSettings, number } from '@hotrod/kit/config';
import { flagSettings } from '@hotrod/kit/flags';

/** How many times the normal delay the statement of the slow customers takes. */
const slowCustomerFactor = 5;

export const settings = {
  ...listenSettings(8081),
  ...databaseSettings(),
  ...flagSettings(),
  queryDelayMs: number(
    'CUSTOMER_QUERY_DELAY_MS',
    400,
    'the mean time that finding a customer takes in the database, in milliseconds',
  ),
  queryDelayDeviationMs: number('CUSTOMER_QUERY_DELAY_DEVIATION_MS', 40, 'its standard deviation, in milliseconds'),
  slowFactor: number(
    'CUSTOMER_SLOW_FACTOR',
    slowCustomerFactor,
    'how many times that delay the slow customers have to wait',
    { max: 100 },
  ),
};
