import { expect, it } from 'vitest';

import type { ServiceMap } from '../../contract/contract.ts';
import {
  send,
  sketchEpochMs,
  spansRequest,
  startTestObservatory,
  temporaryDirectory,
} from '../../fixtures/test-observatory.ts';

it('counts the statements of a database, not the waits for a connection', async () => {
  const observatory = await startTestObservatory(await temporaryDirectory());
  const database = { 'db.system.name': 'postgresql', 'server.address': 'db' };
  const call = { trace: 1, parent: 1, service: 'customer', kind: 3 };
  const request = spansRequest([
    { trace: 1, id: 1, service: 'customer', kind: 2, ms: 510 },
    { ...call, id: 2, name: 'pg-pool.connect', ms: 0.2, attributes: database },
    { ...call, id: 3, name: 'pg.query', ms: 500, attributes: { ...database, 'db.query.text': 'SELECT 1' } },
  ]);
  expect((await send(observatory, 'traces', request)).status).toBe(200);
  await observatory.flush();
  const range = `from=${sketchEpochMs - 1_000}&to=${sketchEpochMs + 60_000}`;
  const map = (await (await fetch(`${observatory.url}/api/service-map?${range}`)).json()) as ServiceMap;
  expect(map.edges).toMatchObject([{ from: 'customer', to: 'postgresql db', calls: 1, p50Ms: 500 }]);
});
