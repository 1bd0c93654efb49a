import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { serviceNodeOptions } from '../../stack/topology.ts';
import { createTemporaryDirectory, findFreePort, findFreePortBase, root } from '../harness/suite.ts';
import { startStack } from '../stack/stack-process.ts';

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

/** A small disk of its own: a tmpfs, which takes root on Linux. Null where it cannot be had. */
function mountDisk(path: string, megabytes: number): boolean {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], {
    stdio: 'ignore',
  });
  return status === 0;
}

const probe = createTemporaryDirectory('probe');
const canMount = mountDisk(probe.path, 1);
if (canMount) spawnSync('umount', [probe.path]);
probe.remove();
if (!canMount) console.warn('No tmpfs can be mounted here: the tests of a suite on a full disk are skipped.');

describe.skipIf(!canMount)('a suite whose disk is full', () => {
  const disk = createTemporaryDirectory('disk');
  beforeAll(() => {
    expect(mountDisk(disk.path, 220)).toBe(true);
  });
  afterAll(() => {
    spawnSync('umount', ['-l', disk.path]);
    disk.remove();
  });
  const ballast = join(disk.path, 'ballast');

  /** Leaves so many bytes free. */
  function fill(left: number): void {
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)), { flag: 'a' });
  }

  test('is not started, which is said in a sentence, and nothing is left', async () => {
    fill(20 * 2 ** 20);
    const stack = startStack(join(disk.path, 'first'), await findFreePortBase(), ['--no-load', '--no-observatory']);
    expect(await stack.ended).toBe(1);
    expect(stack.errors()).toMatch(
      /^HotROD: There are \d+ MB free in .*, and a start needs 150 MB: make room, [^\n]*\n$/,
    );
    expect(readdirSync(join(disk.path, 'first'))).toEqual([]);
    rmSync(ballast);
  });

  test('goes on, starts again what ends, and tells once what it cannot record', async () => {
    const dataDir = join(disk.path, 'second');
    const stack = startStack(dataDir, await findFreePortBase(), ['--no-load', '--no-observatory']);
    try {
      await stack.printed(/HotROD runs/);
      fill(0);
      const { children } = JSON.parse(readFileSync(join(dataDir, 'stack.json'), 'utf8')) as {
        children: { name: string; pid: number }[];
      };
      const route = children.find(({ name }) => name === 'route');
      process.kill(route?.pid ?? expect.fail('route does not run'), 'SIGKILL');
      await stack.printed(/route is ready again/);
      await stack.printed(/stack cannot record its processes for a later start: .*ENOSPC/);
      expect(stack.process.exitCode).toBeNull();
      expect(await stack.dispatch(123)).toBe(200);
      expect(readdirSync(dataDir).filter((name) => name.startsWith('stack.json.'))).toEqual([]);
    } finally {
      stack.process.kill('SIGTERM');
      await stack.ended;
    }
    expect(stack.errors()).toBe('');
  });
});
