import { describePreview, type Fate, fateOf, type Namespace } from './environment.ts';
import { type KubernetesApi, KubernetesError } from './kubernetes-api.ts';

/** What a round of the reaper found, and did. */
export interface Reaped {
  /** Names of the namespaces that were removed; without `remove`, of those that would have been. */
  expired: string[];
  /** What could not be removed, and why. */
  failures: string[];
}

/** @returns every namespace with its fate, but for those of others. */
export async function listPreviews(
  api: KubernetesApi,
  nowMs: number,
): Promise<{ fate: Exclude<Fate, 'foreign'>; namespace: Namespace }[]> {
  const { items } = await api.request<{ items: Namespace[] }>('GET', '/api/v1/namespaces');
  return items
    .flatMap((namespace) => {
      const fate = fateOf(namespace, nowMs);
      return fate === 'foreign' ? [] : [{ fate, namespace }];
    })
    .toSorted((a, b) => a.namespace.metadata.name.localeCompare(b.namespace.metadata.name));
}

/**
 * Removes the previews whose time is over. It leaves alone, and names, what it does not understand: a preview without a
 * readable date, and a namespace that is named like one but has not our label.
 *
 * @param remove false: only tells what it would do.
 * @param say takes a line for each namespace that it has something to say about.
 */
export async function reapPreviews(
  api: KubernetesApi,
  options: { nowMs: number; remove: boolean; say: (line: string) => void },
): Promise<Reaped> {
  const { nowMs, remove, say } = options;
  const reaped: Reaped = { expired: [], failures: [] };
  for (const { fate, namespace } of await listPreviews(api, nowMs)) {
    const who = describePreview(namespace);
    if (fate === 'expired' && !remove) {
      reaped.expired.push(namespace.metadata.name);
      say(`would remove ${who}`);
    } else if (fate === 'expired') {
      const failure = await removePreview(api, namespace);
      if (failure === null) {
        reaped.expired.push(namespace.metadata.name);
        say(`removed ${who}`);
      } else {
        reaped.failures.push(failure);
        say(`could not remove ${who}: ${failure}`);
      }
    } else {
      say(`${sentences[fate]} ${who}`);
    }
  }
  return reaped;
}

const sentences = {
  unlabelled: 'left alone, since it has not the label of a preview:',
  undated: 'left alone, since it has no date that can be read:',
  living: 'keeps',
  ending: 'is being removed already:',
};

/**
 * Removes a preview, as it was seen. If somebody has changed it meanwhile (given it another day, say), the API server
 * refuses, and the next round looks again.
 *
 * @returns why it could not; null if it is done, or was already.
 */
export async function removePreview(api: KubernetesApi, { metadata }: Namespace): Promise<string | null> {
  const { name, uid, resourceVersion } = metadata;
  try {
    await api.request('DELETE', `/api/v1/namespaces/${encodeURIComponent(name)}`, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: { uid, resourceVersion },
    });
    return null;
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    return error.status === 404 ? null : error.message;
  }
}
