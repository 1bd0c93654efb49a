import { databaseSettings, integer, listenSettings, number } from '@hotrod/kit/config';
import { flagSettings } from '@hotrod/kit/flags';

export const settings = {
  ...listenSettings(8082),
  ...databaseSettings(),
  ...flagSettings(),
  searchDelayMs: number(
    'DRIVER_SEARCH_DELAY_MS',
    20,
    'the mean time that the search for near drivers takes in the database, in milliseconds',
  ),
  searchDelayDeviationMs: number('DRIVER_SEARCH_DELAY_DEVIATION_MS', 5, 'its standard deviation, in milliseconds'),
  readDelayMs: number(
    'DRIVER_READ_DELAY_MS',
    10,
    'the mean time that reading one driver takes in the database, in milliseconds',
  ),
  readDelayDeviationMs: number('DRIVER_READ_DELAY_DEVIATION_MS', 2.5, 'its standard deviation, in milliseconds'),
  readFailureEvery: integer('DRIVER_READ_FAILURE_EVERY', 5, 'every Nth read of a search times out (0: never)'),
  readFailureDelayMs: number('DRIVER_READ_FAILURE_DELAY_MS', 30, 'the time that a failing read takes, in milliseconds'),
  readAttempts: integer('DRIVER_READ_ATTEMPTS', 3, 'how often a read is tried in all', { min: 1, max: 10 }),
  rideDurationMs: number('DRIVER_RIDE_DURATION_MS', 10_000, 'how long a driver is taken by a ride, in milliseconds'),
};
