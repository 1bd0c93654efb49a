import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';

import { createTemporaryDirectory, root } from '../harness/suite.ts';
import { chartDirectory, render, variants } from './chart.ts';
import { countLoad, createNamespace, findCluster, type LoadCount, type Namespace } from './cluster.ts';
import { prepareImages } from './compose.ts';
import { mustRun, type Outcome, run } from './tools.ts';

const cluster = findCluster();
const services = ['customer', 'driver', 'frontend', 'route'] as const;
const parts = [...services, 'observatory'];

/** Less than k6 waits for an answer, which is 30 s. */
const patienceMs = 28_000;

interface Pod {
  metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string };
  status: {
    phase: string;
    containerStatuses?: {
      restartCount: number;
      ready: boolean;
      state: { terminated?: { message?: string } };
      lastState: { terminated?: { message?: string } };
    }[];
  };
}

interface Trace {
  spans: { service: string; name: string; resource: Record<string, string> }[];
}

/**
 * One release, from its install to its end, in steps that build on each other: so none is tried a second time. From the
 * second step on k6 orders five rides a second, and not one may fail.
 */
describe.skipIf(!cluster)('the chart in a cluster', { retry: 0, timeout: 420_000 }, () => {
  const commit = randomBytes(4).toString('hex').slice(0, 7);
  const tags = { first: `0.1.0_${commit}`, second: `0.2.0_${commit}` };
  const version = (tag: string) => tag.replace('_', '+');
  const { kubectl, helm, helm3, docker, compose } = cluster ?? {
    kubectl: '',
    helm: '',
    helm3: '',
    docker: '',
    compose: '',
  };
  let namespace: Namespace;
  /** What is the same of every install and upgrade. */
  let common: string[] = [];

  /** `helm upgrade --install` with these values over those of values-kind.yaml. */
  async function upgrade(set: readonly string[], { program = helm, timeout = '300s' } = {}): Promise<Outcome> {
    const values = [...common, ...set].flatMap((each) => ['--set', each]);
    return await run(
      program,
      [
        'upgrade',
        '--install',
        'hotrod',
        chartDirectory,
        '--namespace',
        namespace.name,
        '--wait',
        '--timeout',
        timeout,
        '--values',
        join(chartDirectory, 'values-kind.yaml'),
        ...values,
      ],
      { timeoutMs: 400_000 },
    );
  }
  async function mustUpgrade(...set: string[]): Promise<string> {
    const { code, output } = await upgrade(set);
    expect(code, output).toBe(0);
    await settled();
    return output;
  }

  const pods = async (name?: string) =>
    (await namespace.get<{ items: Pod[] }>('pods', ...(name ? ['--selector', `app.kubernetes.io/name=${name}`] : [])))
      .items;
  /** The pods of every component, by their ids. */
  async function podIds(): Promise<Record<string, string[]>> {
    const ids: Record<string, string[]> = {};
    for (const { metadata } of await pods())
      (ids[metadata.labels['app.kubernetes.io/name'] ?? ''] ??= []).push(metadata.uid);
    return Object.fromEntries(Object.entries(ids).map(([name, list]) => [name, list.toSorted()]));
  }
  /** Which components have other pods than before. */
  async function replacedSince(before: Record<string, string[]>): Promise<string[]> {
    const after = await podIds();
    return Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]));
  }

  /** Waits until every pod that was to go has gone, and every other one is ready. */
  async function settled(): Promise<void> {
    const unsettled = async () =>
      (await pods())
        .filter(
          ({ metadata, status }) =>
            metadata.deletionTimestamp !== undefined || !status.containerStatuses?.every(({ ready }) => ready),
        )
        .map(({ metadata }) => metadata.name);
    await expect.poll(unsettled, { timeout: 180_000, interval: 1_000 }).toEqual([]);
  }

  /** Does something while k6 orders rides. @returns how many were ordered meanwhile; none may have failed. */
  async function underLoad(work: () => Promise<unknown>): Promise<number> {
    const count = async (): Promise<LoadCount> => await countLoad(namespace, 'deployment/hotrod-load');
    const before = await count();
    const start = performance.now();
    await work();
    await settled();
    await sleep(3_000); // what was ordered last is answered
    const after = await count();
    const requests = after.requests - before.requests;
    const failed = after.failed - before.failed;
    const seconds = (performance.now() - start) / 1000;
    console.info(
      `${requests} dispatches in ${seconds.toFixed(0)} s, ${failed} failed; ${after.dropped - before.dropped} were not sent, since k6 had no user free`,
    );
    expect(failed, `failed requests:\n${failed === 0 ? '' : await failures()}`).toBe(0);
    expect(requests).toBeGreaterThan(seconds); // five a second are ordered
    return requests;
  }

  /** What the Observatory knows of some requests that failed: what was logged in their traces. */
  async function failures(): Promise<string> {
    const from = Date.now() - 300_000;
    const rows = await observatory<{ traceId: string; error: boolean }[]>(
      `/api/traces?limit=500&from=${from}&to=${Date.now()}`,
    );
    const failed = rows.filter(({ error }) => error).slice(0, 10);
    const logs = await Promise.all(failed.map(({ traceId }) => observatory<unknown>(`/api/traces/${traceId}/logs`)));
    const { output } = await namespace.kubectl(['logs', 'deployment/hotrod-load', '--tail=200']);
    const said = output.split('\n').filter((line) => line.includes('/dispatch'));
    return [...logs.map((each) => JSON.stringify(each).slice(0, 1_000)), ...said.slice(0, 10)].join('\n');
  }

  /** Asks the Observatory, through the API server. */
  async function observatory<T>(path: string): Promise<T> {
    const service = `/api/v1/namespaces/${namespace.name}/services/hotrod-observatory:8088/proxy`;
    return JSON.parse(await mustRun(kubectl, ['get', '--raw', `${service}${path}`])) as T;
  }

  function explainFailure(): void {
    onTestFailed(async () => {
      const said = await Promise.all([
        namespace.kubectl(['get', 'pods', '--output', 'wide']),
        namespace.kubectl(['get', 'events', '--sort-by=.lastTimestamp']),
      ]);
      console.error(said.map(({ output }) => output.slice(-6_000)).join('\n'));
    });
  }

  beforeAll(async () => {
    if (!cluster) return;
    await prepareImages(cluster, ['NODE_IMAGE', 'POSTGRES_IMAGE', 'K6_IMAGE', 'COLLECTOR_IMAGE']);
    await mustRun(compose, ['--project-name', 'hotrod-cluster', 'build', '--quiet'], {
      cwd: root,
      env: { HOTROD_TAG: tags.first, HOTROD_VERSION: '0.1.0' },
      timeoutMs: 900_000,
    });
    for (const part of parts)
      await mustRun(docker, ['tag', `hotrod/${part}:${tags.first}`, `hotrod/${part}:${tags.second}`]);
    const others = ['postgres:18', 'grafana/k6:1.8.1', 'otel/opentelemetry-collector-contrib:0.145.0'];
    await cluster.load([
      ...Object.values(tags).flatMap((tag) => parts.map((part) => `hotrod/${part}:${tag}`)),
      ...others,
    ]);
    namespace = await createNamespace(cluster);
    // A local image that stands in for the public one may have another user for Postgres.
    const user = await mustRun(docker, ['run', '--rm', '--entrypoint', 'id', 'postgres:18', '-u', 'postgres']);
    // Where the machine is busy with other things, the services refuse or give up what takes too long (tests/faults tries
    // that). Here they are to be patient, so that a request that fails is one that was lost.
    const patience = [
      `serviceDefaults.env.REQUEST_TIMEOUT_MS=${patienceMs}`,
      ...['customer', 'driver'].flatMap((name) =>
        ['MAX_WAIT_MS', 'STATEMENT_TIMEOUT_MS'].map(
          (setting) => `services.${name}.env.DATABASE_${setting}=${patienceMs}`,
        ),
      ),
      ...['CUSTOMER_TIMEOUT_MS', 'DRIVER_TIMEOUT_MS', 'ROUTE_TIMEOUT_MS', 'ROUTE_WORKER_POOL_MAX_WAIT_MS'].map(
        (name) => `services.frontend.env.${name}=${patienceMs}`,
      ),
    ];
    common = [`postgres.runAsUser=${user.trim()}`, 'load.rate=5', ...patience];
  }, 1_800_000);

  afterAll(async () => {
    await namespace?.remove();
    const images = Object.values(tags).flatMap((tag) => parts.map((part) => `hotrod/${part}:${tag}`));
    if (docker) await run(docker, ['image', 'rm', '--force', ...images]);
  }, 300_000);

  test.each(['default', ...variants])('is taken by the API server, without a warning: %s', async (variant) => {
    const directory = createTemporaryDirectory('renders');
    try {
      // What only exists where its operator is installed is validated by its schema (policies.test.ts).
      const operators = /^(gateway\.networking|k6|argoproj|monitoring|networking\.istio|security\.istio)/;
      const objects = await render(helm, {
        namespace: namespace.name,
        variant: variant === 'default' ? undefined : variant,
        set: ['serviceDefaults.autoscaling.enabled=true'],
      });
      const file = join(directory.path, 'objects.json');
      // A pod of its own, that of `helm test`, needs its service account to be there.
      const items = objects.filter(
        ({ apiVersion, kind, metadata }) => !operators.test(apiVersion) && kind !== 'Pod' && isOurs(metadata.namespace),
      );
      expect(items.length).toBeGreaterThan(20);
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      const { code, output } = await namespace.kubectl(['apply', '--dry-run=server', '--filename', file]);
      expect(code, output).toBe(0);
      expect(output).not.toContain('Warning');
    } finally {
      directory.remove();
    }
  });

  test('is installed with its defaults and values-kind.yaml, under the restricted Pod Security Standard', async () => {
    explainFailure();
    const start = performance.now();
    const output = await mustUpgrade(`image.tag=${tags.first}`);
    console.info(`installed and ready after ${((performance.now() - start) / 1000).toFixed(0)} s`);
    expect(output).toContain('service/hotrod-frontend 8080:8080');
    expect(output).not.toContain('would violate PodSecurity');
    // Nobody had to be started twice: what needs the database waits for it.
    for (const { metadata, status } of await pods())
      expect(
        status.containerStatuses?.map(({ restartCount }) => restartCount),
        metadata.name,
      ).toEqual([0]);
  });

  test('passes helm test: a ride, and its whole trace with where each span comes from', async () => {
    explainFailure();
    const output = await mustRun(helm, ['test', 'hotrod', '--namespace', namespace.name, '--logs'], {
      timeoutMs: 200_000,
    });
    expect(output).toMatch(/Phase:\s+Succeeded/);
    expect(output).toContain('Its trace is there');
    let spans: Trace['spans'] = [];
    const servicesOfRide = async () => {
      const found = await observatory<{ traceId: string; name: string; service: string }[]>('/api/traces?limit=50');
      const ride = found.find(({ name, service }) => name === 'GET /dispatch' && service === 'frontend');
      ({ spans } = await observatory<Trace>(`/api/traces/${ride?.traceId}`));
      return new Set(spans.map(({ service }) => service));
    };
    // Each service sends its spans when its own batch is due.
    await expect.poll(servicesOfRide, { timeout: 60_000 }).toEqual(new Set(services));
    const running = new Map((await pods()).map(({ metadata }) => [metadata.uid, metadata.name]));
    for (const { service, resource } of spans) {
      expect(resource).toMatchObject({
        'service.version': version(tags.first),
        'vcs.ref.head.revision': commit,
        'deployment.environment.name': 'kind',
        'k8s.namespace.name': namespace.name,
        'k8s.deployment.name': `hotrod-${service}`,
        'k8s.container.name': service,
      });
      expect(running.get(resource['k8s.pod.uid'] ?? '')).toBe(resource['k8s.pod.name']);
      expect(resource['service.instance.id']).toBe(resource['k8s.pod.uid']);
      expect(resource['k8s.node.name']).toBeTruthy();
    }
  });

  test('loses no request while all of it is upgraded', async () => {
    explainFailure();
    const before = await podIds();
    await underLoad(() => mustUpgrade(`image.tag=${tags.second}`));
    expect((await replacedSince(before)).toSorted()).toEqual([...parts].toSorted());
  });

  test('loses no request while the customer service alone is taken back, and restarts nothing else', async () => {
    explainFailure();
    const before = await podIds();
    await underLoad(() => mustUpgrade(`image.tag=${tags.second}`, `services.customer.image.tag=${tags.first}`));
    expect(await replacedSince(before)).toEqual(['customer']);
    const releases = async () => {
      const rows = await observatory<{ highlights: Record<string, string>; traceId: string }[]>('/api/traces?limit=20');
      const { spans } = await observatory<Trace>(`/api/traces/${rows[0]?.traceId}`);
      return Object.fromEntries(spans.map(({ service, resource }) => [service, resource['service.version']]));
    };
    const second = version(tags.second);
    await expect
      .poll(releases, { timeout: 60_000 })
      .toEqual({ customer: version(tags.first), driver: second, frontend: second, route: second });
  });

  test('loses no request while a setting changes, and restarts only what it is of: the fix is a value, too', async () => {
    explainFailure();
    const before = await podIds();
    const fix = 'services.customer.env.CUSTOMER_SLOW_FACTOR=1';
    await underLoad(() => mustUpgrade(`image.tag=${tags.second}`, `services.customer.image.tag=${tags.first}`, fix));
    expect(await replacedSince(before)).toEqual(['customer']);
  });

  test('keeps what runs where an upgrade cannot work, and says why', async () => {
    explainFailure();
    const before = await podIds();
    await underLoad(async () => {
      const { code, output } = await upgrade(
        [
          `image.tag=${tags.second}`,
          'services.customer.env.CUSTOMER_SLOW_FACTOR=fast',
          'services.driver.env.DATABASE_URL=postgres://driver:x@no-such-host:5432/hotrod',
          'services.driver.env.DATABASE_START_TIMEOUT_MS=2000',
          'services.route.env.TOKEN.valueFrom.secretKeyRef.name=no-such-secret',
          'services.route.env.TOKEN.valueFrom.secretKeyRef.key=token',
        ],
        { timeout: '40s' },
      );
      expect(code).not.toBe(0);
      // helm says which; the pod's own message, in `kubectl describe pod`, says why.
      for (const name of ['customer', 'driver', 'route']) expect(output).toContain(`hotrod-${name}`);
      const message = async (name: string) => {
        const lastWords = (await pods(name)).flatMap(({ status }) =>
          (status.containerStatuses ?? []).flatMap(({ state, lastState }) => [
            state.terminated?.message ?? lastState.terminated?.message ?? '',
          ]),
        );
        return lastWords.join('\n');
      };
      await expect.poll(() => message('customer')).toContain('CUSTOMER_SLOW_FACTOR is not valid: not a number');
      await expect
        .poll(() => message('driver'))
        .toMatch(/Postgres gave no connection in time\. \(getaddrinfo \w+ no-such-host\)/);
      const events = await namespace.must(['get', 'events', '--field-selector', 'type=Warning']);
      expect(events).toContain('secret "no-such-secret" not found');
      // What came before goes on: each service still has the pods it had.
      const now = await podIds();
      for (const name of services) expect(now[name], name).toEqual(expect.arrayContaining(before[name] ?? []));
      await mustRun(helm, ['rollback', 'hotrod', '--namespace', namespace.name, '--wait', '--timeout', '300s'], {
        timeoutMs: 320_000,
      });
    });
    // The pods that could not start are gone, and those that ran were never touched.
    expect(await replacedSince(before)).toEqual([]);
  });

  test('loses no request while all of it is rolled back to the first release', async () => {
    explainFailure();
    const before = await podIds();
    await underLoad(() =>
      mustRun(helm, ['rollback', 'hotrod', '1', '--namespace', namespace.name, '--wait', '--timeout', '300s'], {
        timeoutMs: 320_000,
      }),
    );
    // The customer service was of the first release before; its setting was not.
    expect((await replacedSince(before)).toSorted()).toEqual([...parts].toSorted());
  });

  test('loses no request while a pod of each service is deleted', async () => {
    explainFailure();
    const victims = (
      await Promise.all(services.map(async (name) => (await pods(name))[0]?.metadata.name ?? ''))
    ).filter(Boolean);
    expect(victims).toHaveLength(services.length);
    await underLoad(() => namespace.must(['delete', 'pod', ...victims], 180_000));
    for (const name of services) expect(await pods(name), name).toHaveLength(2);
  });

  test('leaves the volumes and their password when it is uninstalled, and nothing else', async () => {
    explainFailure();
    await mustRun(helm, ['uninstall', 'hotrod', '--namespace', namespace.name, '--wait', '--timeout', '180s'], {
      timeoutMs: 200_000,
    });
    await expect.poll(() => pods(), { timeout: 120_000, interval: 1_000 }).toEqual([]);
    // What belonged to others is collected a moment later.
    await expect
      .poll(() => leftovers(), { timeout: 120_000, interval: 1_000 })
      .toEqual([
        'persistentvolumeclaim/data-hotrod-observatory-0',
        'persistentvolumeclaim/data-hotrod-postgres-0',
        'secret/hotrod-postgres',
      ]);
  });

  test('is installed by Helm 3, too, with agents and gateways, and finds the data that was left', async () => {
    explainFailure();
    const secret = await namespace.must(['get', 'secret', 'hotrod-postgres', '--output', 'jsonpath={.data}']);
    // With agents and gateways this time: the trace of `helm test` comes that way.
    const set = [`image.tag=${tags.second}`, 'load.mode=off', 'collector.mode=agent', 'collector.replicas=2'];
    const { code, output } = await upgrade(set, { program: helm3 });
    expect(code, output).toBe(0);
    expect(await namespace.must(['get', 'secret', 'hotrod-postgres', '--output', 'jsonpath={.data}'])).toBe(secret);
    const tested = await mustRun(helm3, ['test', 'hotrod', '--namespace', namespace.name], {
      timeoutMs: 200_000,
    });
    expect(tested).toMatch(/Phase:\s+Succeeded/);
    // The rides of the release before are still there.
    const hour = Date.now() - 3_600_000;
    const rows = await observatory<unknown[]>(`/api/traces?from=${hour}&to=${Date.now()}&limit=500`);
    expect(rows.length).toBeGreaterThan(100);

    await mustRun(helm3, ['uninstall', 'hotrod', '--namespace', namespace.name, '--wait', '--timeout', '180s'], {
      timeoutMs: 200_000,
    });
    // What NOTES.txt says of it.
    await namespace.must(['delete', 'pvc', '--selector', 'app.kubernetes.io/instance=hotrod']);
    await namespace.must(['delete', 'secret', 'hotrod-postgres']);
    await expect.poll(() => leftovers(), { timeout: 120_000, interval: 1_000 }).toEqual([]);
  });

  /** Objects of other namespaces, and of none, are not for this test to try. */
  const isOurs = (name: string | undefined) => name === namespace.name;

  /** All that is in the namespace beside what every namespace has. */
  async function leftovers(): Promise<string[]> {
    const kinds =
      'all,configmap,secret,serviceaccount,persistentvolumeclaim,networkpolicy,poddisruptionbudget,horizontalpodautoscaler,ingress';
    const names = (await namespace.must(['get', kinds, '--output', 'name'])).split('\n').filter(Boolean);
    return names.filter((name) => !['configmap/kube-root-ca.crt', 'serviceaccount/default'].includes(name)).toSorted();
  }
});
