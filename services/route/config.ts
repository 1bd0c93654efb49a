import { listenSettings, number } from '@hotrod/kit/config';
import { flagSettings } from '@hotrod/kit/flags';

export const settings = {
  ...listenSettings(8083),
  ...flagSettings(),
  calculationDelayMs: number(
    'ROUTE_CALCULATION_DELAY_MS',
    50,
    'the mean time that computing a route takes, in milliseconds',
  ),
  calculationDelayDeviationMs: number(
    'ROUTE_CALCULATION_DELAY_DEVIATION_MS',
    12.5,
    'its standard deviation, in milliseconds',
  ),
  speedMetersPerSecond: number('ROUTE_SPEED_METERS_PER_SECOND', 5, 'how fast a driver gets on in the city', {
    min: 0.1,
    max: 100,
  }),
};
