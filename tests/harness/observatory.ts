import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { createTemporaryDirectory, root } from './suite.ts';

/** An Observatory as a process of its own, with a database of its own that goes with it. */
export interface RunningObservatory {
  /** Of the page, the API and the markers. */
  url: string;
  otlpUrl: string;
  /** The same for the protocol `grpc`. */
  otlpGrpcUrl: string;
  output(): string;
  /** Ends it with SIGTERM, and removes its database unless the directory was given. */
  stop(): Promise<void>;
  /** Ends it as a crash would: nothing is stored any more. Removes nothing. */
  kill(): Promise<void>;
}

const startWithinMs = 120_000;

/**
 * Builds the page first if it is older than its sources.
 *
 * @param env further settings, for example of its queue.
 * @param dataDir where its database is; a directory of its own if it is not given.
 * @throws with its output if it does not listen.
 */
export async function startObservatory(
  env: Readonly<Record<string, string>> = {},
  dataDir?: string,
): Promise<RunningObservatory> {
  const directory = dataDir === undefined ? createTemporaryDirectory('observatory') : { path: dataDir, remove() {} };
  const child = spawn(process.execPath, [join(root, 'observatory', 'main.ts')], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(root, '.hotrod', 'cache'),
      OBSERVATORY_PORT: '0',
      OBSERVATORY_OTLP_PORT: '0',
      OBSERVATORY_OTLP_GRPC_PORT: '0',
      OBSERVATORY_DATA_DIR: directory.path,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
    directory.remove();
  };
  const deadline = Date.now() + startWithinMs;
  for (;;) {
    const listening = /"url":"(http:[^"]+)","otlp":"(http:[^"]+)","otlpGrpc":"(http:[^"]+)"/.exec(output);
    if (listening) {
      const [, url = '', otlpUrl = '', otlpGrpcUrl = ''] = listening;
      const kill = async (): Promise<void> => {
        child.kill('SIGKILL');
        await ended;
      };
      return { url, otlpUrl, otlpGrpcUrl, output: () => output, stop, kill };
    }
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`The Observatory does not listen:\n${output}`);
    }
    await sleep(20);
  }
}
