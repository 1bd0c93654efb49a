import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** An Observatory in a process of its own, as `npm run observatory` starts it. */
export interface ObservatoryProcess extends AsyncDisposable {
  url: string;
  otlpUrl: string;
  /** A metric of its own by name, without prefix and labels; the sum if it has labels. */
  metric(name: string): Promise<number>;
  /** The longest that its event loop was held since this was last asked, milliseconds. */
  longestHoldMs(): Promise<number>;
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/**
 * @param options.env what it inherits.
 * @param options.core the only processor core that it may use, if the system has `taskset`; null for all.
 */
export async function startObservatoryProcess(options: {
  dataDir: string;
  threads: number;
  core: number | null;
  env: Readonly<Record<string, string | undefined>>;
}): Promise<ObservatoryProcess> {
  const pinned = options.core !== null && spawnSync('taskset', ['--version']).status === 0;
  const [command, args] = pinned
    ? ['taskset', ['-c', String(options.core), process.execPath, main]]
    : [process.execPath, [main]];
  const child = spawn(command, args, {
    env: {
      ...options.env,
      OBSERVATORY_DATA_DIR: options.dataDir,
      OBSERVATORY_PORT: '0',
      OBSERVATORY_OTLP_PORT: '0',
      OBSERVATORY_OTLP_GRPC_PORT: '0',
      OBSERVATORY_THREADS: String(options.threads),
      OBSERVATORY_MAX_DATABASE_MB: '100000',
      OBSERVATORY_RETENTION_HOURS: '10000',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { url, otlp } = await listening(child);
  let disposing = false;
  child.once('close', (code, signal) => {
    if (!disposing) console.error(`the Observatory ended by itself: ${signal ?? `exit code ${code}`}`);
  });
  let hold = 0;
  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const read = (wanted: string): number =>
      text
        .matchAll(new RegExp(`^observatory_${wanted}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))
        .reduce((sum, [, value]) => sum + Number(value), 0);
    // Every read of the metrics resets this one.
    hold = Math.max(hold, read('event_loop_delay_max_seconds') * 1000);
    return read(name);
  }
  return {
    url,
    otlpUrl: otlp,
    metric,
    async longestHoldMs() {
      await metric('uptime_seconds');
      const longest = hold;
      hold = 0;
      return longest;
    },
    [Symbol.asyncDispose]: async () => {
      disposing = true;
      const closed = new Promise((resolve) => child.once('close', resolve));
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await closed;
    },
  };
}

function listening(child: ChildProcess): Promise<{ url: string; otlp: string }> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += String(chunk);
      const line = /^.*"msg":"Listening".*$/m.exec(output)?.[0];
      if (line !== undefined) resolve(JSON.parse(line) as { url: string; otlp: string });
    });
    child.once('close', () => reject(new Error(`the Observatory did not start:\n${output}`)));
  });
}
