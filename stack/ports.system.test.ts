import { createServer } from 'node:net';
import { expect, it } from 'vitest';

import { findFreePort } from '../tests/harness/suite.ts';
import { ensureFree } from './ports.ts';
import { Refusal } from './refusal.ts';

it('lets free ports pass, names the one that is taken, and says what to do', async () => {
  const server = createServer();
  const port = await findFreePort(); // none that a connection may take once it is free again
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const refusal = await ensureFree([{ name: 'route', port }]).catch((error: unknown) => error);
  await new Promise((resolve) => server.close(resolve));
  expect(refusal).toBeInstanceOf(Refusal);
  const { message } = refusal as Refusal;
  expect(message).toContain(`Port ${port} (route) is taken by another program`);
  expect(message).toContain('--port-base');
  await expect(ensureFree([{ name: 'route', port }])).resolves.toBeUndefined();
});
