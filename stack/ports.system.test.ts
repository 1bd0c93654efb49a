import { createServer } from 'node:net';
import { expect, it } from 'vitest';

import { ensureFree, listeningInodes } from './ports.ts';
import { Refusal } from './refusal.ts';

it('lets free ports pass and names the one that is taken, by whom, and what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const refusal = await ensureFree([{ name: 'route', port }]).catch((error: unknown) => error);
  await new Promise((resolve) => server.close(resolve));
  expect(refusal).toBeInstanceOf(Refusal);
  const { message } = refusal as Refusal;
  expect(message).toContain(`Port ${port} (route) is taken by`);
  expect(message).toContain('--port-base');
  if (process.platform === 'linux') expect(message).toContain(`(process ${process.pid})`);
  await expect(ensureFree([{ name: 'route', port }])).resolves.toBeUndefined();
});

it('reads who listens from the kernel, and takes no connection for a listener', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000 100 0 0 10 0',
    '   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 99999 1 0000 20 4 30 10 -1',
    '   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 0000 100 0 0 10 0',
  ].join('\n');
  expect(listeningInodes(table, 8080)).toEqual(['12345']);
  expect(listeningInodes(table, 80)).toEqual(['777']);
  expect(listeningInodes('', 80)).toEqual([]);
});
