import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { chartFiles } from '../../charts/generate.ts';
import { settings as observatorySettings } from '../../observatory/config.ts';
import { settings as customerSettings } from '../../services/customer/config.ts';
import { settings as driverSettings } from '../../services/driver/config.ts';
import { settings as frontendSettings } from '../../services/frontend/config.ts';
import { settings as routeSettings } from '../../services/route/config.ts';
import { databaseRoles, maxDatabaseConnections } from '../../stack/topology.ts';
import { root } from '../harness/suite.ts';
import {
  chartDirectory,
  environmentOf,
  keyOf,
  type KubernetesObject,
  podsOf,
  quantity,
  render,
  template,
  variants,
} from './chart.ts';
import { findTool, mustRun } from './tools.ts';

const helms = (['helm', 'helm3'] as const).map((name) => ({ name, program: findTool(name) }));
const helm = helms[0]?.program ?? '';
const settings = {
  customer: customerSettings,
  driver: driverSettings,
  route: routeSettings,
  frontend: frontendSettings,
};
const serviceNames = ['customer', 'driver', 'frontend', 'route'] as const;
const readText = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

describe('what the chart carries of other folders', () => {
  test('is what those folders hold, and its README what values.yaml says (npm run chart)', async () => {
    const files = await chartFiles();
    for (const [path, content] of Object.entries(files)) {
      expect(readFileSync(join(chartDirectory, path), 'utf8'), path).toBe(content);
    }
    const carried = readdirSync(join(chartDirectory, 'files'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(chartDirectory.length + 1));
    const own = carried.filter((path) => !(path in files));
    // Written for the chart alone.
    expect(own).toEqual(['files/tests/dispatch.mjs']);
  });

  test('is of the version that package.json says', () => {
    const { appVersion } = parse(readText('charts/hotrod/Chart.yaml')) as { appVersion: string };
    expect(appVersion).toBe((JSON.parse(readText('package.json')) as { version: string }).version);
  });

  test.skipIf(!findTool('k6'))('is a whole script for k6', async () => {
    const program = findTool('k6') ?? '';
    await mustRun(program, ['inspect', join(chartDirectory, 'files/loadgen/k6.ts')]);
  });
});

describe.each(helms)('$name', ({ name, program }) => {
  test.skipIf(!program).each(['default', ...variants])('finds no fault with the chart: %s', async (variant) => {
    const values = variant === 'default' ? [] : ['--values', join(chartDirectory, `values-${variant}.yaml`)];
    await mustRun(program ?? '', ['lint', '--strict', '--quiet', chartDirectory, ...values]);
  });

  test.skipIf(!program).each([
    ['services.custmer.replicas=1', "at '/services': additional properties 'custmer' not allowed"],
    ['services.customer.imag.tag=1', "at '/services/customer': additional properties 'imag' not allowed"],
    ['serviceDefaults.resources.request.cpu=1', "additional properties 'request' not allowed"],
    ['postgres.persistance.enabled=false', "at '/postgres': additional properties 'persistance' not allowed"],
    ['collector.backend.endpoint=otlp.example.com', "at '/collector/backend/endpoint'"],
    ['load.mode=on', "at '/load/mode': value must be one of 'deployment', 'job', 'testrun', 'off'"],
    ['load.profile=rush', "at '/load/profile': value must be one of"],
    ['services.customer.env.slow-factor=1', "invalid propertyName 'slow-factor'"],
    ['services.customer.replicas=two', "at '/services/customer/replicas': got string, want integer"],
    ['services.customer.image.digest=abc', "at '/services/customer/image/digest'"],
    ['ingress.hosts.frontend=*.example.com', "at '/ingress/hosts/frontend'"],
  ])('refuses %s, and names the key', async (set, message) => {
    const { code, output } = await template(program ?? '', { set: [set] });
    expect(code, name).not.toBe(0);
    expect(output).toContain(message);
  });

  test.skipIf(!program).each([
    ['postgres.enabled=false', 'externalDatabase.existingSecret has to name a Secret'],
    ['ingress.enabled=true', 'neither ingress.hosts.frontend nor ingress.hosts.observatory is set'],
    ['gatewayApi.enabled=true', 'gatewayApi.parentRefs has to name the Gateway'],
    ['collector.replicas=2,collector.sampling.mode=tail', 'set collector.mode to agent'],
    [`fullnameOverride=${'a'.repeat(37)}`, 'at most 36 characters'],
  ])('refuses what contradicts itself: %s', async (set, message) => {
    const { code, output } = await template(program ?? '', { set: [set] });
    expect(code).not.toBe(0);
    expect(output).toContain(message);
  });
});

describe.skipIf(!helm)('the rendered chart', () => {
  test.each(['default', ...variants])('is what was looked at: %s', async (variant) => {
    const objects = await render(helm, { variant: variant === 'default' ? undefined : variant });
    await expect(
      stringify(objects.map(withoutContents), { lineWidth: 0, aliasDuplicateObjects: false }),
    ).toMatchFileSnapshot(join(import.meta.dirname, 'renders', `${variant}.yaml`));
  });

  test.skipIf(!helms[1]?.program).each(['default', ...variants])('is the same from Helm 3: %s', async (variant) => {
    const options = { variant: variant === 'default' ? undefined : variant };
    const [four, three] = await Promise.all(helms.map(({ program }) => render(program ?? '', options)));
    expect(three?.map(withoutContents)).toEqual(four?.map(withoutContents));
  });

  test('gives every service the variables that it knows, and no unknown one', async () => {
    const pods = podsOf(await render(helm));
    for (const name of serviceNames) {
      const known = new Set(Object.values(settings[name]).map((setting) => setting.env));
      const given = Object.keys(environmentOf(pods[`Deployment hotrod-${name}`]));
      const unknown = given.filter((each) => !known.has(each) && !/^(OTEL|NODE|K8S)_|^DATABASE_PASSWORD$/.test(each));
      expect(unknown, name).toEqual([]);
    }
    const known = new Set(Object.values(observatorySettings).map((setting) => setting.env));
    const given = Object.keys(environmentOf(pods['StatefulSet hotrod-observatory']));
    expect(given.filter((each) => !known.has(each) && !each.startsWith('NODE_'))).toEqual([]);
  });

  test('tells every service where the others are', async () => {
    const pods = podsOf(await render(helm, { set: ['services.driver.port=9000'] }));
    expect(environmentOf(pods['Deployment hotrod-frontend'])).toMatchObject({
      PORT: '8080',
      CUSTOMER_URL: 'http://hotrod-customer:8081',
      DRIVER_URL: 'http://hotrod-driver:9000',
      ROUTE_URL: 'http://hotrod-route:8083',
      TRACE_URL: 'http://localhost:8088/trace/{traceId}',
      OBSERVATORY_URL: 'http://localhost:8088',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://hotrod-otel-collector:4318',
    });
    expect(environmentOf(pods['Deployment hotrod-driver'])['PORT']).toBe('9000');
    expect(pods['Deployment hotrod-driver']?.containers[0]?.ports).toEqual([{ name: 'http', containerPort: 9000 }]);
  });

  test('gives each service that keeps data a role and a password of its own, the same at Postgres', async () => {
    const objects = await render(helm);
    const pods = podsOf(objects);
    const roles = objects.find((object) => keyOf(object) === 'ConfigMap hotrod-postgres-roles')?.data?.['roles.sql'];
    const postgres = environmentOf(pods['StatefulSet hotrod-postgres']);
    const secret = objects.find((object) => keyOf(object) === 'Secret hotrod-postgres')?.data ?? {};
    expect(Object.keys(secret).toSorted()).toEqual(
      [...databaseRoles, 'postgres'].map((role) => `${role}-password`).toSorted(),
    );
    expect(new Set(Object.values(secret)).size).toBe(databaseRoles.length + 1);
    for (const role of databaseRoles) {
      const password = JSON.stringify({ secretKeyRef: { name: 'hotrod-postgres', key: `${role}-password` } });
      expect(environmentOf(pods[`Deployment hotrod-${role}`])).toMatchObject({
        DATABASE_URL: `postgres://${role}:$(DATABASE_PASSWORD)@hotrod-postgres:5432/hotrod`,
        DATABASE_PASSWORD: password,
      });
      expect(postgres[`${role.toUpperCase()}_PASSWORD`]).toBe(password);
      expect(roles).toContain(`CREATE ROLE ${role} LOGIN`);
    }
    expect(pods['StatefulSet hotrod-postgres']?.containers[0]?.args).toContain(
      `max_connections=${maxDatabaseConnections}`,
    );
    expect(environmentOf(pods['Deployment hotrod-route'])['DATABASE_URL']).toBeUndefined();
  });

  test('lets a variable of a service stand for what the chart would say, and one be empty', async () => {
    const pods = podsOf(
      await render(helm, {
        set: [
          'services.customer.env.DATABASE_URL=postgres://me@there/mine',
          'services.frontend.env.TRACE_URL=',
          'services.route.env.LOG_LEVEL=warn',
          'serviceDefaults.env.OTEL_BSP_MAX_QUEUE_SIZE=1000000',
          'services.driver.env.SECRET.valueFrom.secretKeyRef.name=mine',
          'services.driver.env.SECRET.valueFrom.secretKeyRef.key=word',
        ],
      }),
    );
    const customer = environmentOf(pods['Deployment hotrod-customer']);
    expect(customer['DATABASE_URL']).toBe('postgres://me@there/mine');
    expect(customer['DATABASE_PASSWORD']).toBeUndefined();
    expect(customer['OTEL_BSP_MAX_QUEUE_SIZE']).toBe('1000000');
    expect(environmentOf(pods['Deployment hotrod-frontend'])['TRACE_URL']).toBe('');
    expect(environmentOf(pods['Deployment hotrod-route'])['LOG_LEVEL']).toBe('warn');
    expect(environmentOf(pods['Deployment hotrod-driver'])['SECRET']).toBe(
      '{"secretKeyRef":{"key":"word","name":"mine"}}',
    );
    for (const [owner, { containers }] of Object.entries(pods)) {
      const names = containers.flatMap(({ env = [] }) => env.map((each) => each.name));
      expect(new Set(names).size, owner).toBe(names.length);
    }
  });

  test.each([
    ['nothing', [], '0.1.0', undefined],
    ['a tag', ['image.tag=0.2.0_1a2b3c4'], '0.2.0%2B1a2b3c4', '1a2b3c4'],
    [
      'a tag and a commit',
      ['image.tag=0.2.0_1a2b3c4', 'image.revision=1a2b3c4d5e6f'],
      '0.2.0%2B1a2b3c4',
      '1a2b3c4d5e6f',
    ],
    [
      'a tag of its own',
      ['image.revision=1a2b3c4', 'services.customer.image.tag=0.3.0_9f8e7d6'],
      '0.3.0%2B9f8e7d6',
      '9f8e7d6',
    ],
    ['a tag without a commit', ['image.revision=1a2b3c4', 'services.customer.image.tag=0.3.0'], '0.3.0', undefined],
    ['a version', ['services.customer.version=1.0.0+abc', 'image.tag=main'], '1.0.0%2Babc', undefined],
  ])('says which release a service is, by %s', async (_by, set, version, revision) => {
    const pods = podsOf(await render(helm, { set }));
    const attributes = environmentOf(pods['Deployment hotrod-customer'])['OTEL_RESOURCE_ATTRIBUTES']?.split(',') ?? [];
    const of = (name: string) => attributes.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
    expect(of('service.version')).toBe(version);
    expect(of('vcs.ref.head.revision')).toBe(revision);
  });

  test('says where a pod runs on every span', async () => {
    const set = ['clusterName=kind', 'resourceAttributes.team=a b', 'environment=test'];
    const env = environmentOf(podsOf(await render(helm, { set }))['Deployment hotrod-route']);
    expect(env['OTEL_RESOURCE_ATTRIBUTES']?.split(',').toSorted()).toEqual([
      'deployment.environment.name=test',
      'k8s.cluster.name=kind',
      'k8s.container.name=route',
      'k8s.deployment.name=hotrod-route',
      'k8s.namespace.name=rides',
      'k8s.node.name=$(K8S_NODE_NAME)',
      'k8s.pod.name=$(K8S_POD_NAME)',
      'k8s.pod.uid=$(K8S_POD_UID)',
      'service.instance.id=$(K8S_POD_UID)',
      'service.version=0.1.0',
      'team=a%20b',
    ]);
    expect(env['K8S_POD_UID']).toBe('{"fieldRef":{"fieldPath":"metadata.uid"}}');
  });

  test('takes its images from a registry, by tag or digest, with a secret to pull', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const objects = await render(helm, {
      set: [
        'image.registry=registry.example.com/team/',
        'image.tag=0.2.0',
        'image.pullSecrets[0].name=pull',
        `services.customer.image.digest=${digest}`,
        'services.driver.image.repository=other/driver',
      ],
    });
    const pods = podsOf(objects);
    const image = (name: string) => pods[`Deployment hotrod-${name}`]?.containers[0]?.image;
    expect(image('route')).toBe('registry.example.com/team/hotrod/route:0.2.0');
    expect(image('customer')).toBe(`registry.example.com/team/hotrod/customer@${digest}`);
    expect(image('driver')).toBe('registry.example.com/team/other/driver:0.2.0');
    for (const [owner, pod] of Object.entries(pods))
      expect(pod, owner).toMatchObject({ imagePullSecrets: [{ name: 'pull' }] });
  });

  test.each([
    [
      'the image of the customer service',
      ['services.customer.image.tag=0.1.1_1a2b3c4'],
      ['Deployment hotrod-customer'],
    ],
    [
      'a setting of the customer service',
      ['services.customer.env.CUSTOMER_SLOW_FACTOR=1'],
      ['Deployment hotrod-customer'],
    ],
    ['what samples', ['collector.sampling.mode=tail'], ['Deployment hotrod-otel-collector']],
    ['another backend', ['collector.backend.endpoint=https://otlp.example.com'], ['Deployment hotrod-otel-collector']],
    ['the load', ['load.rate=5'], ['Deployment hotrod-load']],
    ['the number of pods', ['serviceDefaults.replicas=3'], []],
    [
      'all images of the suite',
      ['image.tag=0.2.0'],
      [...serviceNames.map((name) => `Deployment hotrod-${name}`), 'Pod hotrod-test', 'StatefulSet hotrod-observatory'],
    ],
  ])('rolls no pods but those that a change is about: %s', async (_what, set, expected) => {
    const [before, after] = (await Promise.all([render(helm), render(helm, { set })])).map(podTemplates);
    const changed = Object.keys(before ?? {}).filter(
      (key) => JSON.stringify(before?.[key]) !== JSON.stringify(after?.[key]),
    );
    expect(changed.toSorted()).toEqual([...expected].toSorted());
  });

  test('rolls the Collector when its configuration changes, and nothing when the chart alone does', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hotrod-chart-'));
    try {
      await mustRun('cp', ['-r', chartDirectory, directory]);
      const copy = join(directory, 'hotrod');
      const renderCopy = async () => podTemplates(await render(helm, { chart: copy }));
      const before = await renderCopy();
      await mustRun('sed', ['-i', 's/^version: .*/version: 9.9.9/', join(copy, 'Chart.yaml')]);
      expect(await renderCopy()).toEqual(before);
      await mustRun('sed', [
        '-i',
        's/send_batch_size: 2048/send_batch_size: 1024/',
        join(copy, 'files/otel-collector/config.yaml'),
      ]);
      const after = await renderCopy();
      const changed = Object.keys(before).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
      expect(changed).toEqual(['Deployment hotrod-otel-collector']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each([
    ['default', [], undefined],
    ['with agents', ['collector.mode=agent'], undefined],
    ['with k6 as a Job', ['load.mode=job'], undefined],
    ...variants.map((variant): [string, string[], string] => [variant, [], variant]),
  ])('runs every pod under the restricted Pod Security Standard, without a token: %s', async (_title, set, variant) => {
    const pods = podsOf(await render(helm, { set, variant }));
    expect(Object.keys(pods).length).toBeGreaterThan(5);
    for (const [owner, pod] of Object.entries(pods)) {
      expect(pod.automountServiceAccountToken, owner).toBe(owner.startsWith('CronJob'));
      expect(pod.securityContext, owner).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.securityContext['runAsUser'], owner).toBeGreaterThan(0);
      for (const container of pod.containers) {
        expect(container.securityContext, owner).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  test('replaces services without a gap: one more pod first, then time to be forgotten, then time to finish', async () => {
    for (const variant of [undefined, 'eks']) {
      const objects = await render(helm, { variant });
      for (const name of serviceNames) {
        const deployment = objects.find((object) => keyOf(object) === `Deployment hotrod-${name}`);
        expect(deployment?.spec?.['strategy']).toEqual({
          type: 'RollingUpdate',
          rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
        });
        const pod = deployment?.spec?.template?.spec;
        const preStopSeconds = pod?.containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0;
        const drainMs = Number(environmentOf(pod)['DRAIN_MS']);
        expect(preStopSeconds).toBeGreaterThanOrEqual(5);
        // shutdown.ts gives requests ten seconds after the drain, and one more to the last report.
        expect((pod?.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(
          preStopSeconds * 1000 + drainMs + 11_000,
        );
      }
    }
  });

  test('leaves the number of pods to the autoscaler where there is one', async () => {
    const set = [
      'serviceDefaults.autoscaling.enabled=true',
      'services.route.autoscaling.enabled=false',
      'services.frontend.autoscaling.targetRequestsPerSecond=20',
    ];
    const objects = await render(helm, { set });
    const replicas = (name: string) =>
      objects.find((object) => keyOf(object) === `Deployment hotrod-${name}`)?.spec?.replicas;
    expect(replicas('customer')).toBeUndefined();
    expect(replicas('route')).toBe(2);
    const scalers = objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(scalers.map(({ metadata }) => metadata.name)).toEqual([
      'hotrod-customer',
      'hotrod-driver',
      'hotrod-frontend',
    ]);
    expect(scalers[2]?.spec?.['metrics']).toMatchObject([
      { type: 'Resource' },
      { type: 'Pods', pods: { target: { averageValue: '20' } } },
    ]);
  });

  test('fits a node of 2 CPUs and 3 GiB, also while all of it is replaced', async () => {
    const objects = await render(helm, { variant: 'kind' });
    let cpu = 0;
    let memory = 0;
    for (const object of objects) {
      const pod = object.spec?.template?.spec;
      if (!pod) continue;
      // A rollout has one more pod of each; k6, Postgres and the Observatory go before they come.
      const surge = object.kind === 'Deployment' && object.metadata.name !== 'hotrod-load' ? 1 : 0;
      const pods = (object.spec?.replicas ?? 1) + surge;
      for (const { resources } of pod.containers) {
        cpu += pods * quantity(resources.requests.cpu);
        memory += pods * quantity(resources.requests.memory);
      }
    }
    // What a kind node needs for itself: 950 millicores and 290 MiB, as its own pods request them.
    expect(cpu + 0.95).toBeLessThanOrEqual(2);
    expect(memory / 2 ** 20 + 290).toBeLessThanOrEqual(3 * 1024);
  });

  /** The arrows that the network policies draw, each seen from both of its ends. */
  function arrowsOf(objects: readonly KubernetesObject[]): { egress: string[]; ingress: string[] } {
    type Peer = {
      podSelector?: { matchLabels: Record<string, string> };
      namespaceSelector?: unknown;
      ipBlock?: { cidr: string };
    };
    type Rule = { from?: Peer[]; to?: Peer[]; ports?: { port: number; protocol: string }[] };
    const nameOf = (peer: Peer) =>
      peer.namespaceSelector
        ? 'dns'
        : (peer.ipBlock?.cidr ?? peer.podSelector?.matchLabels['app.kubernetes.io/name'] ?? '?');
    const ends = (rule: Rule) => (rule.from ?? rule.to)?.map(nameOf) ?? ['anywhere'];
    const ports = (rule: Rule) => [...new Set(rule.ports?.map(({ port }) => String(port)) ?? ['any'])];
    const found = { egress: [] as string[], ingress: [] as string[] };
    for (const { kind, metadata, spec } of objects) {
      if (kind !== 'NetworkPolicy') continue;
      const own = metadata.name.replace('hotrod-', '');
      expect(spec).toMatchObject({
        policyTypes: ['Ingress', 'Egress'],
        podSelector: { matchLabels: { 'app.kubernetes.io/name': own, 'app.kubernetes.io/instance': 'hotrod' } },
      });
      const { ingress, egress } = spec as unknown as { ingress: Rule[] | null; egress: Rule[] };
      for (const rule of ingress ?? [])
        for (const end of ends(rule)) for (const port of ports(rule)) found.ingress.push(`${end} → ${own}:${port}`);
      for (const rule of egress)
        for (const end of ends(rule)) for (const port of ports(rule)) found.egress.push(`${own} → ${end}:${port}`);
    }
    return { egress: found.egress.toSorted(), ingress: found.ingress.toSorted() };
  }

  const inside = [
    'customer → postgres:5432',
    'driver → postgres:5432',
    'frontend → customer:8081',
    'frontend → driver:8082',
    'frontend → route:8083',
    'load → frontend:8080',
    'test → frontend:8080',
    'load → otel-collector:4317',
    ...serviceNames.map((name) => `${name} → otel-collector:4318`),
    'otel-collector → observatory:4318',
    'test → observatory:8088',
  ];
  const fromOutside = ['anywhere → frontend:8080', 'anywhere → observatory:8088'];

  test('lets only those talk to each other who have to', async () => {
    const { egress, ingress } = arrowsOf(await render(helm));
    expect(ingress).toEqual([...inside, ...fromOutside].toSorted());
    expect(egress.filter((arrow) => !arrow.includes('→ dns:'))).toEqual(inside.toSorted());
    const components = [...serviceNames, 'load', 'observatory', 'otel-collector', 'postgres', 'test'];
    expect(egress.filter((arrow) => arrow.includes('→ dns:'))).toEqual(
      components.toSorted().map((each) => `${each} → dns:53`),
    );
  });

  test('lets the load send what it measures to the Observatory where there is no Collector', async () => {
    const objects = await render(helm, { set: ['collector.enabled=false'] });
    expect(arrowsOf(objects).ingress).toEqual(
      [...inside.filter((arrow) => !arrow.startsWith('otel-collector')), ...fromOutside]
        .map((arrow) => arrow.replace('→ otel-collector:', '→ observatory:'))
        .toSorted(),
    );
    expect(JSON.stringify(objects)).toContain('"value":"hotrod-observatory:4317"');
  });

  test('lets agents talk to gateways, and gateways alone to what is behind', async () => {
    const set = [
      'collector.mode=agent',
      'collector.backend.endpoint=https://otlp.example.com',
      'networkPolicy.ingressFrom[0].ipBlock.cidr=10.0.0.0/16',
    ];
    const { egress, ingress } = arrowsOf(await render(helm, { set }));
    const expected = [
      ...inside.filter((arrow) => arrow !== 'otel-collector → observatory:4318'),
      'otel-collector → otel-collector-gateway:4317',
      'otel-collector-gateway → observatory:4318',
    ];
    expect(ingress).toEqual([...expected, '10.0.0.0/16 → frontend:8080', '10.0.0.0/16 → observatory:8088'].toSorted());
    expect(egress.filter((arrow) => !arrow.includes('→ dns:'))).toEqual(
      [...expected, 'otel-collector-gateway → anywhere:any'].toSorted(),
    );
  });

  test('lets services reach a database elsewhere, and telemetry a backend elsewhere', async () => {
    const { egress, ingress } = arrowsOf(await render(helm, { variant: 'external', set: ['load.mode=off'] }));
    expect(egress.filter((arrow) => !arrow.includes('→ dns:'))).toEqual(
      [
        'customer → anywhere:5432',
        'driver → anywhere:5432',
        'otel-collector → anywhere:any',
        ...inside.filter((arrow) => !/postgres|observatory|^load/.test(arrow)),
      ].toSorted(),
    );
    expect(ingress.filter((arrow) => arrow.startsWith('anywhere'))).toEqual(['anywhere → frontend:8080']);
  });

  test('sends elsewhere by one value', async () => {
    const exporters = async (...set: string[]) =>
      environmentOf(podsOf(await render(helm, { set }))['Deployment hotrod-otel-collector'])['BACKEND_EXPORTERS'];
    expect(await exporters()).toBe('[nop]');
    expect(await exporters('collector.backend.endpoint=https://otlp.example.com')).toBe('[nop, otlp_http/backend]');
    expect(await exporters('collector.honeycomb.existingSecret=honeycomb')).toBe('[nop, otlp_http/honeycomb]');
  });

  test('serves hosts by an Ingress or a route, and the Observatory answers to its own', async () => {
    const hosts = (key: string) => [
      `${key}.enabled=true`,
      `${key}.hosts.frontend=rides.example.com`,
      `${key}.hosts.observatory=o11y.example.com`,
    ];
    for (const set of [
      [...hosts('ingress'), 'ingress.tls[0].secretName=certificate'],
      [...hosts('gatewayApi'), 'gatewayApi.parentRefs[0].name=gateway'],
    ]) {
      const objects = await render(helm, { set });
      const pods = podsOf(objects);
      expect(environmentOf(pods['Deployment hotrod-frontend'])['TRACE_URL']).toBe(
        'https://o11y.example.com/trace/{traceId}',
      );
      expect(environmentOf(pods['Deployment hotrod-frontend'])['OBSERVATORY_URL']).toBe('https://o11y.example.com');
      expect(environmentOf(pods['StatefulSet hotrod-observatory'])['OBSERVATORY_RIDES_URL']).toBe(
        'https://rides.example.com',
      );
      expect(environmentOf(pods['StatefulSet hotrod-observatory'])['OBSERVATORY_HOSTS']?.split(',')).toEqual([
        'hotrod-observatory.rides',
        'hotrod-observatory.rides.svc',
        'hotrod-observatory.rides.svc.cluster.local',
        'o11y.example.com',
      ]);
      const exposed = objects.filter(({ kind }) => kind === 'Ingress' || kind === 'HTTPRoute');
      expect(exposed.map(({ metadata }) => metadata.name)).toEqual(['hotrod-frontend', 'hotrod-observatory']);
      expect(JSON.stringify(exposed[0]?.spec)).toContain('rides.example.com');
    }
  });

  test('serves both by one host, the Observatory under a path', async () => {
    for (const key of ['ingress', 'gatewayApi']) {
      const hosts = [`${key}.hosts.frontend=demo.example.com`, `${key}.hosts.observatory=demo.example.com`];
      const set = [`${key}.enabled=true`, ...hosts, 'observatory.basePath=/observatory'];
      if (key === 'gatewayApi') set.push('gatewayApi.parentRefs[0].name=gateway');
      const objects = await render(helm, { set });
      const pods = podsOf(objects);
      expect(environmentOf(pods['StatefulSet hotrod-observatory'])['OBSERVATORY_BASE_PATH']).toBe('/observatory');
      expect(environmentOf(pods['Deployment hotrod-frontend'])['TRACE_URL']).toMatch(
        /^https?:\/\/demo\.example\.com\/observatory\/trace\/\{traceId\}$/,
      );
      const [frontend, observatory] = objects
        .filter(({ kind }) => kind === 'Ingress' || kind === 'HTTPRoute')
        .map(({ spec }) => JSON.stringify(spec));
      expect(observatory).toMatch(/"(path|value)":"\/observatory"/);
      expect(frontend).not.toContain('/observatory');
    }
  });

  test.each(['job', 'testrun', 'off'])('loads by k6 as told: %s', async (mode) => {
    const objects = await render(helm, { set: [`load.mode=${mode}`, 'load.profile=demo', 'load.parallelism=3'] });
    const load = objects.filter(({ metadata }) => metadata.name.startsWith('hotrod-load')).map(({ kind }) => kind);
    expect(load).toEqual(
      {
        job: ['ConfigMap', 'Job', 'NetworkPolicy', 'ServiceAccount'],
        testrun: ['ConfigMap', 'NetworkPolicy', 'ServiceAccount', 'TestRun'],
        off: [],
      }[mode],
    );
    const testRun = objects.find(({ kind }) => kind === 'TestRun');
    if (mode === 'testrun') {
      const { runner, initializer } = (testRun?.spec ?? {}) as unknown as Record<
        string,
        { env: { name: string; value: string }[]; volumes: unknown }
      >;
      expect(testRun?.spec).toMatchObject({ parallelism: 3, script: { localFile: '/loadgen/k6.ts' } });
      expect(runner?.env).toContainEqual({ name: 'PROFILE', value: 'demo' });
      expect(runner).toEqual(initializer);
    }
  });
});

test.skipIf(!helm)('the README names every values file', () => {
  const text = `${readText('charts/hotrod/README.md')}${readText('docs/kubernetes.md')}`;
  for (const variant of variants) expect(text).toContain(`values-${variant}.yaml`);
});

/** What changes with every render (random passwords) or with the files of other folders is left out. */
function withoutContents(object: KubernetesObject): KubernetesObject {
  const copy = structuredClone(object);
  const hidden = copy.kind === 'Secret' || /-(otel-collector|load|test)$|dashboard|rules$/.test(copy.metadata.name);
  if (copy.data && hidden) for (const key of Object.keys(copy.data)) copy.data[key] = '…';
  const annotations = copy.spec?.template?.metadata.annotations;
  for (const key of Object.keys(annotations ?? {}))
    if (annotations && key.startsWith('checksum/')) annotations[key] = '…';
  return copy;
}

/** The templates of all pods with their labels and annotations: what a change of which rolls them. */
function podTemplates(objects: readonly KubernetesObject[]): Record<string, unknown> {
  return Object.fromEntries(
    objects
      .filter((object) => object.kind === 'Pod' || object.spec?.template)
      .map((object) => [keyOf(object), object.kind === 'Pod' ? object.spec : object.spec?.template]),
  );
}
