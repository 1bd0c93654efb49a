import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { root } from '../harness/suite.ts';
import { findPortBase } from './stack-process.ts';

/** The story waits for what it tells, so a busy machine makes it long: some minutes where nobody else works. */
const patienceMs = 30 * 60_000;

/** What the story leaves in the temporary directory while it plays. */
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('hotrod-demo-'));

it.skipIf(process.platform === 'win32')(
  'npm run demo plays the whole story, proves each part of it, and leaves nothing behind',
  { timeout: patienceMs, retry: 1 },
  async () => {
    const before = leftovers();
    const child = spawn(
      process.execPath,
      [
        join(root, 'stack', 'demo', 'main.ts'),
        '--data-dir',
        join(root, '.hotrod', 'tmp', 'no-suite-here'),
        '--port-base',
        String(await findPortBase()),
      ],
      { cwd: root, env: { PATH: process.env['PATH'], HOME: process.env['HOME'] }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));

    expect(code, output).toBe(0);
    const proofs = output.split('\n').filter((line) => line.startsWith('   ✓ '));
    expect(proofs).toEqual([
      expect.stringMatching(/there is a slow band: \d+ % of all dispatches/),
      expect.stringMatching(/compare names them: (Value Walking and Bicycles Green|Bicycles Green and Value Walking)/),
      expect.stringMatching(/a marker of .* on every chart leads to that run/),
      expect.stringMatching(/the verdict is better: /),
      expect.stringMatching(/95 % of the rides of .* as everybody's do/),
      expect.stringMatching(/the verdict is worse: /),
      expect.stringMatching(/the build is red, and the customer service runs \S+ again/),
      expect.stringMatching(/95 % of the rides of .* again/),
    ]);
    expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
    expect(existsSync(join(root, '.hotrod', 'tmp', 'no-suite-here'))).toBe(false);
  },
);
