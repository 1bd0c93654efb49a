import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';

import { createTemporaryDirectory, root } from '../harness/suite.ts';
import {
  checkWithConftest,
  type Manifest,
  policyDirectory,
  readCases,
  readManifests,
  readRules,
  writeManifest,
} from './policies.ts';
import { findSchemas, validate } from './schemas.ts';
import { findTool, mustRun } from './tools.ts';

const conftest = findTool('conftest');
const kubeconform = findTool('kubeconform');
const directory = createTemporaryDirectory('policies');
afterAll(() => directory.remove());
const schemas = kubeconform ? await findSchemas(directory.path) : null;

const rules = readRules();
const cases = readCases().map((each, index) => ({ ...each, file: '', index }));
for (const each of cases) each.file = writeManifest(directory.path, `case-${each.index}`, [each.manifest]);

describe('the rules', () => {
  test('each have a case that is refused and one that is allowed', () => {
    for (const rule of Object.keys(rules)) {
      const own = cases.filter((each) => each.rule === rule);
      expect([rule, own.some(({ refused }) => refused), own.some(({ refused }) => !refused)]).toEqual([
        rule,
        true,
        true,
      ]);
    }
    expect(cases.filter(({ rule }) => !(rule in rules))).toEqual([]);
  });

  test('say what, why, how to mend it, and name the incident with its address', () => {
    for (const { what, why, fix, incident } of Object.values(rules)) {
      for (const sentence of [what, why, fix]) expect(sentence).toMatch(/^.{20,}[^\s]$/);
      expect(incident.title).toMatch(/^.+, (\d{4}|CVE-\d{4}-\d+): .{20,}/);
      expect(new URL(incident.url).protocol).toBe('https:');
    }
  });

  test('are all in the table of policy/README.md', () => {
    const readme = readFileSync(join(policyDirectory, 'README.md'), 'utf8');
    for (const [id, { what, why, incident }] of Object.entries(rules)) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${id}\``));
      expect(row, id).toBeDefined();
      for (const text of [what, why, `[${incident.title}](${incident.url})`]) expect(row).toContain(text);
    }
  });
});

describe.skipIf(!conftest)('the Rego rules', () => {
  // One that kubeconform holds, by the schemas.
  const inRego = cases.filter(({ rule }) => rule !== 'fields-known');

  test('refuse exactly what each case breaks, and nothing that is allowed', async () => {
    const { findings } = await checkWithConftest(
      conftest ?? '',
      inRego.map(({ file }) => file),
    );
    for (const { title, rule, refused, file } of inRego) {
      const found = new Set(findings.filter(({ filename }) => filename === file).map((finding) => finding.rule));
      expect([title, ...found]).toEqual(refused ? [title, rule] : [title]);
    }
  });

  test('name the object, the place, the reason and the remedy', async () => {
    const { findings } = await checkWithConftest(conftest ?? '', [
      cases.find(({ rule, refused }) => rule === 'memory-bounded' && refused)?.file ?? '',
    ]);
    expect(findings.map(({ message }) => message)).toEqual([
      `Deployment good: container main has no resources.limits.memory [memory-bounded]. Why: ${rules['memory-bounded']?.why} Fix: ${rules['memory-bounded']?.fix} Seen: ${rules['memory-bounded']?.incident.title}`,
    ]);
  });
});

describe.skipIf(!schemas)('the schemas', () => {
  test('refuse a field in the wrong place, and no good object', async () => {
    const own = cases.filter(({ rule }) => rule === 'fields-known');
    const good = join(policyDirectory, 'cases/good.yaml');
    const found = await validate(kubeconform ?? '', schemas ?? [], [...own.map(({ file }) => file), good]);
    const problems = (file: string) =>
      found.filter(({ filename, problem }) => filename === file && !problem.includes(': statusValid'));
    for (const { title, refused, file } of own)
      expect([title, problems(file).length]).toEqual([title, refused ? 1 : 0]);
    expect(problems(good)).toEqual([]);
    expect(found.filter(({ filename }) => filename === good)).toHaveLength(
      readManifests(readFileSync(good, 'utf8')).length,
    );
    const outage = own.find(({ title }) => title.includes('concurrencyPolicy'));
    expect(problems(outage?.file ?? '')[0]?.problem).toContain("additional properties 'concurrencyPolicy' not allowed");
  });
});

describe('the admission policies', () => {
  const policies = readManifests(readFileSync(join(policyDirectory, 'admission/policies.yaml'), 'utf8'));
  const ofKind = (kind: string) => policies.filter((policy) => policy.kind === kind);
  const spec = <T>(manifest: Manifest) => manifest['spec'] as T;

  test('hold the same rules, with the same words', () => {
    const messages = ofKind('ValidatingAdmissionPolicy').flatMap((policy) =>
      spec<{ validations: { message: string }[] }>(policy).validations.map(({ message }) => message),
    );
    const expected = Object.entries(rules)
      .filter(([id]) => !['fields-known', 'api-served', 'cron-schedule'].includes(id)) // the API server's own
      .map(([id, { what, fix }]) => `[${id}] ${what} Fix: ${fix}`);
    expect(messages.toSorted()).toEqual(expected.toSorted());
  });

  test('hold in no namespace that does not ask for them', () => {
    const bindings = ofKind('ValidatingAdmissionPolicyBinding').map((binding) =>
      spec<{ policyName: string; matchResources: unknown }>(binding),
    );
    for (const policy of ofKind('ValidatingAdmissionPolicy')) {
      expect(
        bindings.filter(({ policyName }) => policyName === policy.metadata.name).map((each) => each.matchResources),
      ).toEqual(
        ['deny', 'warn'].map((mode) => ({ namespaceSelector: { matchLabels: { 'policy.hotrod/enforce': mode } } })),
      );
    }
    expect(bindings).toHaveLength(2 * ofKind('ValidatingAdmissionPolicy').length);
  });

  test.skipIf(!schemas)('are valid themselves', async () => {
    const found = await validate(kubeconform ?? '', schemas ?? [], [join(policyDirectory, 'admission/policies.yaml')]);
    expect(found.filter(({ problem }) => !problem.includes(': statusValid'))).toEqual([]);
    expect(found).toHaveLength(policies.length);
  });
});

const chart = join(root, 'charts/hotrod');
const helms = (['helm', 'helm3'] as const).map((name) => ({ name, program: findTool(name) }));
/** Everything that is off by default, in two renders, since two of them exclude each other. */
const optional = [
  ...['reaper', 'flags', 'monitoring.monitors', 'monitoring.rules', 'monitoring.dashboards', 'gatewayApi', 'istio'].map(
    (name) => `${name}.enabled=true`,
  ),
  'gatewayApi.parentRefs[0].name=public',
  'gatewayApi.hosts.frontend=rides.example.com',
];
const sets: Record<string, string[]> = {
  'every option, with a canary': [
    ...optional,
    'istio.canary.enabled=true',
    'services.customer.autoscaling.enabled=true',
  ],
  'every option, with Argo Rollouts': [
    ...optional,
    'rollouts.enabled=true',
    'collector.mode=agent',
    'load.mode=testrun',
  ],
};
const variants = [
  'default',
  ...Object.keys(sets),
  ...readdirSync(chart).flatMap((file) => /^values-(\w+)\.yaml$/.exec(file)?.[1] ?? []),
];

describe.each(helms)('what $name renders of the chart', ({ program }) => {
  test.skipIf(!program || !conftest).each(variants)('keeps every rule: %s', async (variant) => {
    const file = join(directory.path, `render-${variant.replaceAll(/\W+/g, '-')}.yaml`);
    const options = sets[variant]?.map((set) => `--set=${set}`);
    const values = variant === 'default' ? [] : (options ?? [`--values=${join(chart, `values-${variant}.yaml`)}`]);
    const rendered = await mustRun(program ?? '', ['template', 'hotrod', chart, '--namespace', 'rides', ...values]);
    writeFileSync(file, rendered);
    const objects = readManifests(rendered);
    expect(objects.length).toBeGreaterThan(20);

    const { findings, checks } = await checkWithConftest(conftest ?? '', [file]);
    expect(findings.map(({ message }) => message)).toEqual([]);
    expect(checks).toBeGreaterThan(objects.length);

    if (!schemas) return;
    const validated = await validate(kubeconform ?? '', schemas, [file]);
    expect(validated.filter(({ problem }) => !problem.includes(': statusValid'))).toEqual([]);
    expect(validated).toHaveLength(objects.length);
  });
});
