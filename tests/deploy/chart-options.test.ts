import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { root } from '../harness/suite.ts';
import { environmentOf, type KubernetesObject, render, template } from './chart.ts';
import { findTool } from './tools.ts';

const helm = findTool('helm');
const readText = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const on = (...names: string[]) => names.map((name) => `${name}.enabled=true`);

function one(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.filter((each) => each.kind === kind && each.metadata.name === `hotrod-${name}`);
  return found.length === 1 && found[0] ? found[0] : expect.fail(`${found.length} of ${kind} hotrod-${name}`);
}

/** One field of each item of a list in an object's spec. */
function namesOf({ spec = {} }: KubernetesObject, list: string, field: string): (string | undefined)[] {
  return (spec[list] as Record<string, string>[]).map((item) => item[field]);
}

describe.skipIf(!helm)('what is off by default', () => {
  const rendered = (...set: string[]) => render(helm ?? '', { set });

  test('takes no kind that a stock cluster has not', async () => {
    const foreign = (await rendered()).filter(({ apiVersion }) => /istio|argoproj|coreos|gateway/.test(apiVersion));
    expect(foreign).toEqual([]);
  });

  test('flagd has the flags of faults/, and every service may ask it, and does', async () => {
    const objects = await rendered(...on('flags', 'istio', 'istio.canary'));
    const flags = one(objects, 'ConfigMap', 'flagd').data?.['flags.json'] ?? '';
    expect(JSON.parse(flags)).toEqual(JSON.parse(readText('faults/flags.json')));
    const services = ['customer', 'customer-canary', 'driver', 'frontend', 'route'];
    for (const name of services) {
      expect(environmentOf(one(objects, 'Deployment', name).spec?.template?.spec)).toMatchObject({
        FLAGD_HOST: 'hotrod-flagd',
        FLAGD_SYNC_PORT: '8015',
      });
      const egress = JSON.stringify(one(objects, 'NetworkPolicy', name).spec?.['egress']);
      expect(egress, name).toContain('"port":8015');
    }
    const policy = one(objects, 'NetworkPolicy', 'flagd').spec ?? {};
    const asked = JSON.stringify(policy['ingress']);
    for (const name of services) expect(asked).toContain(`"app.kubernetes.io/name":"${name}"`);
    // It asks nobody: beside the cluster's DNS and Istio there is nowhere to go.
    expect(JSON.stringify(policy['egress'])).not.toContain('app.kubernetes.io/name');
    const pod = one(objects, 'Deployment', 'flagd').spec?.template?.spec;
    expect(pod?.volumes).toEqual([{ name: 'flags', configMap: { name: 'hotrod-flagd' } }]);
    const off = await rendered();
    expect(JSON.stringify(off)).not.toMatch(/flagd/i);
  });

  test('the rules are those of monitoring/, as they are', async () => {
    const rule = one(await rendered(...on('monitoring.rules')), 'PrometheusRule', 'rules');
    const directory = join(root, 'monitoring/prometheus/rules');
    const groups = readdirSync(directory).flatMap(
      (file) => (parse(readText('monitoring/prometheus/rules', file)) as { groups: unknown[] }).groups,
    );
    expect(groups.length).toBeGreaterThan(0);
    expect(rule.spec?.['groups']).toEqual(groups);
  });

  test("the rules' links lead where people reach this release", async () => {
    const links = async (...more: string[]) => {
      const rule = one(await rendered(...on('monitoring.rules'), ...more), 'PrometheusRule', 'rules');
      const groups = rule.spec?.['groups'] as { rules: { alert?: string; annotations?: Record<string, string> }[] }[];
      const alerts = groups
        .flatMap(({ rules }) => rules)
        .flatMap(({ annotations }) => (annotations ? [annotations] : []));
      return alerts.flatMap((annotations) => [annotations['runbook_url'], annotations['dashboard_url']]).slice(0, 2);
    };
    const byDefault = await links();
    expect(byDefault[0]).toBe(
      '{{ or $externalLabels.observatory_url "http://localhost:8088" }}/runbooks/dependency-calls-fail',
    );
    const urls = ['observatory.url=https://o.example.com/', 'monitoring.rules.grafanaUrl=https://g.example.com'];
    expect(await links(...urls)).toEqual([
      'https://o.example.com/runbooks/dependency-calls-fail',
      'https://g.example.com/d/services',
    ]);
    const forwarded = ['observatory.url=http://localhost:9088', 'monitoring.rules.grafanaUrl=http://localhost:9000'];
    expect(await links(...forwarded)).toEqual([
      'http://localhost:9088/runbooks/dependency-calls-fail',
      'http://localhost:9000/d/services',
    ]);
  });

  test('the dashboards are those of monitoring/, as they are, with the label of Grafana', async () => {
    const objects = await rendered(...on('monitoring.dashboards'));
    const files = readdirSync(join(root, 'monitoring/grafana/dashboards'));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const map = one(objects, 'ConfigMap', `dashboard-${file.replace('.json', '')}`);
      expect(map.metadata.labels).toMatchObject({ grafana_dashboard: '1' });
      expect(JSON.parse(map.data?.[`hotrod-${file}`] ?? '')).toEqual(
        JSON.parse(readText('monitoring/grafana/dashboards', file)),
      );
    }
  });

  test.each([
    ['single', 'otel-collector', 0],
    ['agent', 'otel-collector-gateway', 1],
  ])('monitors ask ports that Services of the Collector have: %s', async (mode, component, agents) => {
    const objects = await rendered(...on('monitoring.monitors'), `collector.mode=${mode}`);
    for (const name of [component, 'observatory']) {
      const monitor = one(objects, 'ServiceMonitor', name);
      const service = one(objects, 'Service', name);
      expect(service.metadata.labels).toMatchObject(monitor.spec?.selector?.matchLabels ?? {});
      const ports = namesOf(service, 'ports', 'name');
      expect(ports).toEqual(expect.arrayContaining(namesOf(monitor, 'endpoints', 'port')));
    }
    expect(objects.filter(({ kind }) => kind === 'PodMonitor')).toHaveLength(agents);
  });

  test('a canary is the customer service with another image, beside it, and takes its share', async () => {
    const objects = await rendered(
      ...on('istio', 'istio.canary'),
      'istio.canary.weight=25',
      'istio.canary.image.tag=0.2.0_abcdef1',
      'istio.canary.env.CUSTOMER_SLOW_FACTOR=1',
    );
    const [stable, canary] = ['customer', 'customer-canary'].map((name) => one(objects, 'Deployment', name));
    expect(canary?.spec?.template?.spec.containers[0]?.image).toBe('hotrod/customer:0.2.0_abcdef1');
    const environment = (object: KubernetesObject | undefined) => environmentOf(object?.spec?.template?.spec);
    expect(environment(canary)).toMatchObject({ OTEL_SERVICE_NAME: 'customer', CUSTOMER_SLOW_FACTOR: '1' });
    expect(environment(canary)['DATABASE_URL']).toEqual(environment(stable)['DATABASE_URL']);
    expect(environment(canary)['OTEL_RESOURCE_ATTRIBUTES']).toContain('service.version=0.2.0%2Babcdef1');
    expect(environment(canary)['OTEL_RESOURCE_ATTRIBUTES']).toContain('k8s.deployment.name=hotrod-customer-canary');
    expect(canary?.spec?.selector).not.toEqual(stable?.spec?.selector);
    expect(one(objects, 'VirtualService', 'customer').spec?.['http']).toEqual([
      {
        name: 'primary',
        route: [
          { destination: { host: 'hotrod-customer' }, weight: 75 },
          { destination: { host: 'hotrod-customer-canary' }, weight: 25 },
        ],
      },
    ]);
    for (const { kind, spec } of objects) {
      if (!['Deployment', 'StatefulSet'].includes(kind)) continue;
      expect(spec?.template?.metadata.labels).toMatchObject({ 'sidecar.istio.io/inject': 'true' });
    }
  });

  test('a rollout runs what the Deployment describes, and judges the version that it brings', async () => {
    const objects = await rendered(...on('rollouts', 'istio'), 'services.customer.image.tag=0.2.0_abcdef1');
    const deployment = one(objects, 'Deployment', 'customer');
    expect(deployment.spec?.replicas).toBe(0);
    const rollout = one(objects, 'Rollout', 'customer');
    expect(rollout.spec).toMatchObject({ replicas: 2, workloadRef: { kind: 'Deployment', name: 'hotrod-customer' } });
    expect(rollout.spec?.selector).toEqual(deployment.spec?.selector);
    const text = JSON.stringify(rollout.spec);
    expect(text).toContain('{"name":"version","value":"0.2.0+abcdef1"}');
    expect(one(objects, 'VirtualService', 'customer').spec?.['http']).toMatchObject([
      { route: [{ weight: 100 }, { weight: 0 }] },
    ]);
    // The names and labels of the span metrics are the Collector's.
    const queries = JSON.stringify(one(objects, 'AnalysisTemplate', 'customer').spec);
    const rules = readText('monitoring/prometheus/rules/slo.yml');
    for (const name of ['traces_span_metrics_calls_total', 'traces_span_metrics_duration_seconds_bucket']) {
      expect(queries).toContain(name);
      expect(rules).toContain(name);
    }
    expect(readText('otel-collector/config.yaml')).toMatch(/dimensions:[^]*?- name: service\.version/);
  });

  test.each([
    [on('istio.canary'), 'istio.enabled is not'],
    [on('istio', 'istio.canary', 'rollouts'), 'choose one'],
    [on('rollouts', 'services.customer.autoscaling'), 'services.customer.autoscaling has to be off'],
    [['rollouts.weights={150}'], 'rollouts.weights.0|/rollouts/weights/0'],
  ])('refuses %s in words', async (set, words) => {
    const { code, output } = await template(helm ?? '', { set });
    expect(code).not.toBe(0);
    expect(output.replaceAll("'", '')).toMatch(new RegExp(words));
  });
});
