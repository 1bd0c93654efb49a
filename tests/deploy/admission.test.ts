import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { KubernetesError } from '@hotrod/pipeline/preview/kubernetes-api';
import { deleteObject, findClusterApi } from './cluster-api.ts';
import { type Manifest, policyDirectory, readCases, readManifests, readRules } from './policies.ts';

const cluster = findClusterApi();
const run = randomBytes(4).toString('hex');
const namespace = `hotrod-policies-${run}`;
const admission = '/apis/admissionregistration.k8s.io/v1';

/** The policies under names of this run, which hold in its own namespace alone. */
const policies = readManifests(
  readFileSync(join(policyDirectory, 'admission/policies.yaml'), 'utf8')
    .replaceAll('name: hotrod-', `name: hotrod-${run}-`)
    .replaceAll('policyName: hotrod-', `policyName: hotrod-${run}-`)
    .replaceAll('policy.hotrod/enforce: ', `policy.hotrod/enforce: ${run}-`),
);
const collection = ({ kind }: Manifest) =>
  `${admission}/${kind === 'ValidatingAdmissionPolicy' ? 'validatingadmissionpolicies' : 'validatingadmissionpolicybindings'}`;

/** Kinds of others, where the cluster has none of them: enough of a definition for an object to reach admission. */
const foreign = [
  { group: 'gateway.networking.k8s.io', version: 'v1', kind: 'HTTPRoute', plural: 'httproutes' },
  { group: 'networking.istio.io', version: 'v1', kind: 'VirtualService', plural: 'virtualservices' },
];
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** What the API server itself says about the rules that it holds without a policy. */
const ofTheServer: Record<string, RegExp> = {
  'fields-known': /unknown field/,
  'api-served': /the API version in the data|cannot be handled as/,
  'cron-schedule': /spec\.schedule: Invalid value/,
};

const plurals: Record<string, string> = {
  Pod: '/api/v1/namespaces/NAMESPACE/pods',
  Deployment: '/apis/apps/v1/namespaces/NAMESPACE/deployments',
  CronJob: '/apis/batch/v1/namespaces/NAMESPACE/cronjobs',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/NAMESPACE/ingresses',
  ...Object.fromEntries(
    foreign.map(({ group, version, kind, plural }) => [
      kind,
      `/apis/${group}/${version}/namespaces/NAMESPACE/${plural}`,
    ]),
  ),
};

describe.skipIf(!cluster)('the admission policies on a real API server', () => {
  const { api } = cluster ?? ({} as NonNullable<typeof cluster>);
  const created: string[] = [];

  /** Asks the API server to create an object, and not to keep it. @returns null, or why it refuses. */
  async function tryToCreate(manifest: Manifest): Promise<string | null> {
    const path = plurals[manifest.kind]?.replace('NAMESPACE', namespace);
    if (!path) throw new Error(`No path is known for ${manifest.kind}`);
    try {
      await api.request('POST', `${path}?dryRun=All&fieldValidation=Strict`, manifest);
      return null;
    } catch (error) {
      if (error instanceof KubernetesError && [400, 403, 404, 409, 422].includes(error.status)) return error.message;
      throw error;
    }
  }

  beforeAll(async () => {
    for (const { group, version, kind, plural } of foreign) {
      const name = `${plural}.${group}`;
      try {
        await api.request('POST', definitions, {
          apiVersion: 'apiextensions.k8s.io/v1',
          kind: 'CustomResourceDefinition',
          metadata: { name, annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in for tests' } },
          spec: {
            group,
            names: { kind, plural },
            scope: 'Namespaced',
            versions: [
              {
                name: version,
                served: true,
                storage: true,
                schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
              },
            ],
          },
        });
        created.push(`${definitions}/${name}`);
      } catch (error) {
        if (!(error instanceof KubernetesError && error.status === 409)) throw error; // the cluster has the real one
      }
    }
    await api.request('POST', '/api/v1/namespaces', {
      metadata: { name: namespace, labels: { 'policy.hotrod/enforce': `${run}-deny` } },
    });
    created.push(`/api/v1/namespaces/${namespace}`);
    for (const policy of policies) {
      await api.request('POST', collection(policy), policy);
      created.push(`${collection(policy)}/${policy.metadata.name}`);
    }
    // They hold a moment after they were created, each kind of object by itself.
    for (const kind of ['Deployment', 'CronJob', 'Ingress', 'HTTPRoute', 'VirtualService']) {
      const refused = readCases().find(
        ({ manifest, refused: isRefused, rule }) => isRefused && manifest.kind === kind && !(rule in ofTheServer),
      );
      if (!refused) throw new Error(`There is no case of a ${kind}`);
      await vi.waitFor(async () => expect(await tryToCreate(refused.manifest)).toContain('ValidatingAdmissionPolicy'), {
        timeout: 60_000,
        interval: 200,
      });
    }
  });

  afterAll(async () => {
    for (const path of created.toReversed()) await deleteObject(api, path);
    api?.close();
  });

  const rules = readRules();
  test.each(Object.keys(rules))('refuse what breaks %s, in its words, and nothing that keeps it', async (rule) => {
    for (const { title, manifest, refused } of readCases().filter((each) => each.rule === rule)) {
      // A stand-in of a definition knows no fields.
      if (rule === 'fields-known' && foreign.some(({ kind }) => kind === manifest.kind)) continue;
      const refusal = await tryToCreate(manifest);
      if (!refused) expect([title, refusal]).toEqual([title, null]);
      else expect(`${title} ${refusal}`).toMatch(ofTheServer[rule] ?? `[${rule}] ${rules[rule]?.what}`);
    }
  });

  test('leave alone a namespace that did not ask for them', async () => {
    const broken = readCases().find(({ rule, refused }) => rule === 'owner' && refused);
    const path = '/apis/apps/v1/namespaces/default/deployments?dryRun=All';
    await expect(api.request('POST', path, broken?.manifest)).resolves.toMatchObject({ kind: 'Deployment' });
  });
});
