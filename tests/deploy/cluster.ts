import { randomBytes } from 'node:crypto';

import { findTool, mustRun, type Outcome, run } from './tools.ts';

/** A Kubernetes cluster that tests may use, and the programs to use it with. */
export interface Cluster {
  kubectl: string;
  helm: string;
  helm3: string;
  docker: string;
  compose: string;
  /** Brings images of the Docker engine into the cluster. */
  load(images: readonly string[]): Promise<void>;
}

/**
 * The cluster that `HOTROD_TEST_KUBECONFIG` leads to. The usual `KUBECONFIG` is not looked at: a test must not install into
 * whatever cluster somebody happens to work with. `HOTROD_CLUSTER` says how images come into it: `kind`, or a program that
 * is called as `PROGRAM load IMAGE…`.
 *
 * @returns null if there is none, or a tool is missing, after a line that says so.
 * @throws in these cases if `CI` is set.
 */
export function findCluster(): Cluster | null {
  const how = process.env['HOTROD_CLUSTER'];
  const file = process.env['HOTROD_TEST_KUBECONFIG'];
  if (!how || !file) {
    const message = 'HOTROD_TEST_KUBECONFIG and HOTROD_CLUSTER name no cluster that tests may use';
    if (process.env['CI']) throw new Error(message);
    console.warn(`${message}: its tests are skipped.`);
    return null;
  }
  // For helm and kubectl, from here on.
  process.env['KUBECONFIG'] = file;
  const [kubectl, helm, helm3, docker, compose] = (
    ['kubectl', 'helm', 'helm3', 'docker', 'docker-compose'] as const
  ).map((name) => findTool(name));
  if (!kubectl || !helm || !helm3 || !docker || !compose) return null;
  const [program, args] = how === 'kind' ? ['kind', ['load', 'docker-image']] : [how, ['load']];
  return {
    kubectl,
    helm,
    helm3,
    docker,
    compose,
    load: async (images) => {
      await mustRun(program, [...args, ...images], { timeoutMs: 900_000 });
    },
  };
}

/** A namespace of a test's own. */
export interface Namespace {
  name: string;
  kubectl(args: readonly string[], timeoutMs?: number): Promise<Outcome>;
  /** Throws if kubectl does not end with 0. */
  must(args: readonly string[], timeoutMs?: number): Promise<string>;
  get<T>(what: string, ...args: string[]): Promise<T>;
  /** With all that is in it. */
  remove(): Promise<void>;
}

/** Makes a namespace in which only pods run that keep the restricted Pod Security Standard. */
export async function createNamespace({ kubectl }: Cluster): Promise<Namespace> {
  const name = `hotrod-test-${randomBytes(3).toString('hex')}`;
  await mustRun(kubectl, ['create', 'namespace', name]);
  const standard = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  await mustRun(kubectl, ['label', 'namespace', name, ...standard]);
  const inside = (args: readonly string[]) => ['--namespace', name, ...args];
  const must = (args: readonly string[], timeoutMs = 120_000) => mustRun(kubectl, inside(args), { timeoutMs });
  return {
    name,
    kubectl: (args, timeoutMs = 120_000) => run(kubectl, inside(args), { timeoutMs }),
    must,
    get: async <T>(what: string, ...args: string[]) =>
      JSON.parse(await must(['get', what, ...args, '--output', 'json'])) as T,
    remove: async () => {
      await mustRun(kubectl, ['delete', 'namespace', name, '--wait=true'], { timeoutMs: 180_000 });
    },
  };
}

/** What k6 has counted until now. */
export interface LoadCount {
  requests: number;
  failed: number;
  /** Orders that were due and found no free virtual user. */
  dropped: number;
}

/** Asks the running k6 of a pod for its counts. */
export async function countLoad(namespace: Namespace, pod: string): Promise<LoadCount> {
  const text = await namespace.must(['exec', pod, '--', 'k6', 'stats']);
  const of = (metric: string, field: string): number => {
    const block = text.split(/^- name: /m).find((each) => each.startsWith(`${metric}\n`));
    return Number(new RegExp(`^\\s+${field}: (\\S+)$`, 'm').exec(block ?? '')?.[1] ?? 0);
  };
  const requests = of('iterations', 'count');
  // k6 tells the share alone.
  return {
    requests,
    failed: Math.round(of('http_req_failed', 'rate') * requests),
    dropped: of('dropped_iterations', 'count'),
  };
}
