import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { serviceNodeOptions } from '../../stack/topology.ts';
import { findFreePort, root } from '../harness/suite.ts';

/** A device on which every write fails as on a full disk: full(4). */
const full = '/dev/full';

describe.skipIf(!existsSync(full))('on a full disk', () => {
  test('a service goes on without its log, on both of its streams', async () => {
    const port = await findFreePort();
    const descriptor = openSync(full, 'w');
    const child = spawn(process.execPath, [...serviceNodeOptions(root), join(root, 'services', 'route', 'main.ts')], {
      cwd: root,
      stdio: ['ignore', descriptor, descriptor],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: join(root, '.hotrod', 'cache'),
        PORT: String(port),
        LOG_LEVEL: 'trace',
        // Nobody is there, which the preload tells on standard error.
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
    });
    closeSync(descriptor);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const ask = async (path: string) => {
      try {
        return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
      } catch {
        return 0;
      }
    };
    await expect.poll(() => ask('/readyz'), { timeout: 60_000 }).toBe(200);
    for (let time = 0; time < 20; time += 1) {
      expect(await ask('/nothing')).toBe(404); // a line each
      expect(await ask('/route?pickup=1,2&dropoff=3,4')).toBe(200);
    }
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
