import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';

import { findFreePort } from '../tests/harness/suite.ts';
import { asksForSuite, createSuiteHandler } from './neighbour.ts';
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

it('says that another suite has the ports, and how to stop it', async () => {
  const suite = createSuiteHandler({ pid: 4711, dataDir: '/home/ada/my project/.hotrod' });
  const server = createHttpServer((request, response) => {
    if (asksForSuite(request.url)) suite(request, response);
    else response.writeHead(404).end();
  });
  const port = await findFreePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const refusal = await ensureFree([{ name: 'run pages', port }]).catch((error: unknown) => error);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(refusal).toBeInstanceOf(Refusal);
  const { message } = refusal as Refusal;
  expect(message).toContain(
    `Port ${port} (run pages) is taken by another HotROD, which runs from /home/ada/my project/.hotrod (process 4711): stop it with npm start -- stop --data-dir '/home/ada/my project/.hotrod'`,
  );
  expect(message).toMatch(/--port-base \d+ --data-dir DIR\.$/);
});
