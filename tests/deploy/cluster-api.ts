import { readFileSync } from 'node:fs';

import { parse } from 'yaml';

import { createKubernetesApi, type KubernetesApi, KubernetesError } from '@hotrod/pipeline/preview/kubernetes-api';

interface Kubeconfig {
  'current-context': string;
  contexts: { name: string; context: { cluster: string; user: string } }[];
  clusters: { name: string; cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { name: string; user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/**
 * The API server of the cluster that `KUBECONFIG` leads to, if `HOTROD_CLUSTER` says that tests may use it: without that
 * it may be one that somebody needs.
 *
 * @returns null if there is none, after a line that says so.
 * @throws if there is none and `CI` is set.
 */
export function findClusterApi(): { api: KubernetesApi; server: string; ca: string } | null {
  const file = process.env['KUBECONFIG'];
  if (!process.env['HOTROD_CLUSTER'] || !file) {
    const message = 'HOTROD_CLUSTER and KUBECONFIG name no cluster that tests may use';
    if (process.env['CI']) throw new Error(message);
    console.warn(`${message}: the tests that need a Kubernetes API are skipped.`);
    return null;
  }
  const config = parse(readFileSync(file, 'utf8')) as Kubeconfig;
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context?.user)?.user;
  if (!cluster || !user) throw new Error(`${file} has no current context with a cluster and a user.`);
  const decode = (data: string) => Buffer.from(data, 'base64').toString('utf8');
  const ca = decode(cluster['certificate-authority-data']);
  const api = createKubernetesApi({
    server: cluster.server,
    ca,
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  });
  return { api, server: cluster.server, ca };
}

/** Deletes an object; one that is not there is fine. */
export async function deleteObject(api: KubernetesApi, path: string): Promise<void> {
  try {
    await api.request('DELETE', path);
  } catch (error) {
    if (!(error instanceof KubernetesError && error.status === 404)) throw error;
  }
}
