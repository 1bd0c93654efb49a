import { createServer } from 'node:net';
import { expect, it } from 'vitest';

import { ensureFree } from './ports.ts';
import { Refusal } from './refusal.ts';

it('lets free ports pass, names the one that is taken, and says what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const refusal = await ensureFree([{ name: 'route', port }]).catch((error: unknown) => error);
  await new Promise((resolve) => server.close(resolve));
  expect(refusal).toBeInstanceOf(Refusal);
  const { message } = refusal as Refusal;
  expect(message).toContain(`Port ${port} (route) is taken by another program`);
  expect(message).toContain('--port-base');
  await expect(ensureFree([{ name: 'route', port }])).resolves.toBeUndefined();
});
