import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';

import { findTool, mustRun, run } from '../../../tests/deploy/tools.ts';
import { exportDirectory, installCfExport, readExports } from './cf-export.ts';
import { createDockerShell } from './docker-shell.ts';

const docker = findTool('docker');
const image = process.env['NODE_IMAGE'] || 'node:24-bookworm-slim';
const directory = mkdtempSync(join(tmpdir(), 'hotrod-docker-shell-'));
const volume = join(directory, 'volume');
const prefix = `hotrod-shell-test-${process.pid}`;
mkdirSync(volume);
installCfExport(volume);
afterAll(async () => {
  // Containers write as root.
  if (docker) await run(docker, ['run', '--rm', `--volume=${directory}:/clean`, image, 'rm', '-rf', '/clean/volume']);
  rmSync(directory, { recursive: true, force: true });
});

/** Whether the engine answers and has the image, or can get it. */
async function isReady(): Promise<boolean> {
  if (!docker) return false;
  if ((await run(docker, ['image', 'inspect', image])).code === 0) return true;
  const pulled = await run(docker, ['pull', '--quiet', image]);
  if (pulled.code === 0) return true;
  if (process.env['CI']) throw new Error(`docker has no ${image}: ${pulled.output}`);
  console.warn(`docker has no ${image}: its tests are skipped.`);
  return false;
}

describe.skipIf(!(await isReady()))('the docker shell', () => {
  const shell = createDockerShell(docker ?? '', volume, prefix, process.env);
  async function inContainer(
    commands: readonly string[],
    more: { signal?: AbortSignal; image?: string; step?: string } = {},
  ) {
    let output = '';
    const step = more.step ?? 'one';
    const exported = exportDirectory(volume, step);
    const ended = await shell.run({
      step,
      image: more.image ?? image,
      shell: 'sh',
      commands,
      directory: '/codefresh/volume',
      env: { GREETING: 'hello world', CF_EXPORT_DIRECTORY: `/codefresh/volume/${exported}` },
      signal: more.signal ?? new AbortController().signal,
      output: (text) => (output += text),
    });
    return { ...ended, output, ...readExports(volume, exported) };
  }

  test('runs commands in the image, on the volume, with the variables of the pipeline alone', async () => {
    const first = await inContainer([
      'echo "$GREETING" > file',
      'cf_export A="$GREETING"',
      'echo "home=$HOME_OF_TESTS node=$(node -p 1+1)"',
    ]);
    expect(first).toMatchObject({ reason: null, exitCode: 0, exports: { A: 'hello world' }, output: 'home= node=2\n' });
    expect(await inContainer(['cat file'])).toMatchObject({ output: 'hello world\n' });
  });

  test('stops at the first command that fails, with its exit code', async () => {
    expect(await inContainer(['echo one', 'exit 7', 'echo two'])).toMatchObject({
      exitCode: 7,
      reason: 'ended with exit code 7',
      output: 'one\n',
    });
  });

  test('says that an image cannot be had', async () => {
    expect(await inContainer(['true'], { image: 'hotrod/there-is-no-such-image:1' })).toMatchObject({
      exitCode: 125,
      reason: 'cannot be started in a container of hotrod/there-is-no-such-image:1',
    });
  });

  test('leaves no container behind when it is ended', async () => {
    const ended = new AbortController();
    const over = inContainer(['sleep 300'], { signal: ended.signal, step: 'ended' });
    const containers = () => mustRun(docker ?? '', ['ps', '--all', '--quiet', `--filter=name=${prefix}-ended`]);
    await expect.poll(containers).not.toBe('');
    ended.abort();
    expect((await over).reason).not.toBeNull();
    await expect.poll(containers).toBe('');
  });
});
