import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

import { waitUntilGone } from './process-group.ts';
import { isAlive } from './process-identity.ts';

const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

/** A process that guards a polite child, a stubborn one, and one that it has forgotten, and tells their ids. */
const program = `
  import { spawn } from 'node:child_process';
  import { startGuard } from ${JSON.stringify(fileURLToPath(new URL('./guard.ts', import.meta.url)))};
  const guard = startGuard();
  const pids = ['', "process.on('SIGTERM', () => {});", ''].map((deaf) =>
    spawn(process.execPath, ['-e', deaf + "setInterval(() => {}, 1000); console.log('up')"], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] }));
  await Promise.all(pids.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))));
  for (const { pid } of pids) guard.watch({ name: 'x', pid, identity: null, stopSignal: 'SIGTERM' });
  guard.forget(pids[2].pid);
  if (process.argv[1] === 'dismiss') guard.dismiss();
  setTimeout(() => console.log(JSON.stringify(pids.map(({ pid }) => pid))), 200);
  setInterval(() => {}, 1000);
`;

async function startGuarding(...args: string[]) {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pids = JSON.parse(line.toString()) as [number, number, number];
  started.push(...pids, parent.pid ?? 0);
  return { parent, pids };
}

it.skipIf(process.platform === 'win32')(
  'ends the children of a process that is killed: by asking, then by force',
  async () => {
    const { parent, pids } = await startGuarding();
    const [polite, stubborn, forgotten] = pids;
    expect(pids.every(isAlive)).toBe(true);
    parent.kill('SIGKILL');
    expect(await waitUntilGone(polite, 20_000)).toBe(true);
    expect(await waitUntilGone(stubborn, 30_000)).toBe(true);
    expect(isAlive(forgotten)).toBe(true);
  },
);

it.skipIf(process.platform === 'win32')('does nothing once it is dismissed', async () => {
  const { parent, pids } = await startGuarding('dismiss');
  parent.kill('SIGKILL');
  expect(await waitUntilGone(pids[0], 1_000)).toBe(false);
  expect(pids.every(isAlive)).toBe(true);
});
