import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

import { createTemporaryDirectory, findFreePort, root } from '../harness/suite.ts';

/** A real Collector with our configuration, on ports of its own. */
export interface RunningCollector {
  /** Its OTLP over HTTP. */
  url: string;
  grpcPort: number;
  /** The address at which Prometheus would ask for what it counts of the suite, and of itself. */
  metricsUrl: string;
  ownMetricsUrl: string;
  healthUrl: string;
  output(): string;
  stop(): Promise<void>;
}

/**
 * Starts one.
 *
 * @param configs files of otel-collector/, the later over the earlier; a last one of the test's moves the ports and makes
 *   the exporters write JSON, which the tests' receiver reads. Nothing else is changed.
 * @param extra more of such a last configuration.
 */
export async function startCollector(options: {
  program: string;
  configs: readonly string[];
  env?: Readonly<Record<string, string>>;
  extra?: Record<string, unknown>;
}): Promise<RunningCollector> {
  const directory = createTemporaryDirectory('collector');
  const [http, grpc, metrics, own, health] = (await Promise.all(Array.from({ length: 5 }, findFreePort))) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const at = (port: number) => `127.0.0.1:${port}`;
  const isMain = options.configs.includes('config.yaml');
  const overlay = {
    receivers: { otlp: { protocols: { http: { endpoint: at(http) }, grpc: { endpoint: at(grpc) } } } },
    extensions: { health_check: { endpoint: at(health) } },
    ...(isMain
      ? {
          exporters: {
            'otlp_http/observatory': { encoding: 'json' },
            'otlp_http/backend': { encoding: 'json' },
            'otlp_http/honeycomb': { encoding: 'json' },
            prometheus: { endpoint: at(metrics) },
          },
        }
      : {}),
    service: {
      telemetry: {
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: own } } } }] },
      },
    },
    ...options.extra,
  };
  // JSON is YAML.
  writeFileSync(join(directory.path, 'test.yaml'), JSON.stringify(overlay));
  const files = [
    ...options.configs.map((name) => join(root, 'otel-collector', name)),
    join(directory.path, 'test.yaml'),
  ];
  const child = spawn(
    options.program,
    files.map((file) => `--config=${file}`),
    { env: { PATH: process.env['PATH'], ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  const healthUrl = `http://${at(health)}/`;
  const deadline = Date.now() + 60_000;
  while (!(await answers(healthUrl))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      directory.remove();
      throw new Error(`The Collector did not become healthy:\n${output.slice(-4_000)}`);
    }
    await sleep(50);
  }
  return {
    url: `http://${at(http)}`,
    grpcPort: grpc,
    metricsUrl: `http://${at(metrics)}/metrics`,
    ownMetricsUrl: `http://${at(own)}/metrics`,
    healthUrl,
    output: () => output,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      directory.remove();
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** Stands before a receiver: remembers the headers that come, and can play a backend that is away. */
export interface Gate {
  url: string;
  headers: Record<string, string | string[] | undefined>[];
  /** Every request that passed, whole: what a backend would have read. */
  bodies: { path: string; json: unknown }[];
  setAway(away: boolean): void;
  close(): Promise<void>;
}

export async function startGate(receiverUrl: string): Promise<Gate> {
  const headers: Gate['headers'] = [];
  const bodies: Gate['bodies'] = [];
  let away = false;
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (away) {
        response.writeHead(503).end();
        return;
      }
      headers.push(request.headers);
      const encoding = request.headers['content-encoding'];
      const whole = Buffer.concat(chunks);
      bodies.push({
        path: request.url ?? '',
        json: JSON.parse((encoding === 'gzip' ? gunzipSync(whole) : whole).toString()),
      });
      const answer = await fetch(`${receiverUrl}${request.url}`, {
        method: 'POST',
        body: whole,
        headers: { 'content-type': 'application/json', ...(encoding ? { 'content-encoding': encoding } : {}) },
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers,
    bodies,
    setAway: (is) => void (away = is),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
