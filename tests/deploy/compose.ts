import { randomBytes } from 'node:crypto';
import { accessSync, constants, cpSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { createTemporaryDirectory, findFreePort, root } from '../harness/suite.ts';
import { findTool, mustRun, type Outcome, run } from './tools.ts';

/** What `docker compose config --format json` tells, as far as the tests look. */
export interface ComposeModel {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  networks: Record<string, { internal?: boolean }>;
  configs: Record<string, { content?: string }>;
}
export interface ComposeService {
  image: string;
  build?: { target: string; args: Record<string, string> };
  command?: string[];
  environment?: Record<string, string>;
  ports?: { host_ip?: string; published: string; target: number }[];
  profiles?: string[];
  mem_limit?: string;
  pids_limit?: number;
  networks?: Record<string, unknown>;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  healthcheck?: unknown;
  depends_on?: Record<string, { condition: string }>;
}

/** Compose, and the Docker engine that it talks to. */
export interface Docker {
  compose: string;
  docker: string;
}

/**
 * The real Compose v2; null if it is missing, after a line that says so.
 *
 * @throws if it is missing and `CI` is set.
 */
export function findCompose(): string | null {
  return findTool('docker-compose');
}

/** Compose and a Docker engine that answers; null if one of them is missing, or an error if `CI` is set. */
export async function findDocker(): Promise<Docker | null> {
  const compose = findCompose();
  const docker = findTool('docker');
  if (!compose || !docker) return null;
  const { code, output } = await run(docker, ['info', '--format', '{{.ServerVersion}}']);
  if (code === 0) return { compose, docker };
  const message = `No Docker engine answers (${output.trim().slice(0, 200)})`;
  if (process.env['CI']) throw new Error(message);
  console.warn(`${message}: the tests of docker-compose.yml are skipped.`);
  return null;
}

/** Reads the model of docker-compose.yml, with every profile. */
export async function readModel(compose: string, env: Record<string, string> = {}): Promise<ComposeModel> {
  const args = ['--profile', '*', 'config', '--format', 'json'];
  return JSON.parse(await mustRun(compose, args, { cwd: root, env: { ...withoutSettings, ...env } })) as ComposeModel;
}

/** Variables of the caller's shell that would win over .env: unset by being empty, which `${NAME:-…}` takes for unset. */
const withoutSettings = {
  OBSERVATORY_ALERT_WEBHOOK: '',
  ALERTMANAGER_WEBHOOK_FILE: '',
  OBSERVATORY_PUBLIC_URL: '',
  GRAFANA_PUBLIC_URL: '',
  PROMETHEUS_PUBLIC_URL: '',
  ALERTMANAGER_PUBLIC_URL: '',
  OTLP_ENDPOINT: '',
  OTLP_HEADERS: '',
  HONEYCOMB_API_KEY: '',
  COMPOSE_PROFILES: '',
};

/** Images that cannot be pulled if no registry is reachable, and which of them stand in for those of others. */
const publicImages = {
  NODE_IMAGE: 'node:24-bookworm-slim',
  POSTGRES_IMAGE: 'postgres:18',
  K6_IMAGE: 'grafana/k6:1.8.1',
  COLLECTOR_IMAGE: 'otel/opentelemetry-collector-contrib:0.145.0',
  JAEGER_IMAGE: 'jaegertracing/jaeger:2.13.0',
  PROMETHEUS_IMAGE: 'prom/prometheus:v3.15.0',
  ALERTMANAGER_IMAGE: 'prom/alertmanager:v0.35.0',
  OPENSEARCH_IMAGE: 'opensearchproject/opensearch:2.19.0',
} as const;

type PublicImage = keyof typeof publicImages;

/**
 * Makes the images of others available: what is not here is pulled. If `HOTROD_STAND_INS` names a program that makes
 * local images under the same names, it makes them instead.
 *
 * @param wanted which; all of them if nothing is said.
 * @returns variables that name images which had to be adapted.
 */
export async function prepareImages(
  { docker }: Pick<Docker, 'docker'>,
  wanted = Object.keys(publicImages) as PublicImage[],
): Promise<Record<string, string>> {
  const standIns = process.env['HOTROD_STAND_INS'];
  const missing: PublicImage[] = [];
  const isStandIn = standIns !== undefined && isExecutable(standIns);
  // That program makes no Alertmanager: of it we build the image ourselves, below.
  for (const name of wanted.filter((each) => !isStandIn || each !== 'ALERTMANAGER_IMAGE')) {
    if ((await run(docker, ['image', 'inspect', publicImages[name]])).code !== 0) missing.push(name);
  }
  if (!isStandIn) {
    for (const name of missing) await mustRun(docker, ['pull', '--quiet', publicImages[name]], { timeoutMs: 600_000 });
    return {};
  }
  if (missing.length > 0) {
    // NODE_IMAGE is made as `node`, and so on.
    const names = missing.map((name) => name.replace('_IMAGE', '').toLowerCase());
    await mustRun(standIns, names, { timeoutMs: 1_200_000 });
  }
  const adapted: Record<string, string> = {};
  if (wanted.includes('ALERTMANAGER_IMAGE')) {
    const alertmanager = findTool('alertmanager');
    if (!alertmanager) throw new Error('alertmanager is needed to stand in for its image');
    await buildImage(docker, 'hotrod-test/alertmanager', alertmanager, [
      `FROM ${publicImages.NODE_IMAGE}`,
      'COPY alertmanager /bin/alertmanager',
      'RUN mkdir -p /alertmanager && chown 65534 /alertmanager',
      'USER 65534',
      'ENTRYPOINT ["/bin/alertmanager"]',
    ]);
    adapted['ALERTMANAGER_IMAGE'] = 'hotrod-test/alertmanager';
  }
  if (!wanted.includes('OPENSEARCH_IMAGE')) return adapted;
  // The exporter for OpenSearch is in a Collector of its own there; and the public image of OpenSearch has its data
  // directory, which a volume takes its owner from.
  const collector = findTool('otelcol-opensearch');
  if (!collector) throw new Error('otelcol-opensearch is needed to stand in for the image of the logs Collector');
  await buildImage(docker, 'hotrod-test/otelcol-logs', collector, [
    `FROM ${publicImages.NODE_IMAGE}`,
    'COPY otelcol-opensearch /otelcol-contrib',
    'USER 10001',
    'ENTRYPOINT ["/otelcol-contrib"]',
  ]);
  await buildImage(docker, 'hotrod-test/opensearch', null, [
    `FROM ${publicImages.OPENSEARCH_IMAGE}`,
    'RUN mkdir -p data',
  ]);
  return { ...adapted, COLLECTOR_LOGS_IMAGE: 'hotrod-test/otelcol-logs', OPENSEARCH_IMAGE: 'hotrod-test/opensearch' };
}

/** Builds an image from the lines of a Dockerfile, with one file beside it if that is given. */
async function buildImage(docker: string, tag: string, file: string | null, lines: string[]): Promise<void> {
  const context = createTemporaryDirectory('image');
  try {
    writeFileSync(join(context.path, 'Dockerfile'), lines.join('\n'));
    if (file) cpSync(realpathSync(file), join(context.path, basename(file)));
    await mustRun(docker, ['build', '-q', '-t', tag, context.path], { env: { DOCKER_BUILDKIT: '0' } });
  } finally {
    context.remove();
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A project of its own: names, ports and tags that no other has. */
export interface ComposeProject {
  env: Record<string, string>;
  name: string;
  run(args: readonly string[], timeoutMs?: number): Promise<Outcome>;
  /** Throws if Compose does not end with 0. */
  must(args: readonly string[], timeoutMs?: number): Promise<string>;
  /** The address at which a port of .env answers. */
  url(variable: string): string;
}

export async function createProject(
  { compose }: Docker,
  settings: Readonly<Record<string, string>>,
): Promise<ComposeProject> {
  const name = `hotrod-test-${randomBytes(3).toString('hex')}`;
  const ports = [
    'FRONTEND_PORT',
    'OBSERVATORY_PORT',
    'OTLP_HTTP_PORT',
    'OTLP_GRPC_PORT',
    'JAEGER_PORT',
    'PROMETHEUS_PORT',
    'ALERTMANAGER_PORT',
    'GRAFANA_PORT',
    'OPENSEARCH_PORT',
    'OPENSEARCH_DASHBOARDS_PORT',
  ];
  const env: Record<string, string> = { ...withoutSettings, ...settings, HOTROD_TAG: name };
  for (const port of ports) env[port] = String(await findFreePort());
  const all = (args: readonly string[]) => ['--project-name', name, ...args];
  return {
    env,
    name,
    run: (args, timeoutMs) => run(compose, all(args), { cwd: root, env, ...(timeoutMs ? { timeoutMs } : {}) }),
    must: (args, timeoutMs) => mustRun(compose, all(args), { cwd: root, env, ...(timeoutMs ? { timeoutMs } : {}) }),
    url: (variable) => `http://127.0.0.1:${env[variable]}`,
  };
}

/** What a URL answers, as JSON; null while it does not answer with 200. */
export async function askJson<T>(url: string): Promise<T | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? ((await answer.json()) as T) : null;
  } catch {
    return null;
  }
}
