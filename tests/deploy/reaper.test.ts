import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { formatInstant, type Namespace, previewNamespace } from '@hotrod/pipeline/preview/environment';
import { createKubernetesApi, type KubernetesApi } from '@hotrod/pipeline/preview/kubernetes-api';
import { reapPreviews, removePreview } from '@hotrod/pipeline/preview/reap';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { root } from '../harness/suite.ts';
import { deleteObject, findClusterApi } from './cluster-api.ts';
import { type Manifest, readManifests } from './policies.ts';
import { findTool, mustRun } from './tools.ts';

const cluster = findClusterApi();
const helm = findTool('helm');
const run = randomBytes(4).toString('hex');
const home = `hotrod-reaper-${run}`;
const hourMs = 3_600_000;

/** Where objects of the reaper are created; those in a namespace below `home`. */
const collections: Record<string, string> = {
  ServiceAccount: `/api/v1/namespaces/${home}/serviceaccounts`,
  CronJob: `/apis/batch/v1/namespaces/${home}/cronjobs`,
  NetworkPolicy: `/apis/networking.k8s.io/v1/namespaces/${home}/networkpolicies`,
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  ValidatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
};

/** Namespaces of a test; what a preview is to be is in its name. */
function namespaces() {
  const preview = (name: string, endsMs: number): Namespace => ({
    ...previewNamespace({ branch: `${run}-${name}`, owner: 'ann', lifetime: '1h', endsMs }),
  });
  const expired = preview('expired', Date.now() - hourMs);
  const living = preview('living', Date.now() + hourMs);
  const undated = preview('undated', 0);
  delete undated.metadata.labels?.['preview.hotrod/ends'];
  const unlabelled: Namespace = {
    metadata: {
      name: `preview-${run}-unlabelled`,
      labels: { owner: 'bob', 'preview.hotrod/ends': formatInstant(Date.now() - hourMs) },
    },
  };
  return { expired, living, undated, unlabelled };
}

describe.skipIf(!cluster || !helm)('the reaper, as the chart installs it, on a real API server', () => {
  const { api, server, ca } = cluster ?? ({} as NonNullable<typeof cluster>);
  const created: string[] = [];
  const given = namespaces();
  let reaper: KubernetesApi;

  const create = async (collection: string, object: unknown, name: string): Promise<void> => {
    await api.request('POST', collection, object);
    created.push(`${collection}/${name}`);
  };
  const isThere = async ({ metadata }: Namespace): Promise<boolean> => {
    const { items } = await api.request<{ items: Namespace[] }>('GET', '/api/v1/namespaces');
    return items.some((each) => each.metadata.name === metadata.name && !each.metadata.deletionTimestamp);
  };
  const reap = async (remove: boolean) => {
    const lines: string[] = [];
    const reaped = await reapPreviews(reaper, { nowMs: Date.now(), remove, say: (line) => lines.push(line) });
    // Of this run: others may use the cluster, too.
    return { ...reaped, lines: lines.filter((line) => line.includes(run)) };
  };

  beforeAll(async () => {
    await create('/api/v1/namespaces', { metadata: { name: home } }, home);
    const chart = join(root, 'charts/hotrod');
    const rendered = await mustRun(helm ?? '', [
      'template',
      'hotrod',
      chart,
      `--namespace=${home}`,
      '--set=reaper.enabled=true',
      '--show-only=templates/reaper.yaml',
    ]);
    const objects: Manifest[] = readManifests(rendered);
    expect(objects.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(collections).toSorted());
    for (const object of objects) {
      await create(`${collections[object.kind]}`, { ...object }, object.metadata.name);
    }
    for (const namespace of Object.values(given)) {
      await create('/api/v1/namespaces', namespace, namespace.metadata.name);
    }
    const answer = await api.request<{ status: { token: string } }>(
      'POST',
      `${collections['ServiceAccount']}/hotrod-reaper/token`,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
    );
    reaper = createKubernetesApi({ server, ca, token: async () => answer.status.token });
    // The policy holds a moment after it was created; until then the role alone does.
    await vi.waitFor(
      () =>
        expect(
          reaper.request('DELETE', `/api/v1/namespaces/${given.unlabelled.metadata.name}?dryRun=All`),
        ).rejects.toMatchObject({ status: 422 }),
      { timeout: 60_000, interval: 200 },
    );
  });

  afterAll(async () => {
    for (const path of created.toReversed()) await deleteObject(api, path);
    reaper?.close();
    api?.close();
  });

  test('only tells what it would remove until it is told otherwise, and names what it leaves alone', async () => {
    const { expired, lines } = await reap(false);
    expect(expired).toContain(given.expired.metadata.name);
    expect(lines).toEqual([
      expect.stringMatching(/^would remove preview-\w+-expired \(owner ann, branch \w+-expired, ends \d{8}T\d{6}Z\)$/),
      expect.stringMatching(/^keeps preview-\w+-living /),
      expect.stringMatching(/^left alone, since it has no date that can be read: preview-\w+-undated /),
      expect.stringMatching(/^left alone, since it has not the label of a preview: preview-\w+-unlabelled \(owner bob/),
    ]);
    expect(await isThere(given.expired)).toBe(true);
  });

  test('may not delete a namespace without the label, whatever it is asked', async () => {
    for (const name of [given.unlabelled.metadata.name, home]) {
      await expect(reaper.request('DELETE', `/api/v1/namespaces/${name}`)).rejects.toThrow(
        'The reaper removes only namespaces with the label preview.hotrod/environment=true.',
      );
    }
    expect(await isThere(given.unlabelled)).toBe(true);
  });

  test('may do nothing else', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/pods'],
      ['GET', '/api/v1/secrets'],
      ['GET', `/api/v1/namespaces/${home}/secrets`],
      ['POST', '/api/v1/namespaces'],
      ['PATCH', `/api/v1/namespaces/${given.living.metadata.name}`],
      ['DELETE', '/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin'],
    ] as const) {
      const body = method === 'GET' ? undefined : { metadata: { name: 'any' } };
      await expect(reaper.request(method, path, body), path).rejects.toMatchObject({ status: 403 });
    }
  });

  test('does not remove one that was given another day since it looked', async () => {
    const path = `/api/v1/namespaces/${given.expired.metadata.name}`;
    const seen = await api.request<Namespace>('GET', path);
    await api.request('PATCH', path, { metadata: { annotations: { changed: 'since' } } });
    expect(await removePreview(reaper, seen)).toMatch(/conflict|Precondition/i);
    expect(await isThere(given.expired)).toBe(true);
  });

  test('removes what is over, and nothing else', async () => {
    const { expired, failures, lines } = await reap(true);
    expect(expired).toContain(given.expired.metadata.name);
    expect(failures.filter((failure) => failure.includes(run))).toEqual([]);
    expect(lines[0]).toMatch(/^removed preview-\w+-expired /);
    expect(await isThere(given.expired)).toBe(false);
    for (const kept of [given.living, given.undated, given.unlabelled]) expect(await isThere(kept)).toBe(true);
    // Again, while that one may still be going.
    const again = await reap(true);
    expect(again.expired).not.toContain(given.expired.metadata.name);
    expect(again.failures.filter((failure) => failure.includes(run))).toEqual([]);
  });
});
