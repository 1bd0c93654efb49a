import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import type { Notification } from '../../observatory/alerting/notification.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../harness/otlp-receiver.ts';
import { createTemporaryDirectory, findFreePort, noDelays, root, startSuite, type Suite } from '../harness/suite.ts';
import { type RunningCollector, startCollector } from './collector.ts';
import { findTool } from './tools.ts';

const tools = {
  collector: findTool('otelcol-contrib'),
  prometheus: findTool('prometheus'),
  alertmanager: findTool('alertmanager'),
  k6: findTool('k6'),
};
const monitoring = join(root, 'monitoring');
const version = '0.1.0+aaaaaaa';

interface Board {
  panels: { title: string; targets: { expr: string }[] }[];
  annotations: { list: { name: string; expr?: string }[] };
}
const boards = readdirSync(join(monitoring, 'grafana/dashboards')).map((file) => ({
  file,
  board: JSON.parse(readFileSync(join(monitoring, 'grafana/dashboards', file), 'utf8')) as Board,
}));

/** A program of others, until the end of the tests. */
interface Program {
  output(): string;
  stop(): Promise<void>;
}

function startProgram(program: string, args: readonly string[], env: Record<string, string> = {}): Program {
  const child: ChildProcess = spawn(program, args, {
    cwd: root,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    output: () => output,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

describe.skipIf(Object.values(tools).includes(null))('services → Collector → Prometheus → Alertmanager', () => {
  const directory = createTemporaryDirectory('prometheus');
  const programs: Program[] = [];
  const told: Notification[] = [];
  const startedMs = Date.now();
  let observatory: OtlpReceiver;
  let collector: RunningCollector;
  let suite: Suite;
  let webhook: Server;
  let prometheusUrl: string;

  /** Starts both with the configurations of docker compose; only addresses are changed. */
  async function startPrometheus(webhookUrl: string): Promise<void> {
    const [port, alertPort] = await Promise.all([findFreePort(), findFreePort()]);
    const alertConfig = parse(readFileSync(join(monitoring, 'alertmanager/alertmanager.yml'), 'utf8')) as {
      receivers: { webhook_configs: { url_file: string }[] }[];
    };
    const urlFile = join(directory.path, 'webhook-url');
    writeFileSync(urlFile, `${webhookUrl}\n`);
    for (const { webhook_configs } of alertConfig.receivers) {
      for (const each of webhook_configs) each.url_file = urlFile;
    }
    writeFileSync(join(directory.path, 'alertmanager.yml'), stringify(alertConfig));
    programs.push(
      startProgram(tools.alertmanager ?? '', [
        `--config.file=${join(directory.path, 'alertmanager.yml')}`,
        `--storage.path=${join(directory.path, 'alertmanager')}`,
        '--cluster.listen-address=',
        `--web.listen-address=127.0.0.1:${alertPort}`,
      ]),
    );

    const text = readFileSync(join(monitoring, 'prometheus/prometheus.yml'), 'utf8');
    const addresses: [string, string][] = [
      ['otel-collector:8889', new URL(collector.metricsUrl).host],
      ['otel-collector:8888', new URL(collector.ownMetricsUrl).host],
      ['alertmanager:9093', `127.0.0.1:${alertPort}`],
      ['/etc/prometheus/rules', join(monitoring, 'prometheus/rules')],
    ];
    let changed = text;
    for (const [from, to] of addresses) {
      expect(changed).toContain(from);
      changed = changed.replaceAll(from, to);
    }
    writeFileSync(join(directory.path, 'prometheus.yml'), changed);
    mkdirSync(join(directory.path, 'data'));
    programs.push(
      startProgram(
        tools.prometheus ?? '',
        [
          `--config.file=${join(directory.path, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(directory.path, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--enable-feature=exemplar-storage',
        ],
        { OBSERVATORY_PUBLIC_URL: 'https://observatory.example.com', GRAFANA_PUBLIC_URL: '' },
      ),
    );
    prometheusUrl = `http://127.0.0.1:${port}`;
  }

  beforeAll(async () => {
    webhook = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        told.push(JSON.parse(Buffer.concat(chunks).toString()) as Notification);
        response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    observatory = await startOtlpReceiver();
    collector = await startCollector({
      program: tools.collector ?? '',
      configs: ['config.yaml', 'sampling-all.yaml'],
      env: { OBSERVATORY_ENDPOINT: observatory.url },
    });
    suite = await startSuite({
      otlpUrl: collector.url,
      // The planted bug, with less to wait for the others: half of the slow customers' rides take two seconds.
      env: {
        ...noDelays,
        CUSTOMER_QUERY_DELAY_MS: '20',
        CUSTOMER_SLOW_FACTOR: '100',
        OTEL_RESOURCE_ATTRIBUTES: `service.namespace=hotrod,service.version=${encodeURIComponent(version)}`,
      },
    });
    await startPrometheus(`http://127.0.0.1:${(webhook.address() as AddressInfo).port}/`);
    programs.push(
      startProgram(tools.k6 ?? '', ['run', '--quiet', '--no-usage-report', '--address=', 'loadgen/k6.ts'], {
        BASE_URL: suite.frontend,
        RATE: '4',
        K6_OUT: 'opentelemetry',
        K6_OTEL_SERVICE_NAME: 'k6',
        K6_OTEL_METRIC_PREFIX: 'k6.',
        K6_OTEL_GRPC_EXPORTER_ENDPOINT: `127.0.0.1:${collector.grpcPort}`,
        K6_OTEL_GRPC_EXPORTER_INSECURE: 'true',
        K6_OTEL_EXPORT_INTERVAL: '2s',
      }),
    );
  });
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop()));
    await suite?.stop();
    await collector?.stop();
    await observatory?.close();
    webhook?.closeAllConnections();
    webhook?.close();
    directory.remove();
  });

  async function ask<T>(path: string, parameters: Record<string, string>): Promise<T | null> {
    try {
      const answer = await fetch(`${prometheusUrl}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
      const { status, data, error } = (await answer.json()) as { status: string; data?: T; error?: string };
      if (status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
      return data ?? null;
    } catch (error) {
      if (error instanceof TypeError) return null; // it does not listen yet
      throw error;
    }
  }

  interface Series {
    metric: Record<string, string>;
    value: [number, string];
  }
  async function query(expr: string): Promise<Series[]> {
    return (
      (await ask<{ result: Series[] }>('query', { query: expr.replaceAll('$__rate_interval', '20s') }))?.result ?? []
    );
  }
  const hasData = (series: readonly Series[]) => series.some(({ value }) => Number.isFinite(Number(value[1])));

  test('every query of every panel of every dashboard has data', async () => {
    let empty = boards.flatMap(({ file, board }) =>
      board.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ file, title, expr }))),
    );
    expect(empty.length).toBeGreaterThan(40);
    for (const deadline = Date.now() + 120_000; empty.length > 0 && Date.now() < deadline; await sleep(1_000)) {
      const answers = await Promise.all(empty.map(({ expr }) => query(expr)));
      empty = empty.filter((_panel, index) => !hasData(answers[index] ?? []));
    }
    expect(empty).toEqual([]);
  });

  test('a release that begins to serve is annotated', async () => {
    const exprs = new Set(boards.flatMap(({ board }) => board.annotations.list.flatMap(({ expr }) => expr ?? [])));
    expect(exprs.size).toBe(1);
    for (const expr of exprs) {
      const releases = async () => {
        const range = { query: expr, start: String(startedMs / 1000), end: String(Date.now() / 1000), step: '5' };
        const found = await ask<{ result: Series[] }>('query_range', range);
        return found?.result.map(({ metric }) => `${metric['service_name']} ${metric['service_version']}`).toSorted();
      };
      await expect
        .poll(releases)
        .toEqual(['customer', 'driver', 'frontend', 'route'].map((service) => `${service} ${version}`));
    }
  });

  test('requests in and out of every service tell whether they succeeded, and whom they went to', async () => {
    // A customer who does not exist: the customer service answers 404, and the frontend, too.
    await suite.dispatch(999_999);
    const jobs = async (expr: string) => (await query(expr)).map(({ metric }) => metric['job'] ?? '').toSorted();
    await expect
      .poll(() => jobs('sum by (job) (http_server_request_duration_seconds_count{http_response_status_code!=""})'))
      .toEqual(['hotrod/customer', 'hotrod/driver', 'hotrod/frontend', 'hotrod/route']);
    const called = async (metric: string, job: string) =>
      (await query(`sum by (server_address, server_port) (${metric}{job="${job}"})`)).map(
        ({ metric: { server_address, server_port } }) => `${server_address}:${server_port}`,
      );
    const hosts = (['customer', 'driver', 'route'] as const).map((name) => new URL(suite.services[name].url).host);
    await expect
      .poll(async () => (await called('http_client_request_duration_seconds_count', 'hotrod/frontend')).toSorted())
      .toEqual(hosts.toSorted());
    for (const job of ['hotrod/customer', 'hotrod/driver']) {
      await expect
        .poll(() => called('db_client_operation_duration_seconds_count', job), { message: job })
        .toHaveLength(1);
    }
    await expect
      .poll(() => jobs('http_client_request_duration_seconds_count{error_type="404"}'))
      .toEqual(['hotrod/frontend']);
  });

  test('the planted bug fires the alert of the latency budget, and Alertmanager tells the webhook', async () => {
    const alerts = () =>
      told.flatMap((each) => each.alerts).filter(({ labels }) => labels['alertname'] === 'DispatchLatencyBudgetBurn');
    await expect.poll(() => alerts().length, { timeout: 150_000, interval: 500 }).toBeGreaterThan(0);
    const [notification] = told;
    expect(notification).toMatchObject({ version: '4', receiver: 'webhook', status: 'firing' });
    const [alert] = alerts();
    expect(alert?.labels).toMatchObject({ slo: 'dispatch-latency', service: 'rides' });
    expect(Object.keys(alert?.labels ?? {})).not.toContain('observatory_url');
    expect(alert?.annotations).toMatchObject({
      runbook_url: 'https://observatory.example.com/runbooks/dispatch-latency-budget-burn',
      dashboard_url: 'http://localhost:3000/d/slo',
      last_release: `frontend ${version}, customer ${version}, driver ${version}, route ${version}`,
    });
    // The query in the alert lists exemplars, and the slow ones are there.
    const slowTrace = async () => {
      const found = await ask<{ exemplars: { labels: { trace_id: string }; value: string }[] }[]>('query_exemplars', {
        query: alert?.annotations['exemplar_query'] ?? '',
        start: String(startedMs / 1000),
        end: String(Date.now() / 1000 + 60),
      });
      const exemplars = found?.flatMap((each) => each.exemplars);
      return exemplars?.find(({ value }) => Number(value) > 1.2)?.labels.trace_id;
    };
    await expect.poll(slowTrace).toMatch(/^[0-9a-f]{32}$/);
  });

  test('a service that is gone fires the alert of its callers', async () => {
    await suite.services.route.stop();
    await expect
      .poll(async () => (await query('ALERTS{alertname="DependencyCallsFail"}')).map(({ metric }) => metric), {
        timeout: 90_000,
        interval: 500,
      })
      .toMatchObject([{ job: 'hotrod/frontend', dependency: new URL(suite.services.route.url).host }]);
  });

  test('no rule fails', async () => {
    interface Rule {
      name: string;
      health: string;
      lastError?: string;
    }
    const rules = async () =>
      (await ask<{ groups: { rules: Rule[] }[] }>('rules', {}))?.groups.flatMap((group) => group.rules) ?? [];
    expect((await rules()).length).toBeGreaterThan(20);
    // The health of a rule is unknown before its first turn, which comes up to 30 s after the start.
    await expect
      .poll(async () => (await rules()).filter(({ health }) => health === 'unknown'), { timeout: 60_000 })
      .toEqual([]);
    expect((await rules()).filter(({ health }) => health !== 'ok')).toEqual([]);
  });
});
