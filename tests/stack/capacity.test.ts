import { readConfig } from '@hotrod/kit/config';
import { expect, it } from 'vitest';

import { candidates } from '../../services/driver/contract.ts';
import { settings as frontend } from '../../services/frontend/config.ts';
import { settings as route } from '../../services/route/config.ts';
import { defaults } from '../../stack/capacity.ts';

it('knows the default capacity of the services', () => {
  expect(defaults).toEqual({
    routesPerDispatch: candidates,
    workers: readConfig(frontend, {}).routePoolSize,
    routeMs: readConfig(route, {}).calculationDelayMs,
  });
});
